import type { BillingContext } from '../context.js'
import { BillingError } from '../errors.js'
import { inTime, type Lifetime } from '../lifetime.js'
import type { Delivery } from '../ports/store.js'
import { measured } from './attempted.js'
import { countSettled, type DeliveryReport, noDeliveries, sumReports } from './report.js'
import { type Attempted, settlementOf } from './settlement.js'

/** Sends a batch; one outcome each, in order. */
export type Send = (batch: readonly Delivery[], signal: AbortSignal) => Promise<readonly Attempted[]>

export const leaseMs = 60_000
/** How long an attempt may take, so that it is settled while its claim holds. */
export const attemptMs = 45_000

/** Delivers what is due to one provider, batch after batch; `early`: also what would wait for the end of its minute. */
export async function deliverToProvider(
  ctx: BillingContext,
  destination: string,
  lifetime: Lifetime,
  send: Send,
  early: boolean,
): Promise<DeliveryReport> {
  let sum = noDeliveries
  const claim = async () =>
    lifetime.stopping.aborted ? [] : await ctx.store.outbox.claim(destination, { limit: 200, leaseMs, early })
  let batch = await claim()
  while (batch.length > 0) {
    const outcomes = await measured(ctx, destination, batch.length, () =>
      attempt(ctx, destination, lifetime, batch, send),
    )
    const settlements = batch.map((delivery, index) => settlementOf(ctx, delivery, outcomes[index]))
    // The next batch is looked for while this one is settled.
    const [held, next] = await Promise.all([ctx.store.outbox.settle(settlements), claim()])
    sum = sumReports(sum, countSettled(batch, settlements, held))
    batch = next
  }
  return sum
}

/** A lane that throws (wrong key, store gone) did not deliver any of its batch: all of it waits. */
async function attempt(
  ctx: BillingContext,
  destination: string,
  lifetime: Lifetime,
  batch: readonly Delivery[],
  send: Send,
): Promise<readonly Attempted[]> {
  try {
    const outcomes = await inTime(lifetime, attemptMs, (signal) => send(batch, signal))
    return outcomes ?? batch.map(() => ({ status: 'unknown', reason: 'the provider did not answer in time' }))
  } catch (error) {
    ctx.environment.onError(error, `delivery to ${destination}`)
    const reason = error instanceof Error ? error.message : String(error)
    const isKnown = BillingError.is(error) && error.outcome === 'not_applied'
    return batch.map(() => ({ status: isKnown ? 'retry' : 'unknown', reason }))
  }
}
