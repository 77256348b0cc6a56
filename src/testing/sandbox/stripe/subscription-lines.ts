import { periodAt, sameInterval } from './billing-cycle.js'
import { stepOf } from './currencies.js'
import { usageBetween } from './event-summaries.js'
import type { InvoiceLine } from './invoices.js'
import { meters } from './meters.js'
import { amountFor } from './prices.js'
import { isMetered, type Subscription, type SubscriptionItem, titleOf } from './subscription-object.js'
import type { StripeWorld } from './world.js'

interface Period {
  readonly start: number
  readonly end: number
}

/** A licensed item for a whole period, or a metered one for what was counted in it. */
export function periodLine(world: StripeWorld, customer: string, item: SubscriptionItem, period: Period): InvoiceLine {
  return isMetered(item.price) ? usageLine(world, customer, item, period) : itemLine(world, item, period)
}

export function itemLine(world: StripeWorld, item: SubscriptionItem, period: Period): InvoiceLine {
  return {
    description: `${item.quantity ?? 0} × ${titleOf(world, item.price)}`,
    amount: priceOf(item),
    quantity: item.quantity ?? null,
    price: item.price,
    period,
    subscriptionItem: item.id,
  }
}

export function trialLine(world: StripeWorld, item: SubscriptionItem, period: Period): InvoiceLine {
  return { ...itemLine(world, item, period), amount: 0, description: `Trial period for ${titleOf(world, item.price)}` }
}

export function usageLine(
  world: StripeWorld,
  customer: string,
  item: Pick<SubscriptionItem, 'id' | 'price'>,
  period: Period,
): InvoiceLine {
  const meter = meters(world).get(item.price.recurring?.meter ?? '')
  const used = meter === undefined ? '0' : usageBetween(world, meter, customer, period.start, period.end)
  return {
    description: `${used} × ${titleOf(world, item.price)}`,
    amount: amountFor(item.price, used),
    quantity: Number.isSafeInteger(Number(used)) ? Number(used) : null,
    price: item.price,
    period,
    subscriptionItem: item.id,
  }
}

/** A part of a period at the price of the whole, rounded once. */
export function partLine(world: StripeWorld, item: SubscriptionItem, part: Period, cycleSeconds: number): InvoiceLine {
  return { ...itemLine(world, item, part), amount: share(item, part.end - part.start, cycleSeconds) }
}

/**
 * What a change of items in the middle of a period comes to: the unused time of what was paid in advance is credited, the
 * remaining time of what takes its place is charged, by the second. Usage is paid afterwards and never prorated.
 */
export function prorationLines(
  world: StripeWorld,
  subscription: Subscription,
  after: readonly SubscriptionItem[],
  at: number,
): readonly InvoiceLine[] {
  const before = subscription.items.data
  const lines: InvoiceLine[] = []
  for (const item of before) {
    const now = after.find(({ id }) => id === item.id)
    if (now !== undefined && isSame(item, now)) continue
    if (!isMetered(item.price)) lines.push(creditLine(world, subscription, item, at))
    // Another interval begins a whole period of its own, which is no proration.
    if (now !== undefined && !isMetered(now.price) && sameInterval(item.price, now.price)) {
      lines.push(remainder(world, subscription, now, at, 'Remaining'))
    }
  }
  for (const item of after) {
    if (before.some(({ id }) => id === item.id) || isMetered(item.price)) continue
    lines.push(remainder(world, subscription, item, at, 'Remaining'))
  }
  return lines.filter(({ amount }) => amount !== 0)
}

/** The time that was paid for and is not used after `at`. */
export function creditLine(
  world: StripeWorld,
  subscription: Subscription,
  item: SubscriptionItem,
  at: number,
): InvoiceLine {
  const line = remainder(world, subscription, item, at, 'Unused')
  return { ...line, amount: 0 - line.amount }
}

function remainder(
  world: StripeWorld,
  { billing_cycle_anchor: anchor }: Subscription,
  item: SubscriptionItem,
  at: number,
  word: 'Unused' | 'Remaining',
): InvoiceLine {
  const { current_period_end: end, price, quantity = 1 } = item
  // A first period can be shorter than the cycle; its price is that of the cycle.
  const cycle = periodAt(anchor, price, end - 1)
  const many = quantity === 1 ? '' : `${quantity} × `
  return {
    ...itemLine(world, item, { start: at, end }),
    description: `${word} time on ${many}${titleOf(world, price)} after ${dayOf(at)}`,
    amount: share(item, end - at, cycle.current_period_end - cycle.current_period_start),
    proration: true,
  }
}

function priceOf({ price, quantity }: SubscriptionItem): number {
  return quantity === undefined ? 0 : amountFor(price, String(quantity))
}

/** A part of an item's price, rounded half up to what can be charged. */
function share(item: SubscriptionItem, part: number, whole: number): number {
  const step = BigInt(stepOf(item.price.currency))
  const divisor = BigInt(whole) * 2n * step
  const numerator = BigInt(priceOf(item)) * BigInt(Math.max(0, Math.min(part, whole))) * 2n + divisor / 2n
  return Number((numerator / divisor) * step)
}

function isSame(a: SubscriptionItem, b: SubscriptionItem): boolean {
  return a.price.id === b.price.id && a.quantity === b.quantity
}

/** 22 Nov 2026 */
function dayOf(at: number): string {
  const words = { day: '2-digit', month: 'short', year: 'numeric', timeZone: 'UTC' } as const
  return new Intl.DateTimeFormat('en-GB', words).format(at * 1000)
}
