import * as z from 'zod'
import type { Catalog, MeterName } from '../catalog.js'
import type { BillingContext } from '../context.js'
import { isPeriodRated } from '../domain/rating/rate.js'
import type { MicroSparks } from '../domain/sparks.js'
import { BillingError } from '../errors.js'
import { meterName } from './fields.js'
import { type MeasureInput, measureFieldsFromZero } from './measure.js'
import { measureFromZero, plainly } from './plain-input.js'
import { rate, requireMeter } from './rate.js'

/** Usage whose price is asked for. */
export interface QuoteInput<C extends Catalog = Catalog> extends MeasureInput {
  readonly meter: MeterName<C>
}

/** What usage would cost now, before anything that a plan includes. */
export interface Quote {
  readonly sparks: MicroSparks
  /** Cost before margin, decimal text; `null` for a meter that is not rated by cost. */
  readonly costUsd: string | null
  /** Which prices those are. */
  readonly priceVersion: string
}

const quoteSchema = z.strictObject({ meter: meterName, ...measureFieldsFromZero })

const parseQuote = plainly(quoteSchema, { readers: measureFromZero, required: ['meter'] })

/**
 * What usage would cost at the prices of now: the same for everybody, and nothing is asked of the ledger.
 *
 * @throws BillingError `invalid_request`, `invalid_quantity`, `model_not_priced`; `option_unsupported` for a meter whose price depends on
 * what a period has seen
 */
export async function quote<C extends Catalog>(ctx: BillingContext, input: QuoteInput<C>): Promise<Quote> {
  const request = parseQuote(input)
  const { name, rate: how } = requireMeter(ctx.catalog, request.meter)
  if (how && isPeriodRated(how))
    throw new BillingError('option_unsupported', `What ${name} costs depends on what its period has seen.`)
  const rated = rate(ctx.catalog, name, { ...request, allowsZero: true }, ctx.environment.now())
  return { sparks: rated.sparks, costUsd: rated.costUsd, priceVersion: rated.priceVersion }
}
