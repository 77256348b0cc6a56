import * as z from 'zod'
import type { BillingContext } from '../context.js'
import type { Rollup } from '../domain/ledger/state.js'
import { formatQuantity } from '../domain/sparks.js'
import { csvLine } from './csv.js'
import { type DaySpan, type DaySpanInput, daySpan, daySpanFields, daysOf } from './day-span.js'
import { accountId, parse, type TimeInput } from './fields.js'
import { type Page, type PageInput, pageFields } from './paging.js'
import { costOf, sumsBy } from './rollup-sum.js'
import { requireAccount } from './steps.js'
import { pageOfUsage, recordedFields, recordedSpan, type UsageRecord } from './usage-record.js'

/** Cost before margin under a name: a provider, a model or a UTC day. The empty name is that of usage which named none. */
export interface CostSum {
  readonly name: string
  /** Decimal text in the catalog's currency. */
  readonly costUsd: string
}

/** Cost before margin of one model at one provider. */
export interface ModelCostSum {
  readonly provider: string
  readonly model: string
  readonly costUsd: string
  /** How many tokens it was for, decimal text: the units of meters whose unit is `token`. */
  readonly tokens: string
  readonly events: number
}

/** What usage cost before margin, over a span of days. */
export interface CostSummary extends DaySpan {
  /** ISO 4217; what all costs are in. */
  readonly currency: string
  readonly costUsd: string
  readonly tokens: string
  readonly events: number
  readonly byProvider: readonly CostSum[]
  readonly byModel: readonly CostSum[]
  readonly byDay: readonly CostSum[]
  /** Each model at each provider. */
  readonly breakdown: readonly ModelCostSum[]
}

/** An account, and whole UTC days of when it was used. */
export interface CostSpanInput extends DaySpanInput {
  readonly accountId: string
}

/**
 * What usage cost before margin, by provider, model and UTC day of when it was used, from `from` (included) to `to` (excluded); default
 * this month until now. Usage that was not rated by cost is left out.
 *
 * @throws BillingError `not_found`, `invalid_timestamp` (no such day), `invalid_range` (reversed, or more than three years)
 */
export async function summarizeCosts(ctx: BillingContext, input: CostSpanInput): Promise<CostSummary> {
  const { span, rows } = await costRows(ctx, input)
  return {
    ...span,
    currency: ctx.catalog.currency,
    costUsd: costOf(rows),
    tokens: tokensOf(ctx, rows),
    events: eventsOf(rows),
    byProvider: costsBy(rows, ({ provider }) => provider),
    byModel: costsBy(rows, ({ model }) => model),
    byDay: costsBy(rows, ({ day }) => day),
    breakdown: breakdownOf(ctx, rows),
  }
}

/** Cost before margin day by day. */
export interface CostTimeline extends DaySpan {
  readonly currency: string
  /** One for each day, also those without cost. */
  readonly days: readonly CostSum[]
}

/**
 * The cost of each UTC day, zeros included; the same span and errors as `costs.summary`.
 *
 * @throws BillingError `not_found`, `invalid_timestamp`, `invalid_range`
 */
export async function costTimeline(ctx: BillingContext, input: CostSpanInput): Promise<CostTimeline> {
  const { span, rows } = await costRows(ctx, input)
  const byDay = new Map(costsBy(rows, ({ day }) => day).map((sum) => [sum.name, sum]))
  const days = daysOf(span).map((name) => byDay.get(name) ?? { name, costUsd: '0' })
  return { ...span, currency: ctx.catalog.currency, days }
}

/** Which usage with a cost to list. */
export interface ListCostsInput extends PageInput {
  readonly accountId: string
  /** Recorded then or later: a moment, or a UTC day for its beginning. */
  readonly from?: TimeInput
  /** Recorded before: a moment, or a UTC day for its beginning. */
  readonly to?: TimeInput
}

const listFields = { accountId, ...recordedFields }

const listCostsSchema = z.strictObject({ ...listFields, ...pageFields })

/**
 * Recorded usage that has a cost, newest first, a page at a time.
 *
 * @throws BillingError `not_found`, `invalid_cursor`, `invalid_range`, `invalid_timestamp`, `timestamp_out_of_range`
 */
