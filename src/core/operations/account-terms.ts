import * as z from 'zod'
import { named } from '../catalog-field.js'
import type { BillingContext } from '../context.js'
import type { Entitlement } from '../domain/catalog.js'
import type { AccountTerms } from '../domain/ledger/terms.js'
import { formatQuantity } from '../domain/sparks.js'
import { BillingError } from '../errors.js'
import { quoted, readQuantity, text } from './fields.js'

/** What is agreed with one account beside its plan; each part replaces the plan's. */
export interface AccountTermsInput {
  /** Per meter: units that cost no credits, and units after which requests are refused. Decimal text; a `limit` of `null` is none. */
  readonly meters?: Readonly<
    Record<string, { readonly included?: string | 'unlimited'; readonly limit?: string | null }>
  >
  /** Switches on or off, or sets: `{ sso: true, support: 'priority' }`. */
  readonly features?: Readonly<Record<string, boolean | string>>
}

/** What is agreed with an account, as callers see it. */
export type AccountTermsView = Required<AccountTermsInput>

const name = z.string().regex(/^[a-z][a-z0-9_.:-]{0,59}$/i)

/** The shape of terms; `parseTerms` reads it. */
export const termsSchema = z.strictObject({
  meters: named(z.strictObject({ included: z.string().optional(), limit: z.string().nullable().optional() })).default(
    {},
  ),
  features: named(z.union([z.boolean(), text(200)])).default({}),
})

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
  return { entitlements: Object.fromEntries(entitlements), rates: {}, features: terms.features }
}

export function termsView({ entitlements, features }: AccountTerms): AccountTermsView {
  const meters = Object.entries(entitlements).map(([meter, { included, limit }]) => {
    const agreed = {
      ...(included !== undefined && { included: included === 'unlimited' ? included : formatQuantity(included) }),
      ...(limit !== undefined && { limit: limit === null ? null : formatQuantity(limit) }),
    }
    return [meter, agreed] as const
  })
  return { meters: Object.fromEntries(meters), features }
}

function readUnits(value: string): bigint {
  return readQuantity(value, 'zero')
}
