import * as z from 'zod'
import type { ServiceTier } from '../domain/rating/price-book.js'
import { type Least, type QuantityInput, readCost, readQuantity, readTokens, text } from './fields.js'

/** How much was used: a quantity, or tokens by pool (with a model where the meter is rated by cost), or a cost in the catalog's currency. */
export interface MeasureInput {
  /** Decimal text, a safe whole number, or a bigint of whole units. */
  readonly quantity?: QuantityInput
  /** Whole numbers by pool, no token in two of them: `{ input: 900, cache_read: 4000, output: 300, web_searches: 1 }`. */
  readonly tokens?: Readonly<Record<string, number>>
  readonly model?: string
  /** Who served the model, where several serve one of that name. */
  readonly provider?: string
  /** How the provider was asked to serve it; default `standard`. */
  readonly serviceTier?: ServiceTier
  /** Cost before margin, decimal text. */
  readonly costUsd?: string
}

/** The fields of a measure, for the operations that take one. */
export const measureFields = fieldsOfMeasure('above_zero')
/** The same where nothing may have been used. */
export const measureFieldsFromZero = fieldsOfMeasure('zero')

function fieldsOfMeasure(least: Least) {
  return {
    quantity: z
      .unknown()
      .transform((value) => readQuantity(value, least))
      .optional(),
    tokens: z
      .unknown()
      .transform((value) => readTokens(value, least))
      .optional(),
    model: text(200).optional(),
    provider: text(60).optional(),
    serviceTier: z.enum(['standard', 'batch', 'priority']).optional(),
    costUsd: z.unknown().transform(readCost).optional(),
  }
}
