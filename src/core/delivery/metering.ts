import type { Able } from '../config.js'
import type { BillingContext } from '../context.js'
import { BillingError } from '../errors.js'
import { ensureCustomer } from '../operations/customers.js'
import type { Delivery } from '../ports/store.js'
import type { Attempted } from './settlement.js'

const hourMs = 3_600_000

/** Usage that is reported as one, under one identifier. */
interface Bundle {
  readonly id: string
  readonly first: Delivery
  readonly sparks: bigint
  readonly occurredAt: number
}

/** Reports frozen sums of usage, each under its permanent identifier; what belongs to one bundle has one outcome. */
export async function reportUsage(
  ctx: BillingContext,
  provider: Able<'metering'>,
  batch: readonly Delivery[],
  signal: AbortSignal,
): Promise<readonly Attempted[]> {
  const outcomes = new Map<Bundle, Attempted>()
  const bundles = bundlesOf(batch)
  for (const bundle of bundles.values()) {
    const problem = tooLate(ctx, provider, bundle)
    if (problem) outcomes.set(bundle, problem)
    // Usage and what was taken back of it: the provider has nothing to count.
    else if (bundle.sparks === 0n) outcomes.set(bundle, { status: 'delivered' })
  }
  const unsettled = () => [...bundles.values()].filter((bundle) => !outcomes.has(bundle))
  const customers = await customersOf(ctx, provider, unsettled())
  for (const bundle of unsettled()) {
    const problem = customers.get(bundle.first.accountId)?.problem
    if (problem) outcomes.set(bundle, problem)
  }
  const sendable = unsettled()
  const answers = await provider.metering.report(
    sendable.map(({ id, first: { accountId, meter }, sparks, occurredAt }) => ({
      identifier: id,
      customerId: customers.get(accountId)?.id ?? accountId,
      meter: meter ?? '',
      sparks,
      occurredAt,
    })),
    { signal },
  )
  sendable.forEach((bundle, index) => {
    outcomes.set(bundle, answers[index] ?? { status: 'unknown', reason: 'the provider gave no outcome' })
  })
  return batch.map((delivery) => {
    const bundle = bundles.get(bundleId(delivery))
    return (bundle && outcomes.get(bundle)) ?? { status: 'not_begun' }
  })
}

/** The bundles of a batch by id: their Sparks together, at the latest of their times. */
function bundlesOf(batch: readonly Delivery[]): ReadonlyMap<string, Bundle> {
  const bundles = new Map<string, Bundle>()
  for (const delivery of batch) {
    const id = bundleId(delivery)
    const { first = delivery, sparks = 0n, occurredAt = delivery.occurredAt } = bundles.get(id) ?? {}
    bundles.set(id, {
      id,
      first,
      sparks: sparks + delivery.sparks,
      occurredAt: Math.max(occurredAt, delivery.occurredAt),
    })
  }
  return bundles
}

/** What a delivery is reported under. */
function bundleId({ bundle, id }: Delivery): string {
  return bundle ?? id
}

function tooLate(
  ctx: BillingContext,
  provider: Able<'metering'>,
  { first, occurredAt }: Bundle,
): Attempted | undefined {
  const { maximumAgeMs, dedupeWindowMs } = provider.metering
  const now = ctx.environment.now()
  if (now - occurredAt >= maximumAgeMs) return { status: 'rejected', reason: `older than ${provider.id} takes` }
  const sentAt = first.firstAttemptAt
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
  bundles: readonly Bundle[],
): Promise<ReadonlyMap<string, Customer>> {
  const customers = new Map<string, Customer>()
  for (const accountId of new Set(bundles.map(({ first }) => first.accountId))) {
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
