import { billableMetrics } from './billable-metrics.js'
import { events, type LagoEvent, shownEvent } from './events.js'
import type { LagoJob } from './jobs.js'
import { activeAt } from './subscriptions.js'
import { emitWebhook } from './webhooks.js'
import { type LagoWorld, tableOf } from './world.js'

/** How many events have been looked at. */
const progress = tableOf<{ readonly count: number }>('event_errors')

/** What was taken and cannot be billed is told once an hour: by kinds for metrics, one by one for subscriptions that are not there. */
export const eventErrorJob: LagoJob = { name: 'report_event_errors', everyMs: 3_600_000, run: reportErrors }

function reportErrors(world: LagoWorld): void {
  const seen = progress(world).get('seen')?.count ?? 0
  const fresh = [...events(world).values()].slice(seen)
  if (fresh.length === 0) return
  progress(world).put('seen', { count: seen + fresh.length })
  const ids = (kind: (event: LagoEvent) => boolean) => fresh.filter(kind).map(({ transaction_id: id }) => id)
  const errors = {
    invalid_code: ids(({ code }) => !billableMetrics(world).has(code)),
    missing_aggregation_property: ids((event) => !hasProperty(world, event)),
    missing_group_key: [],
    invalid_filter_values: [],
  }
  if (Object.values(errors).some(({ length }) => length > 0))
    emitWebhook(world, 'events.errors', 'events_errors', errors)
  for (const event of fresh) {
    if (activeAt(world, event.external_subscription_id, event.timestampMs) !== undefined) continue
    emitWebhook(world, 'event.error', 'event_error', {
      status: 422,
      error: 'Unprocessable Entity',
      message: JSON.stringify({ external_subscription_id: ['subscription_not_found'] }),
      event: shownEvent(world, event),
    })
  }
}

function hasProperty(world: LagoWorld, { code, properties }: LagoEvent): boolean {
  const field = billableMetrics(world).get(code)?.field_name
  return field === null || field === undefined || properties[field] !== undefined
}
