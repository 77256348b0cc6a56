import { z } from '@hono/zod-openapi'
import type { BatchItem } from '../../index.js'
import { type App, addRoute, type Served } from '../app.js'
import { json, jsonBody, problems } from '../contract/fields.js'
import { recordedBatch, recordedUsage, usageEventsRequest } from '../contract/usage-event.js'
import { idempotencyKeyGiven } from '../idempotency-key.js'
import { problemOf } from '../problem.js'
import { invalidField } from '../request-error.js'
import { recordedJson, usageInput } from '../wire/usage-event.js'

/** Usage recorded from outside: for servers, never for browsers. */
export function addUsageEventRoutes(app: App, served: Served): void {
  const { billing } = served
  addRoute(
    app,
    served,
    { scope: 'usage:write', account: 'own' },
    {
      method: 'post',
      path: '/usage/events',
      summary: 'Records one fact of consumption, or up to 1,000',
      request: jsonBody(usageEventsRequest),
      responses: { 200: json(z.union([recordedUsage, recordedBatch]), 'What became of it.'), ...problems },
    },
    async (context) => {
      const { identity, requestId } = context.var
      const { events, ...event } = context.req.valid('json')
      const { idempotencyKey: header } = idempotencyKeyGiven(context)
      if (events === undefined) {
        if (event.meter === undefined) throw invalidField('meter', 'say what was used.')
        if (header !== undefined && event.idempotency_key !== undefined && header !== event.idempotency_key)
          throw invalidField('idempotency_key', 'is another one than that of the header.')
        const input = usageInput(event, identity, event.idempotency_key ?? header)
        return context.json(recordedJson(await billing.recordUsage(input)), 200)
      }
      const [other] = Object.keys(event)
      if (other !== undefined) throw invalidField(other, 'belongs to an event, and not beside `events`.')
      if (header !== undefined)
        throw invalidField('events', 'have keys of their own: leave out the header Idempotency-Key.')
      const inputs = events.map((each) => usageInput(each, identity, each.idempotency_key))
      const results = (await billing.recordUsageBatch({ events: inputs })).map((item) => itemJson(item, requestId))
      return context.json({ results }, 200)
    },
  )
}

function itemJson(item: BatchItem, requestId: string): z.output<typeof recordedBatch>['results'][number] {
  if (item.status === 'refused') return { status: 'refused', error: problemOf(item.error, requestId) }
  return recordedJson(item)
}
