import type { BillingContext } from '../context.js'
import { BillingError } from '../errors.js'
import { inTime, type Lifetime } from '../lifetime.js'
import type { Delivery, Settlement } from '../ports/store.js'
import { measured } from './attempted.js'
import { countSettled, type DeliveryReport, noDeliveries, sumReports } from './report.js'
import { type Attempted, settlementOf } from './settlement.js'

/** Sends a batch; one outcome each, in order. */
export type Send = (batch: readonly Delivery[], signal: AbortSignal) => Promise<readonly Attempted[]>

export const leaseMs = 60_000
/** How long an attempt may take, so that it is settled while its claim holds. */
export const attemptMs = 45_000

/** The most that is handed out at once. */
export const batchSize = 200

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
    lifetime.stopping.aborted ? [] : await ctx.store.outbox.claim(destination, { limit: batchSize, leaseMs, early })
  let batch = await claim()
  while (batch.length > 0) {
    const settlements = await sendBatch(ctx, destination, lifetime, batch, send)
    // The next batch is looked for while this one is settled.
    const [held, next] = await Promise.all([ctx.store.outbox.settle(settlements), claim()])
    sum = sumReports(sum, countSettled(batch, settlements, held))
    batch = next
  }
  return sum
}

/** Sends what was handed out. @returns what becomes of each */
export async function sendBatch(
  ctx: BillingContext,
  destination: string,
  lifetime: Pick<Lifetime, 'aborting'>,
  batch: readonly Delivery[],
  send: Send,
): Promise<readonly Settlement[]> {
  const outcomes = await measured(ctx, destination, batch.length, () =>
    attempt(ctx, destination, lifetime, batch, send),
  )
  return batch.map((delivery, index) => settlementOf(ctx, delivery, outcomes[index]))
}

/** A lane that throws (wrong key, store gone) did not deliver any of its batch: all of it waits. */
async function attempt(
  ctx: BillingContext,
  destination: string,
  lifetime: Pick<Lifetime, 'aborting'>,
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
