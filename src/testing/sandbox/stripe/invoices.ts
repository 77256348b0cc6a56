import { creditsFor, type TakeCredits } from './credit-application.js'
import { creditGrants } from './credit-grants.js'
import { leastCharge } from './currencies.js'
import { type Customer, changed, customers } from './customers.js'
import { activeDiscounts, spendDiscounts } from './discounts.js'
import { schedule, unschedule } from './due.js'
import { emit } from './events.js'
import { attachItems, pendingItems, toInvoiceLine } from './invoice-items.js'
import { type DraftLine, type InvoiceLine, invoiceLines, toDraftLine } from './invoice-lines.js'
import {
  type BillingReason,
  draftAmounts,
  type Invoice,
  invoices,
  newInvoice,
  newInvoiceId,
  subscriptionOf,
} from './invoice-object.js'
import { cancelInvoicePayments, openInvoicePayment } from './invoice-payments.js'
import { computeTotals } from './invoice-totals.js'
import { nextAttempt } from './payment-retries.js'
import { isLocated, taxRates } from './tax-rates.js'
import { type StripeWorld, seconds } from './world.js'

export type { InvoiceLine } from './invoice-lines.js'
export { type BillingReason, type Invoice, invoices, subscriptionOf } from './invoice-object.js'

export interface InvoiceRequest {
  readonly customer: Customer
  readonly currency: string
  readonly subscription: string | null
  readonly billingReason: BillingReason
  readonly lines: readonly InvoiceLine[]
  /** Metadata of the subscription, shown on its invoices. */
  readonly metadata: Readonly<Record<string, string>>
  readonly invoiceMetadata?: Readonly<Record<string, string>>
  readonly collectionMethod?: 'charge_automatically' | 'send_invoice'
  readonly dueDate?: number | null
  /** Finalizes by itself an hour from now, and collects. */
  readonly autoAdvance?: boolean
  readonly defaultPaymentMethod?: string | null
  readonly description?: string | null
  readonly footer?: string | null
  /** Ids of discounts; those that no longer count are left out. */
  readonly discounts?: readonly string[]
  /** Ids of tax rates. */
  readonly taxRates?: readonly string[]
  readonly automaticTax?: boolean
  readonly period?: { readonly start: number; readonly end: number }
  /** Takes in the customer's pending items; those of a subscription do. */
  readonly includePending?: boolean
}

/** Makes a draft. With `autoAdvance` it finalizes by itself an hour later. */
export function draftInvoice(world: StripeWorld, request: InvoiceRequest): Invoice {
  const { invoice, given, lines } = composeInvoice(world, request)
  invoices(world).put(invoice.id, invoice)
  invoiceLines(world).put(invoice.id, { id: invoice.id, given, lines })
  attachItems(world, invoice.id, given)
  if (invoice.automatically_finalizes_at !== null) scheduleFinalization(world, invoice)
  emit(world, 'invoice.created', invoice)
  return invoice
}

/** The draft that would be made, without making it: previews are this. */
export function composeInvoice(world: StripeWorld, request: InvoiceRequest) {
  const id = newInvoiceId()
  const active = activeDiscounts(world, request.discounts ?? [])
  const takesPending = request.includePending ?? request.subscription !== null
  const pending = takesPending ? pendingItems(world, request.customer.id, request.currency, request.subscription) : []
  const given = [...pending.map((item) => toInvoiceLine(world, item)), ...request.lines].map(toDraftLine)
  const totals = computeTotals(world, {
    invoice: id,
    currency: request.currency,
    subscription: request.subscription,
    customer: request.customer,
    lines: given,
    discounts: active,
    taxRates: request.taxRates ?? [],
    automaticTax: request.automaticTax ?? false,
  })
  const bare = newInvoice(
    world,
    id,
    {
      customer: request.customer,
      currency: request.currency,
      subscription: request.subscription,
      billingReason: request.billingReason,
      subscriptionMetadata: request.metadata,
      metadata: request.invoiceMetadata ?? {},
      autoAdvance: request.autoAdvance ?? false,
      collectionMethod: request.collectionMethod ?? 'charge_automatically',
      dueDate: request.dueDate ?? null,
      defaultPaymentMethod: request.defaultPaymentMethod ?? null,
      description: request.description ?? null,
      footer: request.footer ?? null,
      discounts: active,
      automaticTax: request.automaticTax ?? false,
      period: request.period,
    },
    totals,
  )
  const rates = (request.taxRates ?? []).flatMap((rate) => taxRates(world).get(rate) ?? [])
  const invoice: Invoice = located({ ...bare, default_tax_rates: rates }, request.customer)
  return { invoice, given, lines: totals.lines }
}

