import * as z from 'zod'
import { fields, named } from '../catalog-field.js'
import type { BillingContext } from '../context.js'
import type { Entitlement } from '../domain/catalog.js'
import type { AccountTerms } from '../domain/ledger/terms.js'
import type { Rate } from '../domain/rating/rate.js'
import { formatQuantity } from '../domain/sparks.js'
import { BillingError } from '../errors.js'
import { fitsAggregation, parseRate, type RateConfig, rateConfigOf, rateSchema } from '../rate-config.js'
import { quoted, readQuantity, text } from './fields.js'

/** What is agreed with one account on a meter. Quantities are decimal text. */
export interface MeterTerms {
  /** Units that cost no credits. */
  readonly included?: string | 'unlimited'
  /** Units after which requests are refused; `null` is none. */
  readonly limit?: string | null
  /** What its usage costs, instead of what the catalog says. */
  readonly rate?: RateConfig
}

/** What is agreed with one account beside its plan; each part replaces the plan's. */
export interface AccountTermsInput {
  /** By meter. */
  readonly meters?: Readonly<Record<string, MeterTerms>>
  /** Switches on or off, or sets: `{ sso: true, support: 'priority' }`. */
  readonly features?: Readonly<Record<string, boolean | string>>
}

/** What is agreed with an account, as callers see it. */
export type AccountTermsView = Required<AccountTermsInput>

const name = z.string().regex(/^[a-z][a-z0-9_.:-]{0,59}$/i)

/** The shape of terms; `parseTerms` reads it. */
export const termsSchema = fields(
  z.strictObject({
    meters: named(
      fields(
        z.strictObject({
          included: z.string().optional(),
          limit: z.string().nullable().optional(),
          rate: rateSchema.optional(),
        }),
      ),
    ).default({}),
    features: named(z.union([z.boolean(), text(200)])).default({}),
  }),
)

/** @throws BillingError `invalid_request` (an unknown meter, a name that is none), `invalid_quantity` */
export function parseTerms(ctx: BillingContext, terms: z.output<typeof termsSchema>): AccountTerms {
  const entitlements = Object.entries(terms.meters).map(([meter, { included, limit }]) => {
    if (!ctx.catalog.meters.has(meter))
      throw new BillingError('invalid_request', `The catalog has no meter ${quoted(meter)}.`)
    const agreed: Partial<Entitlement> = {
      ...(included !== undefined && { included: included === 'unlimited' ? included : readUnits(included) }),
      ...(limit !== undefined && { limit: limit === null ? null : readUnits(limit) }),
    }
    return [meter, agreed] as const
  })
  for (const feature of Object.keys(terms.features)) {
    if (!name.safeParse(feature).success)
      throw new BillingError('invalid_request', `${quoted(feature)} is not the name of a feature.`)
  }
  const rates = Object.entries(terms.meters).flatMap(([meter, { rate }]) =>
    rate === undefined ? [] : [[meter, readRate(ctx, meter, rate)] as const],
  )
  const { features } = terms
  return { entitlements: Object.fromEntries(entitlements), rates: Object.fromEntries(rates), features }
}

export function termsView({ entitlements, rates, features }: AccountTerms): AccountTermsView {
  const meters = Object.entries(entitlements).map(([meter, { included, limit }]) => {
    const rate = rates[meter]
    const agreed = {
      ...(rate !== undefined && { rate: rateConfigOf(rate) }),
      ...(included !== undefined && { included: included === 'unlimited' ? included : formatQuantity(included) }),
      ...(limit !== undefined && { limit: limit === null ? null : formatQuantity(limit) }),
    }
    return [meter, agreed] as const
  })
  return { meters: Object.fromEntries(meters), features }
}

/** A rate that can be reckoned with what the meter's usage says: by cost only where the catalog's own rate asks for a cost. */
function readRate(ctx: BillingContext, meter: string, config: z.output<typeof rateSchema>): Rate {
  const own = ctx.catalog.meters.get(meter)
  const rate = parsed(config, `terms.meters.${meter}.rate`)
  const isByCost = (mode: string | undefined) => mode === 'by_cost' || mode === 'larger'
  const knowsCost = !isByCost(rate.mode) || isByCost(own?.rate?.mode)
  if (own && fitsAggregation(rate, own.aggregation) && knowsCost) return rate
  throw new BillingError(
    'invalid_request',
    `${quoted(meter)} cannot be rated by ${rate.mode}: its usage does not say enough.`,
  )
}

function parsed(config: z.output<typeof rateSchema>, path: string): Rate {
  try {
    return parseRate(config, path)
  } catch (error) {
    if (!BillingError.is(error)) throw error
    throw new BillingError('invalid_request', error.message.replace('Catalog: ', ''), { cause: error })
  }
}

function readUnits(value: string): bigint {
  return readQuantity(value, 'zero')
}
