import * as z from 'zod'
import type { BillingContext } from '../context.js'
import { scopesOf } from '../domain/budget.js'
import type { AmendCommand, RatedUsage } from '../domain/ledger/command.js'
import { BillingError } from '../errors.js'
import { accountId, idempotencyKey, idField, parse, text } from './fields.js'
import { type MeasureInput, measureFields } from './measure.js'
import { type PricesAtUse, pricesAtUse, rateAtUse } from './prices-at-use.js'
import type { Measure } from './rate.js'
import { refusalOf } from './refusal.js'
import { keyed } from './steps.js'
import { type RecordedUsage, recorded } from './usage.js'
import { findUsage } from './usage-record.js'

/** Which usage measured something else, and what. */
export interface AmendUsageInput extends MeasureInput {
  readonly accountId: string
  /** Of the usage event. */
  readonly id: string
  /** Why, for people; at most 500 characters. */
  readonly reason: string
  readonly idempotencyKey: string
}

/** Which usage did not happen. */
export type VoidUsageInput = Omit<AmendUsageInput, keyof MeasureInput>

/** What a usage event comes to now: Sparks, cost and who paid are totals. */
export interface AmendedUsage extends RecordedUsage {
  /** The usage event; `id` names the correction. */
  readonly corrects: string
}

const namingFields = { accountId, id: idField('id'), reason: text(500), idempotencyKey }

const amendUsageSchema = z.strictObject({ ...namingFields, ...measureFields })

/**
 * Replaces what a usage event measured, in the period it happened in and at the prices that held then: what it costs less is given
 * back to whoever paid, what it costs more is charged. Model, provider and service tier say which prices, by default those it was
 * recorded with, which it stays listed under; of another model, what it cost then (else `model_not_priced`). Idempotent by `idempotencyKey`.
 *
 * @throws BillingError `not_found`, `invalid_state` (void already), `invalid_quantity` (none at all: void it), `idempotency_conflict`,
 * and for the measure as `recordUsage`
 * @see docs/usage.md#corrections
 */
export async function amendUsage(ctx: BillingContext, input: AmendUsageInput): Promise<AmendedUsage> {
  const request = parse(amendUsageSchema, input)
  const { idempotencyKey: _, ...body } = request
  return replaceMeasure(ctx, request, request, body)
}

/** What names a correction, parsed. */
type Naming = z.output<z.ZodObject<typeof namingFields>>

/** `amendUsage` on what was parsed; `body` is what makes two requests the same. */
export async function replaceMeasure(
  ctx: BillingContext,
  request: Naming,
  { quantity, tokens, costUsd, ...served }: Measure,
  body: Correction['body'],
): Promise<AmendedUsage> {
  const entry = await findUsage(ctx, request.accountId, request.id)
  const { usage } = entry
  const prices = await pricesAtUse(ctx, entry)
  const measure = {
    quantity,
    tokens,
    costUsd,
    model: served.model ?? usage.model ?? undefined,
    provider: served.provider ?? usage.provider ?? undefined,
    serviceTier: served.serviceTier ?? usage.serviceTier ?? undefined,
  }
  const correction = { body, dimensions: usage.dimensions, rate: prices.ofTotal }
  let to: RatedUsage
  try {
    expectSum(prices, usage.meter)
    to = rateAtUse(ctx, prices, usage, measure)
    if (to.quantity === 0n && to.sparks === 0n)
      throw new BillingError('invalid_quantity', `This leaves nothing of usage ${request.id}: void it.`)
  } catch (error) {
    return amended(ctx, request, { ...correction, to: null, refusal: refusalOf(error) })
  }
  return amended(ctx, request, { ...correction, to })
}

/** The ledger says the same of meters that the catalog has. @throws BillingError `option_unsupported` */
function expectSum({ catalog }: PricesAtUse, meter: string): void {
  const { aggregation = 'sum' } = catalog.meters.get(meter) ?? {}
  if (aggregation === 'sum' || aggregation === 'count') return
  const message = `${meter} is no sum (${aggregation}): report what it is instead of amending what was reported.`
  throw new BillingError('option_unsupported', message, { details: { meter } })
}

const voidUsageSchema = z.strictObject(namingFields)

/**
 * Takes a usage event back, in the period it happened in: all it cost goes back to whoever paid. Its row stays. Idempotent by
 * `idempotencyKey`.
 *
 * @throws BillingError `not_found`, `invalid_state` (void already), `idempotency_conflict`
 * @see docs/usage.md#corrections
 */
export async function voidUsage(ctx: BillingContext, input: VoidUsageInput): Promise<AmendedUsage> {
  const request = parse(voidUsageSchema, input)
  const { idempotencyKey: _, ...body } = request
  return takeBack(ctx, request, { ...body, void: true })
}

/** `voidUsage` on what was parsed; `body` is what makes two requests the same. */
export async function takeBack(ctx: BillingContext, request: Naming, body: Correction['body']): Promise<AmendedUsage> {
  const entry = await findUsage(ctx, request.accountId, request.id)
  const { dimensions, meter } = entry.usage
  const prices = await pricesAtUse(ctx, entry)
  const correction = { body, dimensions, to: null, rate: prices.ofTotal }
  try {
    expectSum(prices, meter)
  } catch (error) {
    return amended(ctx, request, { ...correction, refusal: refusalOf(error) })
  }
  return amended(ctx, request, correction)
}

/** What a correction is made of, beside what names it. */
interface Correction {
  readonly body: Readonly<Record<string, unknown>>
  readonly dimensions: Readonly<Record<string, string>>
  readonly to: RatedUsage | null
  readonly rate: PricesAtUse['ofTotal']
  readonly refusal?: AmendCommand['refusal']
}

async function amended(
  ctx: BillingContext,
  request: Naming,
  { body, dimensions, to, rate, refusal }: Correction,
): Promise<AmendedUsage> {
  const answer = await recorded(ctx, {
    kind: 'amend',
    ...keyed(ctx, 'amend', 'ent', request, body),
    refusal,
    entryId: request.id,
    usage: to,
    rate,
    budgets: scopesOf(dimensions, ctx.catalog.budgetDimensions),
    reason: request.reason,
  })
  return { ...answer, corrects: request.id }
}
