import * as z from 'zod'
import type { BillingContext } from '../context.js'
import type { MicroSparks } from '../domain/sparks.js'
import { BillingError } from '../errors.js'
import { type DaySpan, type DaySpanInput, daySpan, daySpanFields, daysOf } from './day-span.js'
import { accountId, parse, quoted } from './fields.js'
import { requireMeter } from './rate.js'
import { sumsBy, totalOf, type UsageSum } from './rollup-sum.js'
import { requireAccount } from './steps.js'

/** Sums over a span of days; credit is in micro-sparks. */
export interface UsageSummary extends DaySpan {
  readonly events: number
  readonly sparks: MicroSparks
  /** How much of the Sparks the account was charged. */
  readonly charged: MicroSparks
  /** Cost before margin, decimal text. */
  readonly costUsd: string
  readonly byMeter: readonly UsageSum[]
  /** Usage that named no provider is under the empty name; the same for models. */
  readonly byProvider: readonly UsageSum[]
  readonly byModel: readonly UsageSum[]
  readonly byDay: readonly UsageSum[]
  /** By the values of the dimension that was asked for, of the usage that has it; `null` when none was. */
  readonly byDimension: readonly UsageSum[] | null
}

/** Which usage to sum. */
export interface UsageSummaryInput extends DaySpanInput {
  readonly accountId: string
  /** One of the catalog's `rollupDimensions`, to sum by its values too. */
  readonly dimension?: string
}

const summarizeUsageSchema = z.strictObject({ accountId, dimension: z.string().optional(), ...daySpanFields })

/**
 * Sums over whole UTC days of when it was used, from `from` (included) to `to` (excluded); default this month until now. Amendments
 * count on the day of what they amend.
 *
 * @throws BillingError `not_found`, `invalid_request`, `invalid_timestamp` (no such day), `invalid_range` (reversed, or more than three
 * years), `option_unsupported` (a dimension the catalog does not sum by)
 */
export async function summarizeUsage(ctx: BillingContext, input: UsageSummaryInput): Promise<UsageSummary> {
  const request = parse(summarizeUsageSchema, input)
  const { dimension } = request
  if (dimension !== undefined && !ctx.catalog.rollupDimensions.includes(dimension)) {
    const message = `Usage is not summed by ${quoted(dimension)}: name it in the catalog's rollupDimensions.`
    throw new BillingError('option_unsupported', message, { details: { field: 'dimension' } })
  }
  await requireAccount(ctx, request.accountId)
  const span = daySpan(ctx, request)
  const [rows, byValue] = await Promise.all([
    ctx.store.ledger.rollups(request.accountId, span),
    dimension === undefined ? null : ctx.store.ledger.rollups(request.accountId, { ...span, dimension }),
  ])
  const { quantity: _, ...total } = totalOf(rows, { withQuantity: false })
  return {
    ...span,
    ...total,
    byMeter: sumsBy(rows, ({ meter }) => meter, { withQuantity: true }),
    byProvider: sumsBy(rows, ({ provider }) => provider, { withQuantity: false }),
    byModel: sumsBy(rows, ({ model }) => model, { withQuantity: false }),
    byDay: sumsBy(rows, ({ day }) => day, { withQuantity: false }),
    byDimension: byValue && sumsBy(byValue, ({ value }) => value, { withQuantity: false }),
  }
}

/** Which usage to sum by day. */
export interface UsageTimelineInput extends DaySpanInput {
  readonly accountId: string
  readonly meter?: string
  readonly by: 'day'
}

/** Usage day by day. */
export interface UsageTimeline extends DaySpan {
  /** One for each day, also those without usage. `quantity` is there when a meter was named. */
  readonly days: readonly UsageSum[]
}

/**
 * One sum for each UTC day of when it was used, from `from` (included) to `to` (excluded), zeros included; default this month until now.
 *
 * @throws BillingError `not_found`, `invalid_request` (an unknown meter), `invalid_timestamp`, `invalid_range`
 */
export async function usageTimeline(ctx: BillingContext, input: UsageTimelineInput): Promise<UsageTimeline> {
  const schema = z.strictObject({ accountId, meter: z.string().optional(), by: z.literal('day'), ...daySpanFields })
  const request = parse(schema, input)
  const { meter } = request
  if (meter !== undefined) requireMeter(ctx.catalog, meter)
  await requireAccount(ctx, request.accountId)
  const span = daySpan(ctx, request)
  const rows = await ctx.store.ledger.rollups(request.accountId, span)
  const counted = rows.filter((row) => meter === undefined || row.meter === meter)
  const withQuantity = meter !== undefined
  const byDay = new Map(sumsBy(counted, ({ day }) => day, { withQuantity }).map((sum) => [sum.name, sum]))
  const days = daysOf(span).map((name) => byDay.get(name) ?? { name, ...totalOf([], { withQuantity }) })
  return { ...span, days }
}
