import type { Able } from '../config.js'
import type { BillingContext } from '../context.js'
import { shadowDestination } from '../domain/ledger/told.js'
import type { Instant } from '../domain/period.js'
import type { UsagePart, UsageTotalQuery } from '../ports/capabilities/usage-reports.js'
import type { ReportState } from '../ports/store.js'
import { foundOrNull } from './found.js'

const minuteMs = 60_000
const hourMs = 60 * minuteMs
const dayMs = 24 * hourMs
/** How long a provider may take to count what it has taken. */
export const countingMs = hourMs
/** The most reports of one minute whose sums are tried. */
const maximumOpen = 12

/** A provider that is told of usage and can say what it counted. */
export type CountingProvider = Able<'metering' | 'usage-reports'>

/** Whose usage is compared, and of when. */
export interface UsageComparison {
  readonly provider: CountingProvider
  readonly accountId: string
  readonly customerId: string
  /** What it is told that another one collects, and counts apart; or what it collects. */
  readonly isShadow: boolean
  /** Whether hours are compared, or only those of days that differ. */
  readonly by: 'hour' | 'day'
  /** Whole days of UTC, but for the end: a whole hour. */
  readonly from: Instant
  readonly to: Instant
  readonly signal: AbortSignal
}

/** A stretch of time in which a provider counted something else than it was told. */
export interface UsageGap {
  readonly accountId: string
  readonly meter: string
  readonly isShadow: boolean
  readonly at: Instant
  readonly expected: bigint
  readonly found: bigint
  readonly reports: readonly ReportState[]
}

/** What came of a comparison: where the two differ, and which reports are now known to have arrived or not. */
export interface ComparedUsage {
  readonly gaps: readonly UsageGap[]
  readonly arrived: readonly ReportState[]
  readonly lost: readonly ReportState[]
  /** Which may or may not have arrived, and nothing tells. */
  readonly unclear: readonly ReportState[]
  readonly reports: readonly ReportState[]
}

/**
 * Compares what an account's usage was reported as with what the provider counted: hours, or first days and then the hours of days that
 * differ, then the minutes of hours that do. What was handed out within the last hour may or may not be counted yet: both are right.
 */
export async function compareUsage(ctx: BillingContext, comparison: UsageComparison): Promise<ComparedUsage> {
  const { provider, accountId, from, to, isShadow } = comparison
  const destination = isShadow ? shadowDestination(provider.id) : provider.id
  const reports = await ctx.store.outbox.reports(accountId, destination, { from, to })
  // Nobody else collects, and nobody did: there are no shadows to look for.
  if (isShadow && ctx.roles.metering.length === 1 && reports.length === 0)
    return { gaps: [], arrived: [], lost: [], unclear: [], reports }
  const meters = new Set([...ctx.catalog.meters.keys(), ...reports.map(({ meter }) => meter)])
  const compared: ComparedUsage[] = []
  for (const meter of meters) {
    const own = reports.filter((report) => report.meter === meter)
    compared.push(await compareMeter(ctx, comparison, meter, own))
  }
  return {
    gaps: compared.flatMap(({ gaps }) => gaps),
    arrived: compared.flatMap(({ arrived }) => arrived),
    lost: compared.flatMap(({ lost }) => lost),
    unclear: compared.flatMap(({ unclear }) => unclear),
    reports,
  }
}

async function compareMeter(
  ctx: BillingContext,
  comparison: UsageComparison,
  meter: string,
  reports: readonly ReportState[],
): Promise<ComparedUsage> {
  const { accountId, from, to, isShadow, by } = comparison
  const now = ctx.environment.now()
  const gaps: UsageGap[] = []
  const settled = { arrived: [] as ReportState[], lost: [] as ReportState[], unclear: [] as ReportState[] }
  const within = (start: Instant, end: Instant) =>
    reports.filter(({ occurredAt }) => occurredAt >= start && occurredAt < end)
  const isRight = (found: bigint, own: readonly ReportState[]) => !own.some(isOpen) && fits(found, own, now)
  const today = by === 'hour' ? from : Math.max(from, Math.floor(to / dayMs) * dayMs)
  const days = from < today ? await partsOf(comparison, meter, { from, to: today }, 'day') : []
  const hours = today < to ? await partsOf(comparison, meter, { from: today, to }, 'hour') : []
  for (const day of stretches(days, within(from, today), dayMs)) {
    const end = day.startsAt + dayMs
    if (isRight(day.sparks, within(day.startsAt, end))) continue
    const parts = await partsOf(comparison, meter, { from: day.startsAt, to: end }, 'hour')
    hours.push(...stretches(parts, within(day.startsAt, end), hourMs))
  }
  for (const hour of stretches(hours, within(today, to), hourMs)) {
    const own = within(hour.startsAt, hour.startsAt + hourMs)
    if (isRight(hour.sparks, own)) continue
    const place = { accountId, meter, isShadow }
    const counted = new Map<Instant, bigint>()
    for (const startsAt of new Set(own.map(({ occurredAt }) => Math.floor(occurredAt / minuteMs) * minuteMs))) {
      const minute = within(startsAt, startsAt + minuteMs)
      const sparks = await totalOf(comparison, meter, { from: startsAt, to: startsAt + minuteMs })
      counted.set(startsAt, sparks)
      const gap = settle(sparks, minute, now, settled)
      if (gap) gaps.push({ ...place, at: startsAt, expected: certain(minute, now), found: sparks, reports: minute })
    }
    const strays = await straysOf(
      comparison,
      meter,
      { from: hour.startsAt, to: hour.startsAt + hourMs },
      hour.sparks,
      counted,
    )
    for (const { at, sparks } of strays) gaps.push({ ...place, at, expected: 0n, found: sparks, reports: [] })
  }
  return { gaps, ...settled, reports }
}

