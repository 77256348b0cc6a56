import type { Able } from '../config.js'
import type { BillingContext } from '../context.js'
import { BillingError } from '../errors.js'
import { ensureCustomer } from '../operations/customers.js'
import type { UsageReport } from '../ports/capabilities/metering.js'
import type { Delivery } from '../ports/store.js'
import { partOf } from './destination.js'
import type { Attempted } from './settlement.js'

const hourMs = 3_600_000
const minuteMs = 60_000

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
  await arrange(ctx, provider, batch, customers)
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
): Promise<Map<string, string | Attempted>> {
  if (bundles.length === 0) return new Map()
  const accounts = [...new Set(bundles.map(({ accountId }) => accountId))]
  const customers = new Map<string, string | Attempted>(await ctx.store.accounts.externalIds(accounts, provider.id))
  for (const accountId of accounts) {
    if (customers.has(accountId)) continue
    try {
      customers.set(accountId, await ensureCustomer(ctx, provider, accountId))
    } catch (error) {
      customers.set(accountId, heldUp(ctx, error, `customer of ${accountId} at ${provider.id}`))
    }
  }
  return customers
}

/**
 * Whoever is charged for this usage has to be on prices of it before it arrives. It is loaded where there is something to be charged
 * afterwards; one that cannot be put on them holds up its own account alone.
 */
async function arrange(
  ctx: BillingContext,
  provider: Able<'metering'>,
  batch: readonly Delivery[],
  customers: Map<string, string | Attempted>,
): Promise<void> {
  const hasOverage = [...ctx.catalog.plans.values()].some(({ overage }) => overage)
  const collected = batch.filter(
    ({ destination, accountId }) => destination === provider.id && typeof customers.get(accountId) === 'string',
  )
  if (!provider.metering.collect || !hasOverage || collected.length === 0) return
  const { arrangeForUsage } = await import('../operations/collection.js')
  const begins = new Map<string, number>()
  for (const { accountId, occurredAt } of collected)
    begins.set(accountId, Math.min(Math.floor(occurredAt / minuteMs) * minuteMs, begins.get(accountId) ?? occurredAt))
  for (const [accountId, from] of begins) {
    try {
      const account = (await ctx.store.ledger.snapshot(accountId))?.account
      // What is sold here has prices of usage, or leaves them apart.
      const isSoldHere = account?.paidPlan?.provider === provider.id && !provider.metering.collectsApart
      if (account && !isSoldHere) await arrangeForUsage(ctx, provider, `${customers.get(accountId)}`, account, from)
    } catch (error) {
      customers.set(accountId, heldUp(ctx, error, `prices of usage of ${accountId} at ${provider.id}`))
    }
  }
}

/** Why an account's usage cannot be sent now. A key or a service that fails fails for everyone. */
function heldUp(ctx: BillingContext, error: unknown, where: string): Attempted {
  if (!BillingError.is(error) || error.retryable || error.code === 'provider_authentication') throw error
  ctx.environment.onError(error, where)
  return { status: 'retry', reason: error.message }
}
