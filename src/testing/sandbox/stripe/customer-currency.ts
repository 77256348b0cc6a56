import { invalidRequest } from './errors.js'
import { invoiceItems, isDead } from './invoice-items.js'
import { hasEnded, subscriptions } from './subscription-object.js'
import type { StripeWorld } from './world.js'

/** A customer has one currency for as long as a subscription runs or an item waits to be billed. */
export function checkCurrency(world: StripeWorld, customer: string, currency: string): void {
  const running = [...subscriptions(world).values()].find(
    (each) => each.customer === customer && !hasEnded(each) && each.currency !== currency,
  )
  const waiting = [...invoiceItems(world).values()].find(
    (each) =>
      each.customer === customer && each.invoice === null && !isDead(world, each.id) && each.currency !== currency,
  )
  const other = running?.currency ?? waiting?.currency
  if (other === undefined) return
  throw invalidRequest(
    `You cannot combine currencies on a single customer. This customer has an active subscription, subscription schedule, discount, quote, or invoice item with currency ${other}.`,
  )
}