/** Counts a draft anew, with other lines or other terms. */
export function recountDraft(
  world: StripeWorld,
  draft: Invoice,
  given?: readonly DraftLine[],
  credits?: TakeCredits,
): Invoice {
  const lines = given ?? invoiceLines(world).get(draft.id)?.given ?? []
  const customer = customers(world).get(draft.customer)
  if (customer === undefined) return draft
  const totals = computeTotals(world, {
    invoice: draft.id,
    currency: draft.currency,
    subscription: subscriptionOf(draft),
    customer,
    lines,
    discounts: draft.discounts,
    taxRates: draft.default_tax_rates.map((rate) => (rate as { id: string }).id),
    automaticTax: draft.automatic_tax.enabled,
    credits,
  })
  invoiceLines(world).put(draft.id, { id: draft.id, given: lines, lines: totals.lines })
  const after: Invoice = located({ ...draft, ...draftAmounts(draft.id, totals) }, customer)
  invoices(world).put(after.id, after)
  return after
}

/** Gives a draft its number, its page and its payment; from now on its lines stay as they are. */
export function finalizeInvoice(world: StripeWorld, given: Invoice): Invoice {
  const draft = spendCredits(world, given)
  const customer = customers(world).get(draft.customer)
  const sequence = customer?.next_invoice_sequence ?? 1
  const startingBalance = customer?.balance ?? 0
  const owed = draft.total + startingBalance
  const due = owed < leastCharge(draft.currency) ? 0 : owed
  // Credits that outweigh charges, or charges too small for a payment, stay with the customer for the next invoice.
  const endingBalance = owed - due
  if (customer !== undefined) {
    const counted: Customer = {
      ...customer,
      balance: endingBalance,
      next_invoice_sequence: sequence + 1,
      currency: draft.currency,
    }
    customers(world).put(customer.id, counted)
  }
  const now = seconds(world)
  unschedule(world, 'finalize_invoice', draft.id)
  spendDiscounts(world, draft.discounts)
  const open: Invoice = {
    ...draft,
    status: 'open',
    amount_due: due,
    amount_remaining: due,
    starting_balance: startingBalance,
    ending_balance: endingBalance,
    automatically_finalizes_at: null,
    next_payment_attempt: null,
    effective_at: now,
    hosted_invoice_url: world.pageUrl(`/invoice/${draft.id}`),
    invoice_pdf: world.pageUrl(`/invoice/${draft.id}/pdf`),
    number: `${customer?.invoice_prefix ?? 'GUEST'}-${String(sequence).padStart(4, '0')}`,
    status_transitions: { ...draft.status_transitions, finalized_at: now },
  }
  invoices(world).put(open.id, open)
  if (due > 0) openInvoicePayment(world, open)
  emit(world, 'invoice.finalized', open)
  if (open.due_date !== null && open.collection_method === 'send_invoice') {
    schedule(world, { kind: 'overdue_invoice', target: open.id, dueAtMs: open.due_date * 1000 })
  }
  return open
}

/** Billing credits pay for usage now, and not before. */
function spendCredits(world: StripeWorld, draft: Invoice): Invoice {
  if (![...creditGrants(world).values()].some(({ customer }) => customer === draft.customer)) return draft
  return recountDraft(world, draft, undefined, creditsFor(world, draft.id, draft.customer, draft.currency))
}