/** The minutes in which something was counted that we know nothing of, by halves: several in one hour are several differences. */
async function straysOf(
  comparison: UsageComparison,
  meter: string,
  span: Pick<UsageTotalQuery, 'from' | 'to'>,
  found: bigint,
  counted: ReadonlyMap<Instant, bigint>,
): Promise<readonly { readonly at: Instant; readonly sparks: bigint }[]> {
  let sparks = found
  for (const [at, known] of counted) if (at >= span.from && at < span.to) sparks -= known
  if (sparks === 0n) return []
  const minutes = (span.to - span.from) / minuteMs
  if (minutes === 1) return [{ at: span.from, sparks }]
  const middle = span.from + Math.ceil(minutes / 2) * minuteMs
  const [left, right] = [
    { from: span.from, to: middle },
    { from: middle, to: span.to },
  ]
  const first = await totalOf(comparison, meter, left)
  return [
    ...(await straysOf(comparison, meter, left, first, counted)),
    ...(await straysOf(comparison, meter, right, found - first, counted)),
  ]
}

/** The parts that the provider has something in, and those that we have. */
function stretches(parts: readonly UsagePart[], reports: readonly ReportState[], ms: number): readonly UsagePart[] {
  const found = new Map(parts.map((part) => [part.startsAt, part]))
  for (const { occurredAt } of reports) {
    const startsAt = Math.floor(occurredAt / ms) * ms
    if (!found.has(startsAt)) found.set(startsAt, { startsAt, sparks: 0n })
  }
  return [...found.values()].sort((left, right) => left.startsAt - right.startsAt)
}

/** Whether it has to be found out if a report arrived. */
function isOpen({ status, mayHaveArrived }: ReportState): boolean {
  return status === 'uncertain' || (status === 'parked' && mayHaveArrived)
}

function isCertain({ status, claimedAt }: ReportState, now: Instant): boolean {
  return status === 'delivered' && (claimedAt ?? 0) <= now - countingMs
}

/** Whether it is right if the provider counted it, and also if it did not. */
function isMaybe(report: ReportState, now: Instant): boolean {
  return report.status === 'delivered' ? !isCertain(report, now) : report.mayHaveArrived
}

function certain(reports: readonly ReportState[], now: Instant): bigint {
  return sumOf(reports.filter((report) => isCertain(report, now)))
}

function sumOf(reports: readonly ReportState[]): bigint {
  return reports.reduce((sum, { sparks }) => sum + sparks, 0n)
}

/** Whether a sum is what was reported for certain and some of what may be counted by now. */
function fits(found: bigint, reports: readonly ReportState[], now: Instant): boolean {
  const maybes = reports.filter((report) => isMaybe(report, now))
  const rest = found - certain(reports, now)
  if (maybes.length <= maximumOpen) return choices(maybes, rest).length > 0
  const low = sumOf(maybes.filter(({ sparks }) => sparks < 0n))
  const high = sumOf(maybes.filter(({ sparks }) => sparks > 0n))
  return rest >= low && rest <= high
}

/** Every choice of reports that come to a sum. */
function choices(reports: readonly ReportState[], sum: bigint): readonly (readonly ReportState[])[] {
  const [first, ...others] = reports
  if (first === undefined) return sum === 0n ? [[]] : []
  const withFirst = choices(others, sum - first.sparks).map((chosen) => [first, ...chosen])
  return [...choices(others, sum), ...withFirst]
}

/**
 * Says of the open reports of a minute which of them arrived, where what was counted leaves one answer.
 *
 * @returns whether what was counted cannot be right
 */
function settle(
  found: bigint,
  minute: readonly ReportState[],
  now: Instant,
  settled: { readonly arrived: ReportState[]; readonly lost: ReportState[]; readonly unclear: ReportState[] },
): boolean {
  const open = minute.filter(isOpen)
  if (!fits(found, minute, now)) return true
  if (open.length === 0) return false
  const others = minute.filter((report) => isMaybe(report, now) && !isOpen(report))
  // While another report of this minute is being counted nothing is said of these: the next time will tell.
  if (others.length > 0) return false
  const [only, ...more] = open.length > maximumOpen ? [] : choices(open, found - certain(minute, now))
  if (only === undefined || more.length > 0) {
    settled.unclear.push(...open)
    return false
  }
  settled.arrived.push(...only)
  settled.lost.push(...open.filter((report) => !only.includes(report)))
  return false
}

async function partsOf(
  { provider, customerId, isShadow, signal }: UsageComparison,
  meter: string,
  span: Pick<UsageTotalQuery, 'from' | 'to'>,
  by: 'hour' | 'day',
): Promise<UsagePart[]> {
  const reading = provider['usage-reports'].parts({ customerId, meter, isShadow, ...span, by }, { signal })
  return [...((await foundOrNull(reading)) ?? [])]
}

async function totalOf(
  { provider, customerId, isShadow, signal }: UsageComparison,
  meter: string,
  span: Pick<UsageTotalQuery, 'from' | 'to'>,
): Promise<bigint> {
  const reading = provider['usage-reports'].total({ customerId, meter, isShadow, ...span }, { signal })
  return (await foundOrNull(reading))?.sparks ?? 0n
}
