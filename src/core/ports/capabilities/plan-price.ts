import type { PlanInterval } from '../../domain/catalog.js'
import type { Money } from '../../domain/money.js'

/** What a provider has to know of a plan to charge for it. The same values are the same price; other values are another one. */
export interface PlanPrice {
  /** Our plan's name. */
  readonly plan: string
  /** What the customer reads. */
  readonly title: string
  /** For one seat and one interval. */
  readonly amount: Money
  readonly interval: PlanInterval
  /** What is charged afterwards for usage beyond allowance and credits, by meter; empty where the plan has no overage. */
  readonly overage: readonly {
    readonly meter: string
    /** Price of one Spark in units of the currency, decimal text. */
    readonly sparkPrice: string
  }[]
}