/** The money arrived, or none was due. */
export function payInvoice(world: StripeWorld, invoice: Invoice): Invoice {
  const attempts = invoice.amount_due > 0 ? invoice.attempt_count + 1 : invoice.attempt_count
  return settle(world, { ...invoice, attempted: true, attempt_count: attempts })
}

/** Paid some other way: no attempt is made. */
export function payOutOfBand(world: StripeWorld, invoice: Invoice): Invoice {
  cancelInvoicePayments(world, invoice, 'automatic')
  return settle(world, invoice)
}

/** An attempt failed. Renewals, and invoices that advance by themselves, are tried again later. */
export function failInvoice(world: StripeWorld, invoice: Invoice): Invoice {
  const attempt_count = invoice.attempt_count + 1
  const manual = invoice.parent === null
  const retries = manual
    ? invoice.auto_advance && invoice.collection_method === 'charge_automatically'
    : invoice.billing_reason === 'subscription_cycle'
  const next = retries ? nextAttempt(world, attempt_count) : null
  const failed: Invoice = { ...invoice, attempted: true, attempt_count, next_payment_attempt: next }
  // Those of a subscription are tried again with it.
  if (next !== null && manual) schedule(world, { kind: 'collect_invoice', target: invoice.id, dueAtMs: next * 1000 })
  invoices(world).put(failed.id, failed)
  emit(world, 'invoice.payment_failed', failed)
  return failed
}

export function voidInvoice(world: StripeWorld, invoice: Invoice): Invoice {
  cancelInvoicePayments(world, invoice, 'void_invoice')
  return close(world, invoice, 'void', 'voided_at', 'invoice.voided')
}

export function markUncollectible(world: StripeWorld, invoice: Invoice, reason = 'user_forgiven'): Invoice {
  const given: Invoice = { ...invoice, status_details: { uncollectible: { reason } } }
  return close(world, given, 'uncollectible', 'marked_uncollectible_at', 'invoice.marked_uncollectible')
}

/** Keeps a change and tells of it. */
export function updateInvoice(world: StripeWorld, before: Invoice, after: Invoice): Invoice {
  invoices(world).put(after.id, after)
  emit(world, 'invoice.updated', after, changed(before, after))
  return after
}

export function scheduleFinalization(world: StripeWorld, draft: Invoice): void {
  unschedule(world, 'finalize_invoice', draft.id)
  if (draft.automatically_finalizes_at === null) return
  schedule(world, { kind: 'finalize_invoice', target: draft.id, dueAtMs: draft.automatically_finalizes_at * 1000 })
}

function settle(world: StripeWorld, invoice: Invoice): Invoice {
  const paid: Invoice = {
    ...invoice,
    status: 'paid',
    amount_paid: invoice.amount_due,
    amount_remaining: 0,
    next_payment_attempt: null,
    status_transitions: { ...invoice.status_transitions, paid_at: seconds(world) },
  }
  stopWork(world, paid)
  invoices(world).put(paid.id, paid)
  emit(world, 'invoice.paid', paid)
  emit(world, 'invoice.payment_succeeded', paid)
  return paid
}

function close(
  world: StripeWorld,
  invoice: Invoice,
  status: 'void' | 'uncollectible',
  moment: 'voided_at' | 'marked_uncollectible_at',
  type: string,
): Invoice {
  const closed: Invoice = {
    ...invoice,
    status,
    auto_advance: false,
    next_payment_attempt: null,
    status_transitions: { ...invoice.status_transitions, [moment]: seconds(world) },
  }
  stopWork(world, closed)
  invoices(world).put(closed.id, closed)
  emit(world, type, closed)
  return closed
}

function stopWork(world: StripeWorld, { id }: Invoice): void {
  for (const kind of ['finalize_invoice', 'collect_invoice', 'overdue_invoice'] as const) unschedule(world, kind, id)
}

/** Automatic tax cannot be counted for a customer whose country is unknown. */
function located(invoice: Invoice, customer: Customer): Invoice {
  if (!invoice.automatic_tax.enabled) return invoice
  const status = isLocated(customer.address) ? ('complete' as const) : ('requires_location_inputs' as const)
  return { ...invoice, automatic_tax: { ...invoice.automatic_tax, status } }
}
