import * as z from 'zod'
import { invalid, mapNames, named, nonNegative, quantity, readPrice, readSparks } from './catalog-field.js'
import type { Entitlement, Meter, Plan, RecurringCredits } from './domain/catalog.js'

/** What a plan costs and grants. */
export interface PlanConfig {
  /** Default: the plan's name. */
  readonly title?: string
  /** Absent for a plan nobody pays for. */
  readonly price?: {
    /** Decimal text in the catalog's currency. */
    readonly amount: string
    /** `once` is paid a single time and is for life. Default `month`. */
    readonly interval?: 'month' | 'year' | 'once'
    /** The amount is for one seat, and more can be bought. Default false. */
    readonly perSeat?: boolean
    /** Days that a new subscription is free, 0 to 730. Default 0. */
    readonly trialDays?: number
  }
  /** Per meter: units that cost no credits, and the units after which requests are refused. Decimal text; `null` is no limit. */
  readonly meters?: Readonly<
    Record<string, { readonly included?: string | 'unlimited'; readonly limit?: string | null }>
  >
  /** Usage beyond allowance and credits is allowed and collected afterwards, by one metering provider: see docs/providers/several.md. Default false. */
  readonly overage?: boolean
  /** The account brings its own model keys: usage is counted and costs no credits. Default false. */
  readonly byo?: boolean
  /** Sparks given at the start of each period, gone at its end; of those left over at most `rollover` are carried on. Default none. */
  readonly credits?: { readonly sparks: string; readonly rollover?: string }
  /** What it switches on, or sets: `{ sso: true, support: 'priority' }`. */
  readonly features?: Readonly<Record<string, boolean | string>>
}

/** The shape of a plan; `parsePlan` reads it. */
export const planSchema = z.strictObject({
  title: z.string().min(1).max(100).optional(),
  price: z
    .strictObject({
      amount: z.string(),
      interval: z.enum(['month', 'year', 'once']).default('month'),
      perSeat: z.boolean().default(false),
      trialDays: z.int().min(0).max(730).default(0),
    })
    .optional(),
  meters: named(
    z.strictObject({ included: z.string().default('0'), limit: z.string().nullable().default(null) }),
  ).default({}),
  overage: z.boolean().default(false),
  byo: z.boolean().default(false),
  credits: z.strictObject({ sparks: z.string(), rollover: z.string().default('0') }).optional(),
  features: named(z.union([z.boolean(), z.string().min(1).max(200)])).default({}),
})

/** @throws BillingError `config_invalid` naming the place */
export function parsePlan(
  name: string,
  plan: z.output<typeof planSchema>,
  path: string,
  currency: string,
  meters: ReadonlyMap<string, Meter>,
): Plan {
  const entitlements = mapNames(`${path}.meters`, plan.meters, (meter, terms, place): Entitlement => {
    if (!meters.has(meter)) throw invalid(place, 'is not one of the meters')
    const included = terms.included === 'unlimited' ? 'unlimited' : quantity(terms.included, `${place}.included`)
    return { included, limit: terms.limit === null ? null : quantity(terms.limit, `${place}.limit`) }
  })
  const paid = plan.price && {
    ...plan.price,
    amount: readPrice(plan.price.amount, currency, `${path}.price.amount`),
  }
  if (paid?.interval === 'once' && (paid.perSeat || paid.trialDays > 0))
    throw invalid(`${path}.price`, 'is paid once: it has neither seats nor a trial')
  return {
    name,
    title: plan.title ?? name,
    price: paid ?? null,
    entitlements,
    overage: plan.overage,
    byo: plan.byo,
    credits: plan.credits ? parseCredits(plan.credits, `${path}.credits`) : null,
    features: mapNames(`${path}.features`, plan.features, (_, value) => value),
  }
}

function parseCredits(credits: { readonly sparks: string; readonly rollover: string }, path: string): RecurringCredits {
  const isNone = nonNegative(credits.rollover, `${path}.rollover`).coefficient === 0n
  return {
    sparks: readSparks(credits.sparks, `${path}.sparks`),
    rollover: isNone ? 0n : readSparks(credits.rollover, `${path}.rollover`),
  }
}
