import type { Able } from '../config.js'
import type { BillingContext } from '../context.js'
import { BillingError } from '../errors.js'
import { ensureCustomer } from '../operations/customers.js'
import type { Delivery } from '../ports/store.js'
import type { Attempted } from './settlement.js'

const hourMs = 3_600_000

/** Reports frozen sums of usage, each under its permanent identifier. */
export async function reportUsage(
  ctx: BillingContext,
  provider: Able<'metering'>,
  batch: readonly Delivery[],
  signal: AbortSignal,
): Promise<readonly Attempted[]> {
  const outcomes = new Map<Delivery, Attempted>()
  for (const delivery of batch) {
    const problem = tooLate(ctx, provider, delivery)
    if (problem) outcomes.set(delivery, problem)
  }
  const timely = batch.filter((delivery) => !outcomes.has(delivery))
  const customers = await customersOf(ctx, provider, timely)
  for (const delivery of timely) {
    const problem = customers.get(delivery.accountId)?.problem
    if (problem) outcomes.set(delivery, problem)
  }
  const sendable = timely.filter((delivery) => !outcomes.has(delivery))
  const answers = await provider.metering.report(
    sendable.map((delivery) => ({
      identifier: delivery.id,
      customerId: customers.get(delivery.accountId)?.id ?? delivery.accountId,
      meter: delivery.meter ?? '',
      sparks: delivery.sparks,
      occurredAt: delivery.occurredAt,
    })),
    { signal },
  )
  sendable.forEach((delivery, index) => {
    outcomes.set(delivery, answers[index] ?? { status: 'unknown', reason: 'the provider gave no outcome' })
  })
  return batch.map((delivery) => outcomes.get(delivery) ?? { status: 'not_begun' })
}

function tooLate(ctx: BillingContext, provider: Able<'metering'>, delivery: Delivery): Attempted | undefined {
  const { maximumAgeMs, dedupeWindowMs } = provider.metering
  const now = ctx.environment.now()
  if (now - delivery.occurredAt >= maximumAgeMs) {
    return { status: 'rejected', reason: `older than ${provider.id} takes` }
  }
  const sentAt = delivery.firstAttemptAt
  // Past the window nothing at the provider would recognise a repeat: it must not be sent blindly.
  if (sentAt !== null && now - sentAt >= dedupeWindowMs - hourMs)
    return { status: 'uncertain', reason: 'outside the dedupe window' }
  return undefined
}

interface Customer {
  readonly id?: string
  /** Why its usage cannot be sent now. */
  readonly problem?: Attempted
}

/** The provider's customer of each account; one that cannot be made holds up its own account alone. */
async function customersOf(
  ctx: BillingContext,
  provider: Able<'metering'>,
  batch: readonly Delivery[],
): Promise<ReadonlyMap<string, Customer>> {
  const customers = new Map<string, Customer>()
  for (const accountId of new Set(batch.map((delivery) => delivery.accountId))) {
    try {
      customers.set(accountId, { id: await ensureCustomer(ctx, provider, accountId) })
    } catch (error) {
      // A key or a service that fails fails for everyone.
      if (!BillingError.is(error) || error.retryable || error.code === 'provider_authentication') throw error
      ctx.environment.onError(error, `customer of ${accountId} at ${provider.id}`)
      customers.set(accountId, { problem: { status: 'retry', reason: error.message } })
    }
  }
  return customers
}
