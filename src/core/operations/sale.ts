import { type Catalog, sparksFor } from '../catalog.js'
import type { BillingContext } from '../context.js'
import type { Plan, PlanPayment } from '../domain/catalog.js'
import { formatDecimal } from '../domain/decimal.js'
import { compareMoney, type Money, parseMoney } from '../domain/money.js'
import { maximumStored } from '../domain/sparks.js'
import { BillingError } from '../errors.js'
import type { PlanPrice } from '../ports/capabilities/plan-price.js'
import { quoted, readMoney } from './fields.js'

/** What is sold, at the price of the catalog. */
export interface Sale {
  readonly title: string
  /** What is paid on the page, before discounts and tax: nothing for a trial, or where only a payment method is left. */
  readonly amount: Money
  readonly sparks: bigint
  readonly package: string | null
  readonly plan: string | null
  /** For a subscription: its price, how many, and how many days are free. */
  readonly subscribes: { readonly price: PlanPrice; readonly seats: number; readonly trialDays: number } | null
}

/** What a caller wants to sell; numbers and amounts are looked at here. */
export type SaleRequest =
  | { readonly kind: 'subscription'; readonly plan: string; readonly seats?: unknown }
  | { readonly kind: 'lifetime'; readonly plan: string }
  | { readonly kind: 'package'; readonly package: string; readonly quantity?: unknown }
  | { readonly kind: 'credits'; readonly amount: unknown }
  | { readonly kind: 'setup' }

/**
 * What a request sells and for how much, where this provider sells it.
 *
 * @throws BillingError `not_found`, `invalid_request`, `invalid_quantity`, `invalid_amount`, `amount_out_of_range`
 */
export function priceOf(ctx: BillingContext, seller: string, request: SaleRequest): Sale {
  switch (request.kind) {
    case 'subscription':
      return priceOfPlan(ctx, seller, request.plan, request.seats)
    case 'lifetime':
      return priceForLife(ctx, request.plan)
    case 'package':
      return priceOfPackages(ctx, request.package, request.quantity)
    case 'credits':
      return priceOfAmount(ctx, request.amount)
    case 'setup':
      return { ...nothing, title: 'Payment method', amount: { currency: ctx.catalog.currency, nanos: 0n } }
  }
}

const nothing = { sparks: 0n, package: null, plan: null, subscribes: null }

/** A plan that is paid for, with its price. @throws BillingError `not_found`, `invalid_request` */
export function paidPlan(ctx: BillingContext, name: string): { readonly plan: Plan; readonly price: PlanPayment } {
  const plan = ctx.catalog.plans.get(name)
  if (!plan) throw new BillingError('not_found', `The catalog has no plan ${quoted(name)}.`)
  if (plan.price) return { plan, price: plan.price }
  throw new BillingError('invalid_request', `Plan ${plan.name} has no price: there is nothing to check out.`)
}

/** What a provider has to know of a plan that is paid for again and again. @throws BillingError as `paidPlan` */
export function planPriceOf(ctx: BillingContext, seller: string, name: string): PlanPrice {
  const { plan, price } = paidPlan(ctx, name)
  const { interval, amount } = price
  if (interval === 'once')
    throw new BillingError('invalid_request', `Plan ${plan.name} is paid once: sell it with kind "lifetime".`)
  // Whoever sells a plan collects what is used beyond it, if it is told of usage.
  const overage = plan.overage && ctx.rules.metering.includes(seller) ? overagePrices(ctx.catalog) : []
  return { plan: plan.name, title: plan.title, amount, interval, overage }
}

/** What a Spark of each meter costs that is charged afterwards. */
export function overagePrices(catalog: Catalog): PlanPrice['overage'] {
  const sparkPrice = formatDecimal(catalog.spark.price)
  const charged = [...catalog.meters.values()].filter(({ rate }) => rate !== null)
  return charged.map(({ name: meter }) => ({ meter, sparkPrice }))
}

/** How many seats of a plan; 1 when it is not said. @throws BillingError `invalid_quantity`, `invalid_request` */
export function seatsOf(ctx: BillingContext, plan: string, value: unknown): number {
  if (value === undefined) return 1
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 1 || value > 100_000)
    throw new BillingError('invalid_quantity', 'seats must be a whole number from 1 to 100000.')
  if (value === 1 || ctx.catalog.plans.get(plan)?.price?.perSeat) return value
  throw new BillingError('invalid_request', `Plan ${plan} is not sold by the seat.`)
}

function priceOfPlan(ctx: BillingContext, seller: string, name: string, wanted: unknown): Sale {
  const price = planPriceOf(ctx, seller, name)
  const { trialDays } = paidPlan(ctx, name).price
  const seats = seatsOf(ctx, name, wanted)
  const { currency, nanos } = price.amount
  const amount = { currency, nanos: trialDays > 0 ? 0n : nanos * BigInt(seats) }
  if (amount.nanos > maximumStored)
    throw new BillingError('amount_out_of_range', `${seats} seats of ${price.title} are more than can be stored.`)
  return { ...nothing, title: price.title, amount, plan: name, subscribes: { price, seats, trialDays } }
}

function priceForLife(ctx: BillingContext, name: string): Sale {
  const { plan, price } = paidPlan(ctx, name)
  if (price.interval !== 'once')
    throw new BillingError('invalid_request', `Plan ${plan.name} is paid again and again: sell it as a subscription.`)
  return { ...nothing, title: plan.title, amount: price.amount, plan: plan.name }
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
  return { ...nothing, title, amount, sparks, package: offer.name }
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
  const amount = readMoney(value, currency)
  if (compareMoney(amount, parseMoney('1000', currency)) > 0)
    throw new BillingError('amount_out_of_range', `amount must be at most 1000 ${currency}.`)
  const sparks = sparksFor(ctx.catalog, amount.nanos)
  return { ...nothing, title: 'Credits', amount, sparks }
}
