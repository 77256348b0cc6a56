import * as z from 'zod'
import type { BillingContext } from '../context.js'
import { totalsOf } from '../domain/ledger/amendments.js'
import type { SettledBy } from '../domain/ledger/outcome.js'
import { withoutZeros } from '../domain/ledger/settlement.js'
import type { EntryUsage, LedgerEntry } from '../domain/ledger/state.js'
import type { ServiceTier } from '../domain/rating/price-book.js'
import { formatQuantity, type MicroSparks } from '../domain/sparks.js'
import { BillingError, invariant } from '../errors.js'
import type { UsageFilter } from '../ports/store.js'
import { accountId, oneSchema, parse, readDimensions, readMoment, type TimeInput } from './fields.js'
import { type Page, type PageInput, pageFields, pageOf, readCursor } from './paging.js'
import { quotaView } from './quota-view.js'
import { requireMeter } from './rate.js'
import { requireAccount } from './steps.js'
import { deliveriesOf, type RecordedUsage } from './usage.js'

/** What usage came to. */
export interface UsageFigures {
  /** What it added to the period, decimal text in the meter's unit. */
  readonly quantity: string
  /** What was reported: the same, or of a meter that is no sum the value or level. */
  readonly measured: string
  readonly sparks: MicroSparks
  /** Exact cost before margin; `null` when it was not rated by cost. */
  readonly costUsd: string | null
  /** Who paid, in micro-sparks; the parts sum to `sparks`. */
  readonly settledBy: SettledBy
}

/** A usage event as it stands now, with the corrections made since it was recorded. */
export interface UsageRecord extends UsageFigures {
  readonly id: string
  /** `null` for what was taken out of a hold that names no meter. */
  readonly meter: string | null
  readonly model: string | null
  readonly provider: string | null
  readonly serviceTier: ServiceTier | null
  readonly tokens: Readonly<Record<string, number>> | null
  readonly dimensions: Readonly<Record<string, string>>
  readonly holdId: string | null
  /** Whether nothing of it was left owing: `settledBy` has no debt. */
  readonly billed: boolean
  readonly amended: boolean
  readonly voided: boolean
  /** What was recorded first. */
  readonly original: UsageFigures
  readonly occurredAt: Date
  readonly recordedAt: Date
}

/** One correction of a usage event; figures are differences. */
export interface UsageCorrection {
  readonly id: string
  readonly reason: string
  readonly quantity: string
  readonly sparks: MicroSparks
  readonly recordedAt: Date
}

/** A usage event as it stands now, what was answered when it was recorded, and how its deliveries stand. */
export interface UsageDetail extends Omit<UsageRecord, 'meter'>, Omit<RecordedUsage, keyof UsageFigures | 'id'> {
  readonly meter: string
  /** Oldest first. */
  readonly corrections: readonly UsageCorrection[]
}

/**
 * One recorded event as it stands now, corrections included. `balance` and `quota` are those after it was recorded. What was taken out
 * of a hold without a meter is in `usage.list` only.
 *
 * @throws BillingError `not_found`, `invalid_id`
 */
export async function getUsage(
  ctx: BillingContext,
  input: { readonly accountId: string; readonly id: string },
): Promise<UsageDetail> {
  const request = parse(oneSchema, input)
  const entry = await findUsage(ctx, request.accountId, request.id)
  invariant(entry.result.kind === 'usage', 'usage has another result')
  const [corrections, deliveries] = await Promise.all([
    ctx.store.ledger.corrections(request.accountId, [entry.id]),
    deliveriesOf(ctx, request.accountId, entry.id),
  ])
  const { balance, quota } = entry.result
  return {
    ...usageRecord(entry, corrections),
    meter: entry.usage.meter,
    status: 'recorded',
    balance,
    quota: quotaView(quota),
    deliveries,
    corrections: corrections.flatMap(correction),
  }
}

/** A usage event of this account; what corrects one is none. @throws BillingError `not_found` */
export async function findUsage(
  ctx: BillingContext,
  account: string,
  id: string,
): Promise<LedgerEntry & { readonly usage: EntryUsage }> {
  const entry = await ctx.store.ledger.entry(account, id)
  if (entry?.usage && entry.corrects === null && entry.result.kind === 'usage') return { ...entry, usage: entry.usage }
  throw new BillingError('not_found', `No usage ${id} on account ${account}.`, { details: { id } })
}

/** Which usage to list: all that is given must hold. */
export interface ListUsageInput extends PageInput {
  readonly accountId: string
  readonly meter?: string
  readonly model?: string
  /** A dimension and its value, such as `{ feature: 'chat' }`. */
  readonly dimension?: Readonly<Record<string, string>>
  /** Recorded then or later: a moment, or a UTC day for its beginning. */
  readonly from?: TimeInput
  /** Recorded before: a moment, or a UTC day for its beginning. */
  readonly to?: TimeInput
}

const moment = (name: string) =>
  z
    .unknown()
    .transform((value) => readMoment(value, name))
    .optional()

