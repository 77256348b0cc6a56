import { type CheckoutSession, checkoutSessions, type LineItem, lineItems } from './checkout-session.js'
import { customers } from './customers.js'
import { applyTentatively, chosenCoupon, type DiscountChoice } from './discounts.js'
import { type InvoiceLine, toDraftLine } from './invoice-lines.js'
import { computeTotals } from './invoice-totals.js'
import { checkRestrictions, type Redemption } from './promotion-restrictions.js'
import { isLocated, type TaxLocation } from './tax-rates.js'
import { type StripeWorld, seconds } from './world.js'

/** Counts a session anew: after a promotion code, or once the buyer's country is known. */
export function recountSession(
  world: StripeWorld,
  session: CheckoutSession,
  location: TaxLocation | null = null,
): CheckoutSession {
  const stored = lineItems(world).get(session.id)
  if (session.mode === 'setup' || stored === undefined) return session
  const choices = choicesOf(session)
  const customer = customers(world).get(session.customer ?? '')
  const address = location ?? customer?.address ?? null
  const totals = computeTotals(world, {
    invoice: null,
    currency: session.currency ?? 'usd',
    subscription: null,
    customer: { address, tax_exempt: customer?.tax_exempt ?? 'none' },
    lines: stored.items.map((item, index) => toDraftLine(lineOf(world, item, stored.taxRates[index] ?? []))),
    discounts: applyTentatively(world, choices, { customer: session.customer, checkoutSession: session.id }),
    taxRates: [],
    automaticTax: session.automatic_tax.enabled,
  })
  const items = stored.items.map((item, index): LineItem => {
    const line = totals.lines[index]
    const discount = sum(line?.discount_amounts ?? [])
    const taxes = line?.taxes ?? []
    const exclusive = sum(taxes.filter(({ tax_behavior }) => tax_behavior === 'exclusive'))
    const amounts = { amount_discount: discount, amount_tax: sum(taxes) }
    return { ...item, ...amounts, amount_total: item.amount_subtotal - discount + exclusive }
  })
  lineItems(world).put(session.id, { ...stored, items })
  // A trial bills its recurring items later.
  const today = stored.trial ? items.filter(({ price }) => price.recurring === null) : items
  const total = today.reduce((whole, item) => whole + item.amount_total, 0)
  const status = session.automatic_tax.enabled ? taxStatus(address) : null
  const after: CheckoutSession = {
    ...session,
    amount_subtotal: today.reduce((whole, item) => whole + item.amount_subtotal, 0),
    amount_total: total,
    automatic_tax: { ...session.automatic_tax, status },
    payment_status: total === 0 ? 'no_payment_required' : 'unpaid',
    total_details: {
      amount_discount: today.reduce((whole, item) => whole + item.amount_discount, 0),
      amount_shipping: 0,
      amount_tax: today.reduce((whole, item) => whole + item.amount_tax, 0),
    },
  }
  checkoutSessions(world).put(after.id, after)
  return after
}

/** Puts a coupon or a code on a session, or (empty) takes it off. */
export function discountSession(
  world: StripeWorld,
  session: CheckoutSession,
  choices: readonly DiscountChoice[],
): CheckoutSession {
  const discounts = choices.map((choice) => {
    const { coupon, code } = chosenCoupon(world, choice, session.customer)
    if (code) checkRestrictions(world, code, redemptionOf(session))
    return { coupon: code === undefined ? coupon.id : null, promotion_code: code?.id ?? null }
  })
  return recountSession(world, { ...session, discounts })
}

function redemptionOf({ customer, currency, amount_subtotal: subtotal }: CheckoutSession): Redemption {
  return { customer, currency: currency ?? 'usd', subtotal: subtotal ?? 0 }
}

export function choicesOf(session: CheckoutSession): readonly DiscountChoice[] {
  return session.discounts.map(({ coupon, promotion_code }) => ({
    ...(coupon === null ? {} : { coupon }),
    ...(promotion_code === null ? {} : { promotion_code }),
  }))
}

/** What a session's items are on an invoice. */
export function lineOf(world: StripeWorld, item: LineItem, taxRates: readonly string[]): InvoiceLine {
  const now = seconds(world)
  return {
    description: item.description,
    amount: item.amount_subtotal,
    quantity: item.quantity,
    price: item.price,
    period: { start: now, end: now },
    subscriptionItem: null,
    taxRates,
  }
}

function taxStatus(address: TaxLocation | null): 'complete' | 'requires_location_inputs' {
  return isLocated(address) ? 'complete' : 'requires_location_inputs'
}

function sum(parts: readonly { readonly amount: number }[]): number {
  return parts.reduce((total, { amount }) => total + amount, 0)
}
