import * as z from 'zod'
import { checkStep } from './charge-amounts.js'
import { checkCurrency } from './customer-currency.js'
import { changed, requireCustomer } from './customers.js'
import { applyDiscounts, discountList } from './discounts.js'
import { invalidRequest, missingParameter, noSuch, stripeFailure } from './errors.js'
import { emit } from './events.js'
import {
  clearable,
  count,
  currency,
  decimal,
  flag,
  integer,
  isWithin,
  list,
  mergeMetadata,
  metadata,
  paging,
  text,
  timeRange,
} from './form.js'
import { createInvoiceItem, type InvoiceItem, invoiceItems, isDead, toInvoiceLine } from './invoice-items.js'
import { type DraftLine, invoiceLines, toDraftLine } from './invoice-lines.js'
import { type Invoice, invoices, recountDraft, updateInvoice } from './invoices.js'
import { createPrice } from './price-routes.js'
import { amountFor, type Price, prices } from './prices.js'
import { createProduct } from './products.js'
import { listPage, noParameters, route } from './route.js'
import { subscriptions } from './subscription-object.js'
import { requireRates, taxRates } from './tax-rates.js'
import type { StripeWorld } from './world.js'

const changeable = {
  amount: integer.optional(),
  description: clearable(text).optional(),
  discountable: flag.optional(),
  discounts: discountList.optional(),
  metadata,
  period: z.strictObject({ start: count, end: count }).optional(),
  price_data: z
    .strictObject({
      currency,
      product: text,
      unit_amount: integer.optional(),
      unit_amount_decimal: decimal.optional(),
      tax_behavior: z.enum(['unspecified', 'exclusive', 'inclusive']).optional(),
    })
    .optional(),
  pricing: z.strictObject({ price: text.optional() }).optional(),
  quantity: count.optional(),
  tax_rates: clearable(list(text)).optional(),
  unit_amount_decimal: decimal.optional(),
}

export const invoiceItemRoutes = [
  route(
    'POST /v1/invoiceitems',
    z.strictObject({
      customer: text,
      currency: currency.optional(),
      invoice: text.optional(),
      subscription: text.optional(),
      ...changeable,
    }),
    ({ world, params }) => {
      const customer = requireCustomer(world, params.customer)
      const draft = params.invoice === undefined ? undefined : requireDraft(world, params.invoice, customer.id)
      const subscription = params.subscription === undefined ? undefined : subscriptions(world).get(params.subscription)
      if (params.subscription !== undefined && subscription?.customer !== customer.id) {
        throw noSuch('subscription', params.subscription, 'subscription')
      }
      const quantity = params.quantity ?? 1
      const price = chosenPrice(world, { ...params, currency: params.currency ?? draft?.currency })
      checkCurrency(world, customer.id, price.currency)
      const item = createInvoiceItem(world, {
        customer: customer.id,
        price,
        quantity,
        amount: amountFor(price, String(quantity)),
        description: params.description ?? null,
        period: params.period,
        subscription: subscription?.id ?? null,
        invoice: draft?.id ?? null,
        discountable: params.discountable ?? true,
        discounts: applyDiscounts(world, params.discounts ?? [], { customer: customer.id }),
        taxRates: requireRates(world, params.tax_rates ?? [], 'tax_rates'),
        metadata: params.metadata ?? {},
      })
      if (draft !== undefined) {
        if (price.currency !== draft.currency) {
          throw invalidRequest(`The currency of the invoice item must match the invoice's (${draft.currency}).`, {
            param: 'currency',
          })
        }
        // What is added last stands first.
        const given = invoiceLines(world).get(draft.id)?.given ?? []
        updateInvoice(world, draft, recountDraft(world, draft, [toDraftLine(toInvoiceLine(world, item)), ...given]))
      }
      return item
    },
  ),
  route(
    'GET /v1/invoiceitems',
    z.strictObject({
      ...paging,
      customer: text.optional(),
      invoice: text.optional(),
      pending: flag.optional(),
      created: timeRange.optional(),
    }),
    ({ world, params }) =>
      listPage(
        '/v1/invoiceitems',
        [...invoiceItems(world).values()].filter(
          (item) =>
            (params.customer === undefined || params.customer === item.customer) &&
            (params.invoice === undefined || params.invoice === item.invoice) &&
            (params.pending === undefined || params.pending === (item.invoice === null)) &&
            isWithin(params.created, item.date),
        ),
        params,
      ),
  ),
  route('GET /v1/invoiceitems/:id', noParameters, ({ world, path }) => requireItem(world, path.id)),
  route('POST /v1/invoiceitems/:id', z.strictObject(changeable), ({ world, path, params }) => {
    const before = requireItem(world, path.id)
    const draft = editable(world, before)
    const quantity = params.quantity ?? before.quantity
    const newPrice =
      params.amount !== undefined ||
      params.pricing !== undefined ||
      params.price_data !== undefined ||
      params.unit_amount_decimal !== undefined
        ? chosenPrice(world, { ...params, currency: before.currency })
        : prices(world).get(before.pricing.price_details.price)
    if (newPrice === undefined) throw noSuch('price', before.pricing.price_details.price, 'pricing[price]')
    const after: InvoiceItem = {
      ...before,
      amount: amountFor(newPrice, String(quantity)),
      net_amount: amountFor(newPrice, String(quantity)),
      description: params.description === undefined ? before.description : params.description,
      discountable: params.discountable ?? before.discountable,
      discounts:
        params.discounts === undefined
          ? before.discounts
          : applyDiscounts(world, params.discounts, { customer: before.customer }),
      metadata: mergeMetadata(before.metadata, params.metadata),
      period: params.period ?? before.period,
      pricing: {
        price_details: { price: newPrice.id, product: newPrice.product },
        type: 'price_details',
        unit_amount_decimal: newPrice.unit_amount_decimal,
      },
      quantity,
      quantity_decimal: String(quantity),
      tax_rates:
        params.tax_rates === undefined
          ? before.tax_rates
          : requireRates(world, params.tax_rates ?? [], 'tax_rates').flatMap((id) => taxRates(world).get(id) ?? []),
    }
    invoiceItems(world).put(after.id, after)
    emit(world, 'invoiceitem.updated', after, changed(before, after))
    if (draft !== undefined) {
      recount(world, draft, (line) =>
        line.invoiceItem === after.id ? { ...toInvoiceLine(world, after), id: line.id } : line,
      )
    }
    return after
  }),
  route('DELETE /v1/invoiceitems/:id', noParameters, ({ world, path }) => {
    const item = requireItem(world, path.id)
    const draft = editable(world, item)
    invoiceItems(world).delete(item.id)
    emit(world, 'invoiceitem.deleted', item)
    if (draft !== undefined) recount(world, draft, (line) => (line.invoiceItem === item.id ? undefined : line))
    return { id: item.id, object: 'invoiceitem', deleted: true }
  }),
]

