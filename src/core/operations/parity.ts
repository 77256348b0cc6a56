import * as z from 'zod'
import type { BillingContext } from '../context.js'
import { meteringDestinations } from '../delivery/destination.js'
import { collectorAt } from '../domain/ledger/collector.js'
import { cycleOf } from '../domain/ledger/current-quota.js'
import { type Instant, periodAt } from '../domain/period.js'
import { BillingError } from '../errors.js'
import { inParallel } from '../in-parallel.js'
import type { ReportState } from '../ports/store.js'
import { type CountingProvider, countingMs } from './compare-usage.js'
import { accountId, parse, readTime, type TimeInput } from './fields.js'
import { foundOrNull } from './found.js'
import { pagesOf } from './pages.js'
import { requireSnapshot } from './steps.js'

/** What to compare. */
export interface ParityInput {
  /** Only this account; default all there are. */
  readonly accountId?: string
  /** Since when; default 35 days ago. Each account's periods are compared from the one that this is in. */
  readonly from?: TimeInput
  /** Until when; default now. */
  readonly to?: TimeInput
}

/** One account's usage of a meter in a period, as each side has it. */
export interface ParityRow {
  readonly accountId: string
  readonly meter: string
  readonly periodStartsAt: Date
  readonly periodEndsAt: Date
  /** Who collects it. */
  readonly collectedBy: string | null
  /** `equal` only where every provider was asked, has counted all it was told of, and comes to what was told. */
  readonly standing: 'equal' | 'different' | 'unknown'
  /** By provider: whole Sparks it was told of, and what it counted; `null` where it cannot say. */
  readonly providers: Readonly<Record<string, { readonly told: bigint; readonly counted: bigint | null }>>
  /** Why it is not equal, for people; `null` where it is. */
  readonly reason: string | null
}

/** How metering providers compare. */
export interface ParityReport {
  readonly accounts: number
  /** How many sums were compared: one for each account, meter and period with usage. */
  readonly compared: number
  readonly equal: number
  /** Those that are not equal, or of which nobody knows. */
  readonly rows: readonly ParityRow[]
  /** Whether all of them are equal, and there was something to compare. */
  readonly isEqual: boolean
  readonly failures: readonly { readonly accountId: string; readonly error: BillingError }[]
}

const minuteMs = 60_000
const defaultSpanMs = 35 * 86_400_000
const accountsAtOnce = 4

const inputSchema = z.strictObject({
  accountId: accountId.optional(),
  from: z.unknown().optional(),
  to: z.unknown().optional(),
})

/**
 * Compares what the providers of `metering` counted of each account, meter and period: with each other, and with what they were told. What a
 * provider collects and what it counts as a shadow belong to one sum, so it can be asked before, while and after another one is promoted.
 *
 * @throws BillingError `not_found` (the account), `invalid_request` (nothing to compare with), `invalid_range`, `invalid_timestamp`,
 * `provider_authentication`
 * @example const { isEqual, rows } = await billing.metering.parity()
 */
export async function parity(ctx: BillingContext, input: ParityInput = {}): Promise<ParityReport> {
  const request = parse(inputSchema, input)
  if (ctx.roles.metering.length < 2)
    throw new BillingError(
      'invalid_request',
      'There is nothing to compare: name several providers in providers.metering.',
    )
  const now = ctx.environment.now()
  const to = Math.min(request.to === undefined ? now : readTime(request.to, 'to'), now)
  const from = request.from === undefined ? to - defaultSpanMs : readTime(request.from, 'from')
  if (from >= to) throw new BillingError('invalid_range', 'from must lie before to, and before now.')
  const rows: ParityRow[] = []
  const failures: ParityReport['failures'][number][] = []
  let accounts = 0
  const one = async (id: string) => {
    try {
      rows.push(...(await compareAccount(ctx, id, from, to)))
      accounts += 1
    } catch (error) {
      // A key that is refused is refused for everyone.
      if (!BillingError.is(error) || error.code === 'provider_authentication') throw error
      failures.push({ accountId: id, error })
    }
  }
  if (request.accountId !== undefined) {
    await requireSnapshot(ctx, request.accountId)
    await one(request.accountId)
  } else
    for await (const page of pagesOf(
      (place) => ctx.store.accounts.list(place),
      (id) => id,
    ))
      await inParallel(page, accountsAtOnce, one)
  const equal = rows.filter(({ standing }) => standing === 'equal').length
  return {
    accounts,
    compared: rows.length,
    equal,
    rows: rows.filter(({ standing }) => standing !== 'equal'),
    isEqual: rows.length > 0 && equal === rows.length && failures.length === 0,
    failures,
  }
}