/** The fields that say when usage was recorded. */
export const recordedFields = { from: moment('from'), to: moment('to') }

const listSchema = z.strictObject({
  accountId,
  meter: z.string().optional(),
  model: z.string().max(200).optional(),
  dimension: z
    .unknown()
    .transform((value) => readDimension(value))
    .optional(),
  ...recordedFields,
  ...pageFields,
})

/**
 * Recorded usage, newest first, a page at a time; corrections are folded into what they correct.
 *
 * @throws BillingError `not_found`, `invalid_cursor`, `invalid_range` (limit, or from that is not before to), `invalid_timestamp`,
 * `timestamp_out_of_range`, `invalid_metadata` (dimension), `invalid_request` (an unknown meter)
 */
export async function listUsage(ctx: BillingContext, input: ListUsageInput): Promise<Page<UsageRecord>> {
  const request = parse(listSchema, input)
  const { meter, model, dimension } = request
  if (meter !== undefined) requireMeter(ctx.catalog, meter)
  const filter = {
    ...recordedSpan(request),
    ...(meter !== undefined && { meter }),
    ...(model !== undefined && { model }),
    ...(dimension !== undefined && { dimension }),
  }
  return pageOfUsage(ctx, request, filter)
}

/** A page of the usage that the filter picks. */
export async function pageOfUsage(
  ctx: BillingContext,
  request: { readonly accountId: string; readonly limit: number; readonly cursor?: unknown },
  filter: UsageFilter,
): Promise<Page<UsageRecord>> {
  const { limit } = request
  const list = { list: 'usage', accountId: request.accountId, ...filter }
  const before = await readCursor(ctx, list, request.cursor)
  await requireAccount(ctx, request.accountId)
  const place = before === undefined ? {} : { before }
  const rows = await ctx.store.ledger.entries(request.accountId, { limit: limit + 1, usage: filter, ...place })
  const ids = rows.map(({ id }) => id)
  const corrections = ids.length === 0 ? [] : await ctx.store.ledger.corrections(request.accountId, ids)
  const byEntry = new Map<string | null, LedgerEntry[]>()
  for (const row of corrections) byEntry.set(row.corrects, [...(byEntry.get(row.corrects) ?? []), row])
  return pageOf(ctx, list, rows, limit, {
    item: (row) => usageRecord(row, byEntry.get(row.id) ?? []),
    position: (row) => row.cursor,
  })
}

/** @throws BillingError `invalid_range` */
export function recordedSpan({
  from,
  to,
}: {
  readonly from?: number | undefined
  readonly to?: number | undefined
}): Pick<UsageFilter, 'recordedFrom' | 'recordedTo'> {
  if (from !== undefined && to !== undefined && from >= to)
    throw new BillingError('invalid_range', 'from must lie before to.', { details: { from, to } })
  return { ...(from !== undefined && { recordedFrom: from }), ...(to !== undefined && { recordedTo: to }) }
}

function readDimension(value: unknown): { readonly name: string; readonly value: string } {
  const [first, ...others] = Object.entries(readDimensions(value))
  if (first && others.length === 0) return { name: first[0], value: first[1] }
  throw new BillingError('invalid_metadata', 'dimension must be one name with its value, such as { feature: "chat" }.')
}

function usageRecord(entry: LedgerEntry, corrections: readonly LedgerEntry[]): UsageRecord {
  const { usage } = entry
  invariant(usage !== null, 'a row that is not for usage was listed')
  const now = totalsOf([entry, ...corrections])
  const amendments = corrections.filter((row) => row.usage !== null)
  const figures = { ...now, quantity: formatQuantity(now.quantity), settledBy: withoutZeros(now.settledBy) }
  const { quantity, sparks, costUsd, settledBy } = figures
  const latest = (amendments.at(-1) ?? entry).usage ?? usage
  return {
    id: entry.id,
    meter: usage.meter || null,
    quantity,
    measured: formatQuantity(latest.measured),
    sparks,
    costUsd,
    settledBy,
    model: usage.model,
    provider: usage.provider,
    serviceTier: usage.serviceTier,
    tokens: latest.tokens,
    dimensions: usage.dimensions,
    holdId: usage.holdId,
    billed: (settledBy.debt ?? 0n) === 0n,
    amended: amendments.length > 0,
    voided: amendments.length > 0 && now.quantity === 0n && now.sparks === 0n,
    original: {
      quantity: formatQuantity(usage.quantity),
      measured: formatQuantity(usage.measured),
      sparks: usage.sparks,
      costUsd: usage.costUsd,
      settledBy: usage.settledBy,
    },
    occurredAt: new Date(usage.occurredAt),
    recordedAt: new Date(entry.recordedAt),
  }
}

function correction({ id, reason, usage, recordedAt }: LedgerEntry): readonly UsageCorrection[] {
  if (!usage) return []
  const { quantity, sparks } = usage
  return [{ id, reason, quantity: formatQuantity(quantity), sparks, recordedAt: new Date(recordedAt) }]
}
