import * as z from 'zod'
import { type Customer, customers, requireCustomer } from './customers.js'
import { applyDiscounts, discountList } from './discounts.js'
import { invalidRequest, noSuch } from './errors.js'
import { emit } from './events.js'
import {
  clearable,
  count,
  currency,
  flag,
  isWithin,
  list,
  mergeMetadata,
  metadata,
  paging,
  text,
  timeRange,
  tolerated,
} from './form.js'
import { buryItems, pendingItems } from './invoice-items.js'
import { invoiceLines } from './invoice-lines.js'
import { draftWindow } from './invoice-object.js'
import { requireInvoice } from './invoice-step-routes.js'
import {
  draftInvoice,
  type Invoice,
  invoices,
  recountDraft,
  scheduleFinalization,
  subscriptionOf,
  updateInvoice,
} from './invoices.js'
import { paymentMethods } from './payment-methods.js'
import { listPage, noParameters, route } from './route.js'
import { subscriptions } from './subscription-object.js'
import { requireRates, taxRates } from './tax-rates.js'
import { type StripeWorld, seconds } from './world.js'

const collectionMethod = z.enum(['charge_automatically', 'send_invoice'], 'Invalid collection_method')
const invoiceStatus = z.enum(
  ['draft', 'open', 'void', 'paid', 'uncollectible'],
  'Invalid status: must be one of draft, open, void, paid, or uncollectible',
)

const described = {
  auto_advance: flag.optional(),
  automatic_tax: z.strictObject({ enabled: flag, ...tolerated('liability') }).optional(),
  collection_method: collectionMethod.optional(),
  days_until_due: count.optional(),
  due_date: count.optional(),
  default_payment_method: clearable(text).optional(),
  default_tax_rates: clearable(list(text)).optional(),
  description: clearable(text).optional(),
  discounts: discountList.optional(),
  footer: clearable(text).optional(),
  metadata,
  statement_descriptor: text.optional(),
  ...tolerated('payment_settings'),
}

