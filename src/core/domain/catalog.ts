import type { Aggregation } from './aggregation.js'
import type { Money } from './money.js'
import type { ModelOverride, PriceBook } from './rating/price-book.js'
import type { Rate } from './rating/rate.js'
import type { SparkPrice } from './rating/spark-price.js'
import type { MicroSparks, MicroUnits } from './sparks.js'

/** How usage of one thing is counted and rated. Its name is a key of the catalog's `meters`. */
export interface Meter {
  readonly name: string
  /** What one is called, for people: "token", "minute". */
  readonly unit: string
  /** How many decimals a quantity may have, at most 6. */
  readonly decimals: number
  readonly aggregation: Aggregation
  /** The dimension whose different values a `unique` meter counts. */
  readonly countedBy: string | null
  /** `null` for a level, which is limited and not charged. */
  readonly rate: Rate | null
  /** Percentage of a quota above which it is near. */
  readonly nearPercent: number
}

/** What a plan grants on one meter in one period. */
export interface Entitlement {
  /** Units that cost no credits; `'unlimited'` for all of them. */
  readonly included: MicroUnits | 'unlimited'
  /** Units after which requests are refused whatever the balance; `null` for no such limit. */
  readonly limit: MicroUnits | null
}

/** How often a plan is paid for. */
export type PlanInterval = 'month' | 'year'

/** What a plan costs; `once` is paid a single time and is for life. */
export interface PlanPayment {
  readonly amount: Money
  readonly interval: PlanInterval | 'once'
  /** Whether it is the price of one seat, and more can be bought. */
  readonly perSeat: boolean
  /** How many days a new subscription is free; 0 for none. */
  readonly trialDays: number
}

/** What is sold to an account as its terms of use. */
export interface Plan {
  readonly name: string
  readonly title: string
  /** `null` for a plan nobody pays for. */
  readonly price: PlanPayment | null
  readonly entitlements: ReadonlyMap<string, Entitlement>
  /** Whether usage beyond allowance and credits is allowed and collected afterwards by the provider in charge. */
  readonly overage: boolean
  /** Whether the account brings its own model keys: usage is counted and costs no credits. */
  readonly byo: boolean
  /** Credits that are given anew in each period; `null` for none. */
  readonly credits: RecurringCredits | null
  /** What the plan switches on, or sets, by name. */
  readonly features: ReadonlyMap<string, boolean | string>
}

/** Credits that a plan gives at the start of each period, and that expire at its end. */
export interface RecurringCredits {
  readonly sparks: MicroSparks
  /** How many of them at most are carried into the next period when they are left over. */
  readonly rollover: MicroSparks
}

/** A number of Sparks sold for a price. */
export interface CreditPackage {
  readonly name: string
  readonly title: string
  readonly price: Money
  readonly sparks: MicroSparks
}

/** Everything that is configuration of prices and plans, parsed. Made by `defineCatalog`. */
export interface CatalogData {
  readonly currency: string
  readonly spark: SparkPrice
  readonly meters: ReadonlyMap<string, Meter>
  /** Prices of models that the catalog names itself, by model; they win over `prices`. */
  readonly models: ReadonlyMap<string, readonly ModelOverride[]>
  /** Prices of all other models. */
  readonly prices?: PriceBook
  readonly plans: ReadonlyMap<string, Plan>
  readonly packages: ReadonlyMap<string, CreditPackage>
  /** Dimensions whose values may have budgets, beside the account as a whole. */
  readonly budgetDimensions: readonly string[]
  /** Dimensions that usage is summed by in addition, day by day. */
  readonly rollupDimensions: readonly string[]
  /** The plan of an account that has chosen none. */
  readonly defaultPlan: string
  /** Changes whenever a price or rate does; kept on every usage event. */
  readonly version: string
}

/** The units whose use the quota states follow: the hard limit, or else what the plan includes; `null` for neither. */
export function quotaLimit(entitlement: Entitlement | undefined): MicroUnits | null {
  if (!entitlement) return null
  if (entitlement.limit !== null) return entitlement.limit
  if (entitlement.included === 'unlimited') return null
  return entitlement.included > 0n ? entitlement.included : null
}