export async function listCosts(ctx: BillingContext, input: ListCostsInput): Promise<Page<UsageRecord>> {
  const request = parse(listCostsSchema, input)
  return pageOfUsage(ctx, request, { ...recordedSpan(request), withCost: true })
}

/** Which usage with a cost to export. */
export interface ExportCostsInput extends Omit<ListCostsInput, keyof PageInput> {
  readonly format: 'csv'
}

const columns: readonly (readonly [name: string, cell: (record: UsageRecord) => string])[] = [
  ['id', ({ id }) => id],
  ['recorded_at', ({ recordedAt }) => recordedAt.toISOString()],
  ['occurred_at', ({ occurredAt }) => occurredAt.toISOString()],
  ['meter', ({ meter }) => meter ?? ''],
  ['provider', ({ provider }) => provider ?? ''],
  ['model', ({ model }) => model ?? ''],
  ['service_tier', ({ serviceTier }) => serviceTier ?? ''],
  ['quantity', ({ quantity }) => quantity],
  ['cost', ({ costUsd }) => costUsd ?? ''],
  ['sparks', ({ sparks }) => formatQuantity(sparks)],
  ['dimensions', ({ dimensions }) => (Object.keys(dimensions).length === 0 ? '' : JSON.stringify(dimensions))],
]

const exportCostsSchema = z.strictObject({ ...listFields, format: z.literal('csv') })

/**
 * The same as a table, a chunk of text at a time: CSV with a header as RFC 4180 writes it, in which no cell is a formula to a
 * spreadsheet. Errors come with the first chunk.
 *
 * @throws BillingError `not_found`, `invalid_range`, `invalid_timestamp`, `timestamp_out_of_range`, `invalid_request`
 * @example for await (const chunk of billing.costs.export({ accountId, format: 'csv' })) response.write(chunk)
 */
export async function* exportCosts(ctx: BillingContext, input: ExportCostsInput): AsyncGenerator<string, void> {
  const request = parse(exportCostsSchema, input)
  const filter = { ...recordedSpan(request), withCost: true }
  let isFirst = true
  let cursor: string | undefined
  do {
    const page = await pageOfUsage(ctx, { accountId: request.accountId, limit: 100, cursor }, filter)
    const header = isFirst ? csvLine(columns.map(([name]) => name)) : ''
    yield header + page.items.map((record) => csvLine(columns.map(([, cell]) => cell(record)))).join('')
    isFirst = false
    cursor = page.nextCursor ?? undefined
  } while (cursor !== undefined)
}

const costRowsSchema = z.strictObject({ accountId, ...daySpanFields })

async function costRows(
  ctx: BillingContext,
  input: CostSpanInput,
): Promise<{ readonly span: DaySpan; readonly rows: readonly Rollup[] }> {
  const request = parse(costRowsSchema, input)
  await requireAccount(ctx, request.accountId)
  const span = daySpan(ctx, request)
  const rows = await ctx.store.ledger.rollups(request.accountId, span)
  return { span, rows: rows.filter(({ costPicos }) => costPicos !== 0n) }
}

function costsBy(rows: readonly Rollup[], nameOf: (row: Rollup) => string): readonly CostSum[] {
  return sumsBy(rows, nameOf, { withQuantity: false }).map(({ name, costUsd }) => ({ name, costUsd }))
}

function breakdownOf(ctx: BillingContext, rows: readonly Rollup[]): readonly ModelCostSum[] {
  // Joined by what no text holds.
  const pairOf = ({ provider, model }: Rollup) => `${provider}\0${model}`
  return sumsBy(rows, pairOf, { withQuantity: false }).map(({ name, costUsd, events }) => {
    const [provider = '', model = ''] = name.split('\0')
    const tokens = tokensOf(
      ctx,
      rows.filter((row) => pairOf(row) === name),
    )
    return { provider, model, costUsd, tokens, events }
  })
}

function tokensOf(ctx: BillingContext, rows: readonly Rollup[]): string {
  const counted = rows.filter(({ meter }) => ctx.catalog.meters.get(meter)?.unit === 'token')
  return formatQuantity(counted.reduce((sum, { quantity }) => sum + quantity, 0n))
}

function eventsOf(rows: readonly Rollup[]): number {
  return rows.reduce((sum, { events }) => sum + events, 0)
}
