import { doLater } from './background.js'
import { applyCreditNotes } from './credit-notes.js'
import { customers, type LagoCustomer } from './customers.js'
import { type BilledPart, feesOf, type InvoiceFee, startOfNextDays } from './invoice-fees.js'
import { emitInvoice, feesCents, invoices, type LagoInvoice, putInvoice, totalCents } from './invoices.js'
import { paymentLink } from './payment-link.js'
import { planOf } from './plans.js'
import { subscriptions } from './subscriptions.js'
import { applyWallets } from './wallets.js'
import { type LagoWorld, newLagoId } from './world.js'

const dayMs = 86_400_000

const createdTypes = {
  subscription: 'invoice.created',
  one_off: 'invoice.one_off_created',
  credit: 'invoice.paid_credit_added',
} as const

/** An invoice of parts of subscriptions, dated to a moment; nothing when there is nothing to say and the customer wants none of those. */
export function invoiceParts(world: LagoWorld, parts: readonly BilledPart[], atMs: number): LagoInvoice | undefined {
  const [first] = parts
  const subscription = first && subscriptions(world).get(first.subscriptionId)
  const customer = subscription && customers(world).get(subscription.external_customer_id)
  if (subscription === undefined || customer === undefined) return undefined
  const fees = feesOf(world, parts)
  if (fees.every(({ cents }) => cents === 0) && customer.finalize_zero_amount_invoice === 'skip') return undefined
  const currency = planOf(world, subscription.plan_code).amount_currency
  const graceDays = Number(customer.billing_configuration.invoice_grace_period ?? 0)
  const draft = newInvoice(world, { customer, type: 'subscription', currency, parts, fees, atMs, graceDays })
  if (graceDays === 0) return finalize(world, draft, atMs)
  emitInvoice(world, 'invoice.drafted', draft)
  return draft
}

/** An invoice that is final at once. */
export function invoiceFees(
  world: LagoWorld,
  customer: LagoCustomer,
  given: {
    readonly type: 'one_off' | 'credit'
    readonly currency: string
    readonly fees: readonly InvoiceFee[]
    /** Default true; otherwise the customer pays it by hand. */
    readonly isCollected?: boolean
  },
): LagoInvoice {
  const atMs = world.now()
  const { isCollected = true, ...rest } = given
  return finalize(world, newInvoice(world, { customer, ...rest, parts: [], atMs, graceDays: 0 }), atMs, isCollected)
}

function newInvoice(
  world: LagoWorld,
  given: {
    readonly customer: LagoCustomer
    readonly type: LagoInvoice['type']
    readonly currency: string
    readonly parts: readonly BilledPart[]
    readonly fees: readonly InvoiceFee[]
    readonly atMs: number
    readonly graceDays: number
  },
): LagoInvoice {
  const { customer, type, currency, parts, fees, atMs, graceDays } = given
  const invoice: LagoInvoice = {
    lago_id: newLagoId(),
    external_customer_id: customer.external_id,
    sequence: 0,
    type,
    status: 'draft',
    payment_status: 'pending',
    currency,
    issuedAtMs: atMs,
    finalizesAtMs: graceDays === 0 ? null : atMs + graceDays * dayMs,
    createdAtMs: atMs,
    updatedAtMs: atMs,
    paidAtMs: null,
    paymentDueMs: startOfNextDays(atMs, graceDays + (customer.net_payment_term ?? 0)),
    overdue: false,
    disputeLostAtMs: null,
    parts,
    fees,
    creditNotesCents: 0,
    prepaidCents: 0,
    taken: [],
    hasFile: false,
    metadata: [],
  }
  invoices(world).put(invoice.lago_id, invoice)
  return invoice
}

/** Works out a draft anew: usage that came late is in it. */
export function refresh(world: LagoWorld, draft: LagoInvoice): LagoInvoice {
  return putInvoice(world, { ...draft, fees: feesOf(world, draft.parts) })
}

/** Makes a draft final: it gets its number, takes what the customer has, and is collected. */
export function finalize(world: LagoWorld, draft: LagoInvoice, atMs: number, isCollected = true): LagoInvoice {
  const whole = draft.parts.length === 0 ? draft : { ...draft, fees: feesOf(world, draft.parts) }
  const own = [...invoices(world).values()].filter(({ external_customer_id: id }) => id === draft.external_customer_id)
  const due = feesCents(whole)
  // What buys credits is not paid with credits.
  const notes = whole.type === 'subscription' ? applyCreditNotes(world, whole, due) : []
  const noted = notes.reduce((sum, { cents }) => sum + cents, 0)
  const purses = whole.type === 'subscription' ? applyWallets(world, whole, due - noted) : []
  const final = putInvoice(world, {
    ...whole,
    status: 'finalized',
    sequence: Math.max(0, ...own.map(({ sequence }) => sequence)) + 1,
    issuedAtMs: atMs,
    finalizesAtMs: null,
    creditNotesCents: noted,
    prepaidCents: purses.reduce((sum, { cents }) => sum + cents, 0),
    taken: [...notes, ...purses],
  })
  const settled =
    totalCents(final) === 0 ? putInvoice(world, { ...final, payment_status: 'succeeded', paidAtMs: atMs }) : final
  emitInvoice(world, createdTypes[settled.type], settled)
  const customer = customers(world).get(settled.external_customer_id)
  if (isCollected && settled.payment_status === 'pending' && customer && paymentLink(customer) !== null)
    doLater(world, 'collect', settled.lago_id)
  return settled
}
