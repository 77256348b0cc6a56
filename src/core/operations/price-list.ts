import type { BillingContext } from '../context.js'
import type { Aggregation } from '../domain/aggregation.js'
import type { PlanInterval } from '../domain/catalog.js'
import { formatDecimal } from '../domain/decimal.js'
import { formatMoney } from '../domain/money.js'
import { formatQuantity, type MicroSparks } from '../domain/sparks.js'

/** What a plan costs and gives, for whoever chooses one; amounts and quantities are decimal text. */
export interface PlanView {
  readonly name: string
  readonly title: string
  /** `null` for a plan nobody pays for. */
  readonly price: {
    readonly amount: string
    readonly interval: PlanInterval | 'once'
    readonly perSeat: boolean
    readonly trialDays: number
  } | null
  /** By meter. One that is not here includes nothing and limits nothing. */
  readonly meters: readonly {
    readonly meter: string
    readonly included: string | 'unlimited'
    /** `null` for no limit. */
    readonly limit: string | null
  }[]
  readonly overage: boolean
  /** Whether the account brings its own model keys. */
  readonly byo: boolean
  /** Credits given at the start of each period, in micro-sparks; 0 for none. */
  readonly credits: MicroSparks
  readonly features: Readonly<Record<string, boolean | string>>
  /** Whether it is the plan of an account that has chosen none. */
  readonly isDefault: boolean
}

/** What the catalog sells, beside the packages of credits. */
export interface PriceList {
  /** ISO 4217, of every amount. */
  readonly currency: string
  /** What one Spark costs when no package is named, decimal text. */
  readonly spark: string
  readonly meters: readonly { readonly meter: string; readonly unit: string; readonly aggregation: Aggregation }[]
  readonly plans: readonly PlanView[]
}

/** The meters and plans of the catalog, in its order, and the price of a Spark. */
export async function priceList({ catalog }: BillingContext): Promise<PriceList> {
  const plans = [...catalog.plans.values()].map(
    ({ name, title, price, entitlements, overage, byo, credits, features }): PlanView => ({
      name,
      title,
      price: price && { ...price, amount: formatMoney(price.amount) },
      meters: [...entitlements].map(([meter, { included, limit }]) => ({
        meter,
        included: included === 'unlimited' ? included : formatQuantity(included),
        limit: limit === null ? null : formatQuantity(limit),
      })),
      overage,
      byo,
      credits: credits?.sparks ?? 0n,
      features: Object.fromEntries(features),
      isDefault: name === catalog.defaultPlan,
    }),
  )
  const meters = [...catalog.meters.values()].map(({ name: meter, unit, aggregation }) => ({
    meter,
    unit,
    aggregation,
  }))
  return { currency: catalog.currency, spark: formatDecimal(catalog.spark.price), meters, plans }
}
