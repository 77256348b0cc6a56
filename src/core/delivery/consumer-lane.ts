import type { BillingContext } from '../context.js'
import { consumerDestination } from '../domain/event.js'
import { inTime, type Lifetime } from '../lifetime.js'
import type { Delivery } from '../ports/store.js'
import { attemptMs, leaseMs } from './provider-lane.js'
import { countSettled, type DeliveryReport, noDeliveries, sumReports } from './report.js'
import { type Attempted, settlementOf } from './settlement.js'

const attemptsBeforeParked = 20

/**
 * Hands due events to a consumer's handlers, oldest first; only those of types it has handlers for in this process, since others are
 * for a newer one. Each is settled as it ends, and what cannot be begun while the claim holds is given back.
 */
export async function deliverToConsumer(
  ctx: BillingContext,
  consumer: string,
  lifetime: Lifetime,
): Promise<DeliveryReport> {
  const destination = consumerDestination(consumer)
  let sum = noDeliveries
  while (!lifetime.stopping.aborted) {
    const types = ctx.consumers.types(consumer)
    const batch = await ctx.store.outbox.claim(destination, { limit: 20, leaseMs, types })
    if (batch.length === 0) break
    const until = performance.now() + attemptMs
    for (const delivery of batch) {
      const left = until - performance.now()
      const isOver = left <= 0 || lifetime.stopping.aborted
      const outcome: Attempted = isOver ? { status: 'not_begun' } : await hand(ctx, consumer, lifetime, left, delivery)
      const settlement = settlementOf(ctx, delivery, outcome)
      sum = sumReports(sum, countSettled([delivery], [settlement], await ctx.store.outbox.settle([settlement])))
    }
  }
  return sum
}

async function hand(
  ctx: BillingContext,
  consumer: string,
  lifetime: Lifetime,
  ms: number,
  { event, attempts }: Delivery,
): Promise<Attempted> {
  try {
    const isDone = await inTime(lifetime, ms, async () => {
      if (event) for (const handler of ctx.consumers.handlers(consumer, event.type)) await handler(event)
      return true
    })
    if (isDone) return { status: 'delivered' }
    return { status: 'retry', reason: 'the handler did not end in time' }
  } catch (error) {
    ctx.environment.onError(error, `consumer ${consumer}`)
    const reason = error instanceof Error ? error.message : String(error)
    return { status: attempts >= attemptsBeforeParked ? 'rejected' : 'retry', reason }
  }
}
