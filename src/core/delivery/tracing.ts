import type { Able } from '../config.js'
import { formatQuantity, formatSparks } from '../domain/sparks.js'
import type { ReportOutcome } from '../ports/capabilities/metering.js'
import type { TracedUsage } from '../ports/capabilities/tracing.js'
import type { Delivery } from '../ports/store.js'
import type { Attempted } from './settlement.js'

/** Exports usage events as traces. */
export async function traceUsage(
  provider: Able<'tracing'>,
  batch: readonly Delivery[],
  signal: AbortSignal,
): Promise<readonly Attempted[]> {
  const usage = batch.map((delivery) => delivery.entries.flatMap((entry) => tracedUsage(entry) ?? []))
  const answers = await provider.tracing.export(usage.flat(), { signal })
  let next = 0
  return usage.map((events) => {
    const own = answers.slice(next, next + events.length)
    next += events.length
    return worst(own)
  })
}

function tracedUsage({ id, accountId, usage }: Delivery['entries'][number]): TracedUsage | null {
  if (!usage) return null
  const { meter, model, tokens, costUsd, occurredAt, dimensions } = usage
  const quantity = formatQuantity(usage.quantity)
  return {
    usageId: id,
    accountId,
    meter,
    model,
    quantity,
    tokens,
    costUsd,
    sparks: formatSparks(usage.sparks),
    billingStatus: Object.keys(usage.settledBy).sort().join(','),
    occurredAt,
    dimensions,
  }
}

/** A delivery of several events is done when all of them are: repeating those that were is harmless. */
function worst(outcomes: readonly ReportOutcome[]): ReportOutcome {
  const order = ['unknown', 'retry', 'rejected', 'delivered'] as const
  for (const status of order) {
    const found = outcomes.find((outcome) => outcome.status === status)
    if (found) return found
  }
  return { status: 'delivered' }
}
