import type { BillingContext } from '../context.js'
import { meteringDestinations } from '../delivery/destination.js'
import type { Instant } from '../domain/period.js'
import type { ReportState } from '../ports/store.js'
import { type ComparedUsage, type CountingProvider, compareUsage, type UsageGap } from './compare-usage.js'
import type { Finding } from './difference.js'
import { pagesOf } from './pages.js'
import { parkedFindings } from './usage-differences.js'

const hourMs = 3_600_000
const dayMs = 24 * hourMs
/** Usage is sent again only while there is time for it. */
const leastTimeMs = hourMs

/** What came of an account's usage at one provider. */
export interface ReconciledUsage {
  readonly gaps: readonly UsageGap[]
  readonly findings: readonly Finding[]
  readonly reports: number
  readonly delivered: number
  readonly resent: number
}

/**
 * Compares an account's usage with what a provider counted, and settles what nobody knew of: what arrived is delivered, what did not is sent
 * again while the provider takes it.
 */
export async function reconcileUsage(
  ctx: BillingContext,
  provider: CountingProvider,
  account: { readonly accountId: string; readonly customerId: string },
  options: {
    /** What it counts of what another one collects, or what it collects. */
    readonly isShadow: boolean
    readonly by: 'hour' | 'day'
    readonly from: Instant
    readonly to: Instant
    /** The earliest moment of usage of which nobody knows if it arrived. */
    readonly oldest: Instant | undefined
    readonly repair: boolean
    readonly signal: AbortSignal
  },
): Promise<ReconciledUsage> {
  const { accountId } = account
  const { repair, signal, to, isShadow, by } = options
  const from = Math.floor(Math.min(options.from, options.oldest ?? options.from) / dayMs) * dayMs
  const compared = await compareUsage(ctx, { provider, ...account, isShadow, by, from, to, signal })
  const { arrived, lost, unclear, reports, gaps } = compared
  const now = ctx.environment.now()
  const canBeSent = ({ occurredAt }: ReportState) => now - occurredAt < provider.metering.maximumAgeMs - leastTimeMs
  const again = lost.filter((report) => report.status === 'uncertain' && canBeSent(report))
  const gone = lost.filter((report) => report.status === 'uncertain' && !canBeSent(report))
  if (repair) {
    await restate(ctx, accountId, arrived, 'delivered', null)
    await restate(ctx, accountId, again, 'pending', null)
    await restate(ctx, accountId, gone, 'parked', `did not arrive, and is older than ${provider.id} takes`)
    if (again.length > 0) ctx.wake()
  }
  return {
    gaps,
    findings: [
      ...openFindings(accountId, compared, { isRepaired: repair, again, gone }),
      ...unclear.map((report) => finding(accountId, report, 'status', 'nothing tells whether it arrived')),
      ...parkedFindings(
        provider,
        accountId,
        reports.filter((report) => !arrived.includes(report)),
      ),
    ],
    reports: reports.length,
    delivered: repair ? arrived.length : 0,
    resent: repair ? again.length : 0,
  }
}

function openFindings(
  accountId: string,
  { arrived }: ComparedUsage,
  {
    isRepaired,
    again,
    gone,
  }: { readonly isRepaired: boolean; readonly again: readonly ReportState[]; readonly gone: readonly ReportState[] },
): readonly Finding[] {
  return [
    ...arrived.map((report) => ({
      ...finding(accountId, report, 'status', `${report.status} here, and counted`),
      isRepaired,
    })),
    ...again.map((report) => ({ ...finding(accountId, report, 'missing', 'not counted; sent again'), isRepaired })),
    ...gone.map((report) => finding(accountId, report, 'late', 'not counted, and too old to be sent again')),
  ]
}

function finding(accountId: string, report: ReportState, kind: Finding['kind'], found: string): Finding {
  const { id, sparks, occurredAt: at } = report
  return { kind, subject: 'usage', accountId, id, at, expected: `${sparks} Sparks`, found }
}

async function restate(
  ctx: BillingContext,
  accountId: string,
  reports: readonly ReportState[],
  to: 'delivered' | 'pending' | 'parked',
  error: string | null,
): Promise<void> {
  if (reports.length === 0) return
  const ids = reports.map(({ id }) => id)
  await ctx.store.outbox.restate(accountId, { ids, from: ['uncertain', 'parked'], to, error, event: null })
}

/** The earliest usage of each account of which nobody knows if it arrived. */
export async function oldestUncertain(
  ctx: BillingContext,
  provider: CountingProvider,
): Promise<ReadonlyMap<string, Instant>> {
  const oldest = new Map<string, Instant>()
  for (const destination of meteringDestinations(provider)) {
    const uncertain = pagesOf(
      (place) => ctx.store.outbox.stranded(destination, 'uncertain', place),
      ({ cursor }) => cursor,
    )
    for await (const page of uncertain)
      for (const { accountId, occurredAt } of page)
        oldest.set(accountId, Math.min(occurredAt, oldest.get(accountId) ?? occurredAt))
  }
  return oldest
}