function recount(world: StripeWorld, draft: Invoice, change: (line: DraftLine) => DraftLine | undefined): void {
  const given = invoiceLines(world).get(draft.id)?.given ?? []
  updateInvoice(
    world,
    draft,
    recountDraft(
      world,
      draft,
      given.flatMap((line) => change(line) ?? []),
    ),
  )
}

function requireItem(world: StripeWorld, id = ''): InvoiceItem {
  const item = invoiceItems(world).get(id)
  if (item !== undefined) return item
  throw stripeFailure(404, {
    type: 'invalid_request_error',
    code: 'resource_missing',
    message: `No such Invoice Item: '${id}'(livemode=false)`,
    param: 'id',
  })
}

/** The draft an item is on, if any; what is billed is no longer changed. */
function editable(world: StripeWorld, item: InvoiceItem): Invoice | undefined {
  if (isDead(world, item.id)) throw invalidRequest('This invoice item has been deleted.')
  if (item.invoice === null) return undefined
  const invoice = invoices(world).get(item.invoice)
  if (invoice?.status === 'draft') return invoice
  throw invalidRequest(`This invoice item is attached to an invoice that is no longer editable (${item.invoice}).`, {
    code: 'invoice_not_editable',
  })
}

function requireDraft(world: StripeWorld, id: string, customer: string): Invoice {
  const invoice = invoices(world).get(id)
  if (invoice === undefined || invoice.customer !== customer) throw noSuch('invoice', id, 'invoice')
  if (invoice.status !== 'draft') {
    throw invalidRequest('Invalid invoice: This invoice is no longer editable', {
      code: 'invoice_not_editable',
      param: 'invoice',
    })
  }
  return invoice
}

/** The price that is named, or one made for this item alone. */
function chosenPrice(
  world: StripeWorld,
  params: {
    readonly amount?: number | undefined
    readonly currency?: string | undefined
    readonly description?: string | null | undefined
    readonly price_data?: z.output<NonNullable<typeof changeable.price_data>>
    readonly pricing?: { readonly price?: string | undefined } | undefined
    readonly quantity?: number | undefined
    readonly unit_amount_decimal?: string | undefined
  },
): Price {
  if (params.pricing?.price !== undefined) {
    const price = prices(world).get(params.pricing.price)
    if (price === undefined) throw noSuch('price', params.pricing.price, 'pricing[price]')
    if (price.recurring !== null) {
      throw invalidRequest(
        'The price specified is set to `type=recurring` but this field only accepts prices with `type=one_time`.',
        { param: 'pricing[price]' },
      )
    }
    return price
  }
  if (params.price_data !== undefined) return createPrice(world, { ...params.price_data, active: false })
  if (params.amount !== undefined && params.quantity !== undefined) {
    throw invalidRequest('You may only specify one of these parameters: amount, quantity.', { param: 'amount' })
  }
  if (params.amount !== undefined && params.currency !== undefined) checkStep(params.amount, params.currency, 'amount')
  const unit = params.unit_amount_decimal ?? (params.amount === undefined ? undefined : String(params.amount))
  if (unit === undefined) throw missingParameter('amount')
  if (params.currency === undefined) throw missingParameter('currency')
  const product = createProduct(world, { name: params.description ?? 'Invoice item' })
  return createPrice(world, {
    currency: params.currency,
    product: product.id,
    unit_amount_decimal: unit,
    active: false,
  })
}
