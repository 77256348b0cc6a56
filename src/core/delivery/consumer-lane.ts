import type { BillingContext } from '../context.js'
import { consumerDestination } from '../domain/event.js'
import { inParallel } from '../in-parallel.js'
import { inTime, type Lifetime } from '../lifetime.js'
import type { Delivery } from '../ports/store.js'
import { measured } from './attempted.js'
import { attemptMs, leaseMs } from './provider-lane.js'
import { countSettled, type DeliveryReport, noDeliveries, sumReports } from './report.js'
import { type Attempted, settlementOf } from './settlement.js'

const attemptsBeforeParked = 20

/**
 * Hands due events to a consumer's handlers, oldest first; only those of types it has handlers for in this process, since others are
 * for a newer one. Each is settled as it ends, and what cannot be begun while the claim holds is given back. In turn a claim has one
 * event of each account: those are handed over together.
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
    const { inTurn = false } = ctx.consumers.options(consumer)
    const batch = await ctx.store.outbox.claim(destination, { limit: 20, leaseMs, types, inTurn })
    if (batch.length === 0) break
    const until = performance.now() + attemptMs
    await inParallel(batch, inTurn ? batch.length : 1, async (delivery) => {
      const left = until - performance.now()
      const isOver = left <= 0 || lifetime.stopping.aborted
      const outcome = isOver ? notBegun : await hand(ctx, consumer, lifetime, left, delivery)
      const settlement = settlementOf(ctx, delivery, outcome)
      const settled = countSettled([delivery], [settlement], await ctx.store.outbox.settle([settlement]))
      sum = sumReports(sum, settled)
    })
  }
  return sum
}

const notBegun: Attempted = { status: 'not_begun' }

async function hand(
  ctx: BillingContext,
  consumer: string,
  lifetime: Lifetime,
  ms: number,
  delivery: Delivery,
): Promise<Attempted> {
  const made = await measured(ctx, delivery.destination, 1, async () => [
    await attemptOf(ctx, consumer, lifetime, ms, delivery),
  ])
  return made[0] ?? notBegun
}

async function attemptOf(
  ctx: BillingContext,
  consumer: string,
  lifetime: Lifetime,
  ms: number,
  { event, attempts }: Delivery,
): Promise<Attempted> {
  try {
    const isDone = await inTime(lifetime, ms, async (signal) => {
      const attempt = { number: attempts, signal }
      if (event) for (const handler of ctx.consumers.handlers(consumer, event.type)) await handler(event, attempt)
      return true
    })
    if (isDone) return { status: 'delivered' }
    return failed(ctx, consumer, attempts, new Error('the handler did not end in time'))
  } catch (error) {
    ctx.environment.onError(error, `consumer ${consumer}`)
    return failed(ctx, consumer, attempts, error)
  }
}

function failed(ctx: BillingContext, consumer: string, attempts: number, error: unknown): Attempted {
  const { retry = (made) => (made >= attemptsBeforeParked ? null : 0) } = ctx.consumers.options(consumer)
  const reason = error instanceof Error ? error.message : String(error)
  const wait = retry(attempts, error)
  return wait === null ? { status: 'rejected', reason } : { status: 'retry', reason, retryAfterMs: wait }
}