async function compareAccount(ctx: BillingContext, id: string, from: Instant, to: Instant): Promise<ParityRow[]> {
  const { account } = await requireSnapshot(ctx, id)
  const cycle = cycleOf(account)
  const rows: ParityRow[] = []
  for (let period = periodAt(from, cycle); period.startsAt < to; period = periodAt(period.endsAt, cycle)) {
    // Providers sum whole minutes.
    const end = period.endsAt <= to ? period.endsAt : to + minuteMs
    const span = { from: wholeMinute(period.startsAt), to: wholeMinute(end) }
    if (span.from >= span.to) continue
    const told = new Map<string, readonly ReportState[]>()
    for (const provider of ctx.roles.metering) {
      const reports = meteringDestinations(provider).map((name) => ctx.store.outbox.reports(id, name, span))
      told.set(provider.id, (await Promise.all(reports)).flat())
    }
    const meters = new Set([...ctx.catalog.meters.keys(), ...[...told.values()].flat().map(({ meter }) => meter)])
    const collectedBy = collectorAt(ctx.rules, account, period.startsAt)
    for (const meter of meters) {
      const row = await compareMeter(ctx, { id, meter, span, told })
      if (row === null) continue
      const [periodStartsAt, periodEndsAt] = [new Date(period.startsAt), new Date(period.endsAt)]
      rows.push({ accountId: id, meter, periodStartsAt, periodEndsAt, collectedBy, ...row })
    }
  }
  return rows
}

interface Compared {
  readonly id: string
  readonly meter: string
  readonly span: { readonly from: Instant; readonly to: Instant }
  readonly told: ReadonlyMap<string, readonly ReportState[]>
}

/** `null` where there is nothing on any side. */
async function compareMeter(ctx: BillingContext, { id, meter, span, told }: Compared) {
  const providers: Record<string, { readonly told: bigint; readonly counted: bigint | null }> = {}
  const problems: string[] = []
  let isUnknown = false
  for (const provider of ctx.roles.metering) {
    const reports = (told.get(provider.id) ?? []).filter((report) => report.meter === meter)
    const sum = reports.reduce((total, { sparks }) => total + sparks, 0n)
    const customerId = await ctx.store.accounts.externalId(id, provider.id)
    const counted = customerId === null ? 0n : await countedBy(provider, { customerId, meter, ...span })
    providers[provider.id] = { told: sum, counted }
    const isWaiting = reports.some((report) => !isCounted(report, ctx.environment.now()))
    if (counted === null) problems.push(`${provider.id} cannot say what it counted`)
    else if (isWaiting) problems.push(`${provider.id} has not counted all it is told of`)
    if (counted === null || isWaiting) isUnknown = true
    else if (counted !== sum) problems.push(`${provider.id} counted ${counted} of ${sum} Sparks`)
  }
  const sums = Object.values(providers)
  if (sums.every(({ told: sum, counted }) => sum === 0n && (counted ?? 0n) === 0n)) return null
  if (new Set(sums.map(({ told: sum }) => sum)).size > 1) problems.push('they were told of different usage')
  const standing = problems.length === 0 ? 'equal' : isUnknown ? 'unknown' : 'different'
  return { standing, providers, reason: problems.length === 0 ? null : problems.join('; ') } as const
}

/** What it collects and what it counts as a shadow; `null` for one that cannot say. */
async function countedBy(
  provider: BillingContext['roles']['metering'][number],
  query: { readonly customerId: string; readonly meter: string; readonly from: Instant; readonly to: Instant },
): Promise<bigint | null> {
  const reports = (provider as CountingProvider)['usage-reports'] as CountingProvider['usage-reports'] | undefined
  if (!reports) return null
  let sum = 0n
  for (const isShadow of [false, true])
    sum += (await foundOrNull(reports.total({ ...query, isShadow }, {})))?.sparks ?? 0n
  return sum
}

/** Whether a report must be in what the provider counted by now. */
function isCounted({ status, claimedAt }: ReportState, now: Instant): boolean {
  return status === 'delivered' && (claimedAt ?? now) <= now - countingMs
}

function wholeMinute(at: Instant): Instant {
  return Math.floor(at / minuteMs) * minuteMs
}
