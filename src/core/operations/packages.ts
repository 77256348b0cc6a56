import type { BillingContext } from '../context.js'
import { compareMoney, formatMoney } from '../domain/money.js'
import type { MicroSparks } from '../domain/sparks.js'

/** A credit package that is on sale. */
export interface PackageView {
  readonly name: string
  readonly title: string
  readonly currency: string
  /** Decimal text in the currency. */
  readonly price: string
  readonly sparks: MicroSparks
}

/** The packages of the catalog, the cheapest first. */
export async function listPackages(ctx: BillingContext): Promise<readonly PackageView[]> {
  return [...ctx.catalog.packages.values()]
    .sort((left, right) => compareMoney(left.price, right.price))
    .map(({ name, title, price, sparks }) => ({
      name,
      title,
      currency: price.currency,
      price: formatMoney(price),
      sparks,
    }))
}
