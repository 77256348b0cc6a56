import * as z from 'zod'
import type { BillingContext } from '../context.js'
import { collectorAt } from '../domain/ledger/collector.js'
import type { Instant } from '../domain/period.js'
import { BillingError } from '../errors.js'
import { inParallel } from '../in-parallel.js'
import type { AnyProvider } from '../ports/provider.js'
import { compareStanding } from './adopt-plan.js'
import { arrangeCollection } from './collection.js'
import type { CountingProvider, UsageGap } from './compare-usage.js'
import type { Difference, Finding } from './difference.js'
import { accountId, parse, readTime, type TimeInput } from './fields.js'
import { followSubscriptions } from './follow-subscriptions.js'
import { forgetGone } from './gone-customer.js'
import { pagesOf } from './pages.js'
import { type MoneyComparison, reconcileCheckouts } from './reconcile-checkouts.js'
import { reconcilePayments } from './reconcile-payments.js'
import { oldestUncertain, reconcileUsage } from './reconcile-usage.js'
import { duplicateFinding, duplicateSubscriptions, everySubscription, keepOneSubscription } from './slot.js'
import { requireAccount, requireSnapshot } from './steps.js'
import { usageFindings } from './usage-differences.js'

/** What to compare. */
export interface ReconcileInput {
  /** Only this account; default all that a provider knows. */
  readonly accountId?: string
  /** Since when; default 35 days ago. Whole days of UTC are compared. */
  readonly from?: TimeInput
  /** Until when, at most now; the hour that is under way is left out of usage. */
  readonly to?: TimeInput
  /**
   * `hour` (default): usage is compared hour by hour. `day` asks providers for less and looks only into days that differ: usage that was
   * counted at another hour of its day is not seen.
   */
  readonly by?: 'hour' | 'day'
  /** Whether to put right what can be; default true. With false nothing is changed. */
  readonly repair?: boolean
  /** Ends it early. */
  readonly signal?: AbortSignal
}

/** How many things were looked at. */
export interface ReconciledCounts {
  readonly accounts: number
  readonly reports: number
  readonly checkouts: number
  readonly payments: number
  readonly subscriptions: number
}

/** What came of it. */
export interface Reconciliation {
  readonly from: Date
  readonly to: Date
  readonly checked: ReconciledCounts
  /** Usage of which nobody knew if it had arrived: how many reports had, and how many are sent again. */
  readonly uncertain: { readonly delivered: number; readonly resent: number }
  readonly differences: readonly Difference[]
  /** Accounts that could not be compared to the end, and why: the next time will tell. */
  readonly failures: readonly { readonly accountId: string; readonly provider: string; readonly error: BillingError }[]
}

const hourMs = 3_600_000
const dayMs = 24 * hourMs
const defaultSpanMs = 35 * dayMs
/** How many accounts are compared at a time: the provider's own limits come first. */
const accountsAtOnce = 4

const inputSchema = z.strictObject({
  accountId: accountId.optional(),
  from: z.unknown().optional(),
  to: z.unknown().optional(),
  by: z.enum(['hour', 'day']).default('hour'),
  repair: z.boolean().default(true),
  signal: z.instanceof(AbortSignal).optional(),
})

/**
 * Compares what is kept here with what the providers have, both ways, and puts right what can be: usage of which nobody knows if it arrived is
 * settled, checkouts that were paid are fulfilled, refunds and disputes are told to the ledger, accounts are put on the plan that their
 * subscriptions say, and open pages for what is bought already are closed. What needs a person is answered. Safe to repeat and to run beside everything else; once a day is enough.
 *
 * @throws BillingError `not_found` (the account), `invalid_range`, `invalid_timestamp`, `provider_authentication`
 * @example const { differences } = await billing.reconcile()
 */
export async function reconcile(ctx: BillingContext, input: ReconcileInput = {}): Promise<Reconciliation> {
  const request = parse(inputSchema, input)
  const now = ctx.environment.now()
  const to = Math.min(request.to === undefined ? now : readTime(request.to, 'to'), now)
  const from = request.from === undefined ? to - defaultSpanMs : readTime(request.from, 'from')
  if (from >= to) throw new BillingError('invalid_range', 'from must lie before to, and before now.')
  if (request.accountId !== undefined) await requireAccount(ctx, request.accountId)
  const signals = [ctx.lifetime.aborting, ...(request.signal ? [request.signal] : [])]
  const run = { from, to, by: request.by, repair: request.repair, signal: AbortSignal.any(signals) }
  const found: Found = {
    differences: [],
    failures: [],
    uncertain: { delivered: 0, resent: 0 },
    checked: { accounts: 0, reports: 0, checkouts: 0, payments: 0, subscriptions: 0 },
  }
  for (const provider of ctx.roles.all.values()) await reconcileProvider(ctx, provider, request.accountId, run, found)
  return { from: new Date(from), to: new Date(to), ...found }
}

interface Run {
  readonly from: Instant
  readonly to: Instant
  readonly by: 'hour' | 'day'
  readonly repair: boolean
  readonly signal: AbortSignal
}

/** What was found so far. */
interface Found {
  readonly differences: Difference[]
  readonly failures: Reconciliation['failures'][number][]
  readonly uncertain: { delivered: number; resent: number }
  readonly checked: { -readonly [K in keyof ReconciledCounts]: number }
}