export const invoiceRoutes = [
  route(
    'POST /v1/invoices',
    z.strictObject({
      customer: text,
      subscription: text.optional(),
      currency: currency.optional(),
      pending_invoice_items_behavior: z
        .enum(['include', 'exclude'], 'Invalid pending_invoice_items_behavior')
        .optional(),
      ...described,
    }),
    ({ world, params }) => {
      const customer = requireCustomer(world, params.customer)
      const subscription = params.subscription === undefined ? undefined : subscriptions(world).get(params.subscription)
      if (params.subscription !== undefined && subscription === undefined) {
        throw noSuch('subscription', params.subscription, 'subscription')
      }
      const includePending = params.pending_invoice_items_behavior === 'include' || subscription !== undefined
      const method = params.collection_method ?? 'charge_automatically'
      return draftInvoice(world, {
        customer,
        currency: params.currency ?? subscription?.currency ?? currencyFor(world, customer, includePending),
        subscription: subscription?.id ?? null,
        billingReason: 'manual',
        lines: [],
        metadata: subscription?.metadata ?? {},
        invoiceMetadata: params.metadata ?? {},
        collectionMethod: method,
        dueDate: dueDateOf(world, method, params.due_date, params.days_until_due),
        autoAdvance: params.auto_advance ?? false,
        defaultPaymentMethod: ownMethod(world, customer, params.default_payment_method),
        description: params.description ?? null,
        footer: params.footer ?? null,
        discounts: applyDiscounts(world, params.discounts ?? [], { customer: customer.id }),
        taxRates: requireRates(world, params.default_tax_rates ?? []),
        automaticTax: params.automatic_tax?.enabled ?? false,
        includePending,
      })
    },
  ),
  route(
    'GET /v1/invoices',
    z.strictObject({
      ...paging,
      customer: text.optional(),
      subscription: text.optional(),
      status: invoiceStatus.optional(),
      collection_method: collectionMethod.optional(),
      created: timeRange.optional(),
      due_date: timeRange.optional(),
      ...tolerated('customer_account'),
    }),
    ({ world, params }) =>
      listPage(
        '/v1/invoices',
        [...invoices(world).values()].filter(
          (invoice) =>
            (params.customer === undefined || params.customer === invoice.customer) &&
            (params.status === undefined || params.status === invoice.status) &&
            (params.collection_method === undefined || params.collection_method === invoice.collection_method) &&
            (params.subscription === undefined || params.subscription === subscriptionOf(invoice)) &&
            (params.due_date === undefined ||
              (invoice.due_date !== null && isWithin(params.due_date, invoice.due_date))) &&
            isWithin(params.created, invoice.created),
        ),
        params,
      ),
  ),
  route('GET /v1/invoices/:id', noParameters, ({ world, path }) => requireInvoice(world, path.id)),
  route('POST /v1/invoices/:id', z.strictObject(described), ({ world, path, params }) => {
    const before = requireInvoice(world, path.id, 'id')
    const { metadata: labels, ...rest } = params
    const changes = Object.keys(rest).find((name) => rest[name as keyof typeof rest] !== undefined)
    if (
      before.status !== 'draft' &&
      changes !== undefined &&
      changes !== 'auto_advance' &&
      changes !== 'default_payment_method'
    ) {
      throw invalidRequest("Finalized invoices can't be updated in this way", { param: changes })
    }
    const customer = customers(world).get(before.customer) ?? requireCustomer(world, before.customer)
    const method = params.collection_method ?? before.collection_method
    const dueDate =
      params.due_date === undefined && params.days_until_due === undefined && params.collection_method === undefined
        ? before.due_date
        : dueDateOf(world, method, params.due_date, params.days_until_due, before.due_date)
    const after: Invoice = {
      ...before,
      ...(before.status === 'draft'
        ? draftWindow(before.created, params.auto_advance ?? before.auto_advance, method)
        : { auto_advance: params.auto_advance ?? before.auto_advance }),
      automatic_tax:
        params.automatic_tax === undefined
          ? before.automatic_tax
          : { ...before.automatic_tax, enabled: params.automatic_tax.enabled },
      collection_method: method,
      due_date: dueDate,
      default_payment_method:
        params.default_payment_method === undefined
          ? before.default_payment_method
          : ownMethod(world, customer, params.default_payment_method),
      default_tax_rates:
        params.default_tax_rates === undefined
          ? before.default_tax_rates
          : requireRates(world, params.default_tax_rates ?? []).map((id) => taxRates(world).get(id)),
      description: params.description === undefined ? before.description : params.description,
      discounts:
        params.discounts === undefined
          ? before.discounts
          : applyDiscounts(world, params.discounts, { customer: customer.id, invoice: before.id }),
      footer: params.footer === undefined ? before.footer : params.footer,
      statement_descriptor: params.statement_descriptor ?? before.statement_descriptor,
      metadata: mergeMetadata(before.metadata, labels),
    }
    if (before.status === 'draft') scheduleFinalization(world, after)
    return updateInvoice(world, before, before.status === 'draft' ? recountDraft(world, after) : after)
  }),
  route('DELETE /v1/invoices/:id', noParameters, ({ world, path }) => {
    const invoice = requireInvoice(world, path.id)
    if (invoice.status !== 'draft') throw invalidRequest('You can only delete draft invoices.')
    if (subscriptionOf(invoice) !== null && invoice.billing_reason !== 'manual') {
      throw invalidRequest('You cannot delete invoices created by subscriptions.')
    }
    buryItems(world, invoice.id)
    scheduleFinalization(world, { ...invoice, automatically_finalizes_at: null })
    invoices(world).delete(invoice.id)
    invoiceLines(world).delete(invoice.id)
    emit(world, 'invoice.deleted', invoice)
    return { id: invoice.id, object: 'invoice', deleted: true }
  }),
  route('GET /v1/invoices/:id/lines', z.strictObject({ ...paging }), ({ world, path, params }) => {
    const { id } = requireInvoice(world, path.id)
    // Lines keep the order in which they are billed.
    return listPage(`/v1/invoices/${id}/lines`, [...(invoiceLines(world).get(id)?.lines ?? [])].reverse(), params)
  }),
]

function dueDateOf(
  world: StripeWorld,
  method: 'charge_automatically' | 'send_invoice',
  dueDate: number | undefined,
  days: number | undefined,
  before: number | null = null,
): number | null {
  if (method === 'charge_automatically') {
    if (dueDate === undefined && days === undefined) return null
    throw invalidRequest(
      "You can only specify 'due_date' or 'days_until_due' if invoice collection method is 'send_invoice'.",
    )
  }
  if (dueDate !== undefined && days !== undefined) {
    throw invalidRequest('You may only specify one of these parameters: due_date, days_until_due.', {
      param: 'due_date',
    })
  }
  if (dueDate !== undefined) return dueDate
  if (days !== undefined) return seconds(world) + days * 86_400
  if (before !== null) return before
  throw invalidRequest(
    "If invoice collection method is 'send_invoice', you must specify 'due_date' or 'days_until_due'.",
  )
}

/** Without a currency of its own an invoice takes that of the newest item it bills, or the customer's. */
function currencyFor(world: StripeWorld, customer: Customer, includePending: boolean): string {
  const currencies = ['usd', 'eur', customer.currency ?? 'usd']
  const newest = includePending
    ? currencies
        .flatMap((money) => pendingItems(world, customer.id, money, null).slice(0, 1))
        .sort((left, right) => right.date - left.date)[0]
    : undefined
  return newest?.currency ?? customer.currency ?? 'usd'
}

function ownMethod(world: StripeWorld, customer: Customer, id: string | null | undefined): string | null {
  if (id === null || id === undefined) return null
  if (paymentMethods(world).get(id)?.customer !== customer.id) {
    throw invalidRequest(
      `The payment method \`${id}\` does not belong to the customer \`${customer.id}\`. Please attach the payment method to this customer first.`,
      { param: 'default_payment_method' },
    )
  }
  return id
}
