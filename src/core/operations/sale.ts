import { sparksFor } from '../catalog.js'
import type { BillingContext } from '../context.js'
import type { PlanInterval } from '../domain/catalog.js'
import { compareMoney, type Money, parseMoney } from '../domain/money.js'
import { maximumStored } from '../domain/sparks.js'
import { BillingError } from '../errors.js'
import { quoted } from './fields.js'

/** What is sold, at the price of the catalog. */
export interface Sale {
  readonly title: string
  readonly amount: Money
  readonly sparks: bigint
  readonly package: string | null
  readonly plan: string | null
  readonly interval: PlanInterval | null
}

/** What a caller wants to sell; quantity and amount are looked at here. */
export type SaleRequest =
  | { readonly kind: 'subscription'; readonly plan: string }
  | { readonly kind: 'credits'; readonly package: string; readonly quantity?: unknown }
  | { readonly kind: 'credits'; readonly amount: unknown }

/**
 * What a request sells and for how much.
 *
 * @throws BillingError `not_found`, `invalid_request`, `invalid_quantity`, `invalid_amount`, `amount_out_of_range`
 */
export function priceOf(ctx: BillingContext, request: SaleRequest): Sale {
  if (request.kind === 'subscription') return priceOfPlan(ctx, request.plan)
  return 'package' in request
    ? priceOfPackages(ctx, request.package, request.quantity)
    : priceOfAmount(ctx, request.amount)
}

function priceOfPlan(ctx: BillingContext, name: string): Sale {
  const plan = ctx.catalog.plans.get(name)
  if (!plan) throw new BillingError('not_found', `The catalog has no plan ${quoted(name)}.`)
  if (!plan.price)
    throw new BillingError('invalid_request', `Plan ${plan.name} has no price: there is nothing to check out.`)
  const { amount, interval } = plan.price
  return { title: plan.title, amount, sparks: 0n, package: null, plan: plan.name, interval }
}

function priceOfPackages(ctx: BillingContext, name: string, quantity: unknown): Sale {
  const offer = ctx.catalog.packages.get(name)
  if (!offer) throw new BillingError('not_found', `The catalog has no package ${quoted(name)}.`)
  const count = packageCount(quantity)
  const title = count === 1n ? offer.title : `${count} × ${offer.title}`
  const amount = { currency: offer.price.currency, nanos: offer.price.nanos * count }
  const sparks = offer.sparks * count
  if (amount.nanos > maximumStored || sparks > maximumStored)
    throw new BillingError('amount_out_of_range', `${title} is more than can be stored: sell fewer at once.`)
  return { title, amount, sparks, package: offer.name, plan: null, interval: null }
}

function packageCount(value: unknown): bigint {
  if (value === undefined) return 1n
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 1) {
    throw new BillingError('invalid_quantity', 'quantity must be a whole number of packages, at least 1.')
  }
  if (value > 1_000) throw new BillingError('amount_out_of_range', 'quantity must be at most 1000 packages.')
  return BigInt(value)
}

function priceOfAmount(ctx: BillingContext, value: unknown): Sale {
  const { currency } = ctx.catalog
  if (typeof value !== 'string' || value.length > 60)
    throw new BillingError('invalid_amount', `amount must be decimal text in ${currency}, such as "10".`)
  const amount = parseMoney(value, currency)
  const most = parseMoney('1000', currency)
  if (amount.nanos <= 0n) throw new BillingError('invalid_amount', 'amount must be above zero.')
  if (compareMoney(amount, most) > 0)
    throw new BillingError('amount_out_of_range', `amount must be at most 1000 ${currency}.`)
  const sparks = sparksFor(ctx.catalog, amount.nanos)
  return { title: 'Credits', amount, sparks, package: null, plan: null, interval: null }
}