async function reconcileProvider(
  ctx: BillingContext,
  provider: AnyProvider,
  only: string | undefined,
  run: Run,
  found: Found,
): Promise<void> {
  const counting = countingProvider(ctx, provider)
  const oldest = counting ? await oldestUncertain(ctx, counting) : new Map<string, Instant>()
  const gaps: UsageGap[] = []
  const add = (findings: readonly Finding[]) => {
    for (const { at, isRepaired = false, ...finding } of findings)
      found.differences.push({ ...finding, provider: provider.id, at: new Date(at), isRepaired })
  }
  const compare = async (account: { readonly accountId: string; readonly externalId: string }) => {
    const { accountId: id, externalId: customerId } = account
    const comparison = { provider, accountId: id, customerId, ...run }
    if (counting) {
      const to = Math.floor(run.to / hourMs) * hourMs
      for (const isShadow of counting.metering.takesShadows ? [false, true] : [false]) {
        const options = { ...run, to, isShadow, oldest: oldest.get(id) }
        const usage = await reconcileUsage(ctx, counting, comparison, options)
        gaps.push(...usage.gaps)
        add(usage.findings)
        found.checked.reports += usage.reports
        found.uncertain.delivered += usage.delivered
        found.uncertain.resent += usage.resent
      }
      add(await reconcileCollection(ctx, counting, comparison))
    }
    const checkouts = await reconcileCheckouts(ctx, comparison)
    const payments = await reconcilePayments(ctx, comparison)
    const subscriptions = await reconcileSubscriptions(ctx, comparison)
    add([...checkouts.findings, ...payments.findings, ...subscriptions.findings])
    found.checked.checkouts += checkouts.checked
    found.checked.payments += payments.checked
    found.checked.subscriptions += subscriptions.checked
    found.checked.accounts += 1
  }
  for await (const accounts of accountsOf(ctx, provider, only)) {
    await inParallel(accounts, accountsAtOnce, async (account) => {
      if (run.signal.aborted) return
      try {
        await compare(account)
      } catch (error) {
        // A key that is refused is refused for everyone.
        if (!BillingError.is(error) || error.code === 'provider_authentication') throw error
        if (run.repair && (await forgetGone(ctx, account.accountId, error))) return
        found.failures.push({ accountId: account.accountId, provider: provider.id, error })
      }
    })
    if (run.signal.aborted) break
  }
  add(usageFindings(gaps))
}

/**
 * Whether a customer is charged for what another provider collects, which a person has to put right; and sees to it again that it is
 * charged for what this one collects.
 */
async function reconcileCollection(
  ctx: BillingContext,
  provider: CountingProvider,
  { accountId: account, customerId, repair, signal }: MoneyComparison,
): Promise<readonly Finding[]> {
  if (ctx.roles.metering.length < 2) return []
  const { account: state, now } = await requireSnapshot(ctx, account)
  const isSoldHere = state.paidPlan?.provider === provider.id && !provider.metering.collectsApart
  if (repair && collectorAt(ctx.rules, state, now) === provider.id && !isSoldHere)
    await arrangeCollection(ctx, provider, state, now)
  const meters = [...ctx.catalog.meters.keys()]
  const charged = (await provider.metering.chargedShadows?.(customerId, meters, { signal })) ?? []
  return charged.map((meter) => ({
    kind: 'duplicate',
    subject: 'usage',
    accountId: account,
    id: meter,
    at: now,
    expected: 'no price on usage that another provider collects',
    found: `a price on the shadow of ${meter}`,
  }))
}

function countingProvider(ctx: BillingContext, provider: AnyProvider): CountingProvider | null {
  const isTold = ctx.roles.metering.some(({ id }) => id === provider.id)
  return isTold && provider['usage-reports'] ? (provider as CountingProvider) : null
}

/** The accounts that a provider knows, some at a time. */
async function* accountsOf(ctx: BillingContext, provider: AnyProvider, only: string | undefined) {
  if (only !== undefined) {
    const externalId = await ctx.store.accounts.externalId(only, provider.id)
    if (externalId !== null) yield [{ accountId: only, externalId }]
    return
  }
  yield* pagesOf(
    (place) => ctx.store.accounts.linked(provider.id, place),
    ({ accountId: id }) => id,
  )
}

/** Compares how an account stands with its subscriptions. One that never had any is not put on a plan by that. */
async function reconcileSubscriptions(
  ctx: BillingContext,
  { provider, accountId: account, customerId, repair, signal }: MoneyComparison,
): Promise<{ readonly checked: number; readonly findings: readonly Finding[] }> {
  if (!provider.subscriptions) return { checked: 0, findings: [] }
  const subscriptions = await provider.subscriptions.list(customerId, { signal })
  const ours = subscriptions.filter(({ plan }) => plan !== null)
  const [newest] = ours
  if (!newest) return { checked: subscriptions.length, findings: [] }
  if (repair) await keepOneSubscription(ctx, provider, account, subscriptions)
  const all = await everySubscription(ctx, provider, account, subscriptions)
  const duplicates = duplicateSubscriptions(all)
    .filter((duplicate) => duplicate.provider === provider.id)
    .map((duplicate) => duplicateFinding(account, duplicate))
  const { expected, found } = await compareStanding(ctx, provider, account, subscriptions)
  if (expected === found) return { checked: subscriptions.length, findings: duplicates }
  if (repair) await followSubscriptions(ctx, provider, customerId, `reconcile:${newest.externalId}`)
  const after = repair ? await compareStanding(ctx, provider, account, subscriptions) : null
  const finding = { kind: 'status', subject: 'subscription', accountId: account, id: newest.externalId } as const
  const isRepaired = after !== null && after.expected === after.found
  const at = ctx.environment.now()
  return { checked: subscriptions.length, findings: [...duplicates, { ...finding, expected, found, at, isRepaired }] }
}
