import type { Able } from '../config.js'
import type { BillingContext } from '../context.js'
import { shadowDestination } from '../domain/ledger/told.js'
import { BillingError } from '../errors.js'
import { ensureCustomer } from '../operations/customers.js'
import type { UsageReport } from '../ports/capabilities/metering.js'
import type { Delivery } from '../ports/store.js'
import type { Attempted } from './settlement.js'
import { partOf } from './tracing.js'

const hourMs = 3_600_000

/** Where usage for a provider waits: what it collects, and apart from that what another one does. */
export function meteringDestinations({ id, metering }: Able<'metering'>): readonly string[] {
  return metering.takesShadows ? [id, shadowDestination(id)] : [id]
}

/** Reports frozen sums of usage, each under its permanent identifier. */
export async function reportUsage(
  ctx: BillingContext,
  provider: Able<'metering'>,
  batch: readonly Delivery[],
  signal: AbortSignal,
): Promise<readonly Attempted[]> {
  const outcomes: (Attempted | undefined)[] = batch.map((bundle) => beforehand(ctx, provider, bundle))
  const customers = await customersOf(
    ctx,
    provider,
    batch.filter((_, index) => outcomes[index] === undefined),
  )
  const sent: number[] = []
  const reports: UsageReport[] = []
  batch.forEach(({ id, accountId, destination, meter, sparks, occurredAt }, index) => {
    if (outcomes[index] !== undefined) return
    const customer = customers.get(accountId)
    if (typeof customer !== 'string') {
      outcomes[index] = customer
      return
    }
    sent.push(index)
    const isShadow = partOf(destination) === 'shadow'
    reports.push({ identifier: id, customerId: customer, meter: meter ?? '', sparks, occurredAt, isShadow })
  })
  const answers = reports.length === 0 ? [] : await provider.metering.report(reports, { signal })
  sent.forEach((index, place) => {
    outcomes[index] = answers[place] ?? { status: 'unknown', reason: 'the provider gave no outcome' }
  })
  return outcomes.map((outcome) => outcome ?? { status: 'not_begun' })
}

/** What is known of a bundle before anything is sent. */
function beforehand(ctx: BillingContext, provider: Able<'metering'>, bundle: Delivery): Attempted | undefined {
  const problem = tooLate(ctx, provider, bundle)
  if (problem) return problem
  // Usage and what was taken back of it: the provider has nothing to count.
  return bundle.sparks === 0n ? { status: 'delivered' } : undefined
}

function tooLate(
  ctx: BillingContext,
  provider: Able<'metering'>,
  { firstAttemptAt, occurredAt }: Delivery,
): Attempted | undefined {
  const { maximumAgeMs, dedupeWindowMs } = provider.metering
  const now = ctx.environment.now()
  if (now - occurredAt >= maximumAgeMs) return { status: 'rejected', reason: `older than ${provider.id} takes` }
  // Past the window nothing at the provider would recognise a repeat: it must not be sent blindly.
  if (firstAttemptAt !== null && now - firstAttemptAt >= dedupeWindowMs - hourMs)
    return { status: 'uncertain', reason: 'outside the dedupe window' }
  return undefined
}

/** The provider's customer of each account, or why its usage cannot be sent now: one that cannot be made holds up its own account alone. */
async function customersOf(
  ctx: BillingContext,
  provider: Able<'metering'>,
  bundles: readonly Delivery[],
): Promise<ReadonlyMap<string, string | Attempted>> {
  if (bundles.length === 0) return new Map()
  const accounts = [...new Set(bundles.map(({ accountId }) => accountId))]
  const customers = new Map<string, string | Attempted>(await ctx.store.accounts.externalIds(accounts, provider.id))
  for (const accountId of accounts) {
    if (customers.has(accountId)) continue
    try {
      customers.set(accountId, await ensureCustomer(ctx, provider, accountId))
    } catch (error) {
      // A key or a service that fails fails for everyone.
      if (!BillingError.is(error) || error.retryable || error.code === 'provider_authentication') throw error
      ctx.environment.onError(error, `customer of ${accountId} at ${provider.id}`)
      customers.set(accountId, { status: 'retry', reason: error.message })
    }
  }
  return customers
}
