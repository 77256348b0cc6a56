import * as z from 'zod'
import { notFound } from './errors.js'
import { emit } from './events.js'
import { isWithin, paging, text, timeRange } from './form.js'
import { type Invoice, invoices } from './invoice-object.js'
import { cancelPayment } from './payment-capture.js'
import { createPaymentIntent, type PaymentIntent, paymentIntents } from './payment-intents.js'
import { listPage, noParameters, route } from './route.js'
import { newId, type StripeWorld, seconds, tableOf } from './world.js'

export type InvoicePayment = ReturnType<typeof newInvoicePayment>

export const invoicePayments = tableOf<InvoicePayment>('invoice_payments')

/** The payment an open invoice waits for. */
export function openInvoicePayment(world: StripeWorld, invoice: Invoice): InvoicePayment {
  const intent = createPaymentIntent(world, {
    amount: invoice.amount_remaining,
    currency: invoice.currency,
    customer: invoice.customer,
    description:
      invoice.description ?? (invoice.parent === null ? null : (descriptions[invoice.billing_reason] ?? null)),
    metadata: {},
    receiptEmail: null,
    setupFutureUsage: null,
    allowRedirects: 'never',
  })
  const payment = newInvoicePayment(world, invoice, intent)
  invoicePayments(world).put(payment.id, payment)
  return payment
}

const descriptions: Readonly<Record<string, string>> = {
  subscription_create: 'Subscription creation',
  subscription_cycle: 'Subscription update',
  subscription_update: 'Subscription update',
}

export function paymentsOf(world: StripeWorld, invoice: string): InvoicePayment[] {
  return [...invoicePayments(world).values()].filter((payment) => payment.invoice === invoice)
}

/** The payment intent that would settle an invoice now. */
export function intentOf(world: StripeWorld, invoice: string): PaymentIntent | undefined {
  const payment = paymentsOf(world, invoice).find(({ is_default, status }) => is_default && status !== 'canceled')
  return payment === undefined ? undefined : paymentIntents(world).get(payment.payment.payment_intent)
}

/** The invoice an intent pays for, with the payment that joins them. */
export function invoiceOfIntent(
  world: StripeWorld,
  intent: string,
): { readonly invoice: Invoice; readonly payment: InvoicePayment } | undefined {
  for (const payment of invoicePayments(world).values()) {
    if (payment.payment.payment_intent !== intent) continue
    const invoice = invoices(world).get(payment.invoice)
    return invoice === undefined ? undefined : { invoice, payment }
  }
  return undefined
}

export function markPaymentPaid(world: StripeWorld, payment: InvoicePayment, amount: number): void {
  const after: InvoicePayment = {
    ...payment,
    amount_paid: amount,
    status: 'paid',
    status_transitions: { canceled_at: null, paid_at: seconds(world) },
  }
  invoicePayments(world).put(after.id, after)
  emit(world, 'invoice_payment.paid', after)
}

/** What was still open is not waited for any more. */
export function cancelInvoicePayments(world: StripeWorld, invoice: Invoice, reason: string): void {
  for (const payment of paymentsOf(world, invoice.id)) {
    if (payment.status !== 'open') continue
    const intent = paymentIntents(world).get(payment.payment.payment_intent)
    if (intent !== undefined && intent.status !== 'succeeded' && intent.status !== 'canceled') {
      cancelPayment(world, intent, reason)
    }
    invoicePayments(world).put(payment.id, {
      ...payment,
      status: 'canceled',
      status_transitions: { canceled_at: seconds(world), paid_at: null },
    })
  }
}

export const invoicePaymentRoutes = [
  route(
    'GET /v1/invoice_payments',
    z.strictObject({
      ...paging,
      invoice: text.optional(),
      created: timeRange.optional(),
      status: z.enum(['canceled', 'open', 'paid'], 'Invalid status').optional(),
      payment: z
        .strictObject({
          type: z.enum(['payment_intent', 'payment_record'], 'Invalid payment[type]'),
          payment_intent: text.optional(),
          payment_record: text.optional(),
        })
        .optional(),
    }),
    ({ world, params }) =>
      listPage(
        '/v1/invoice_payments',
        [...invoicePayments(world).values()].filter(
          (each) =>
            (params.invoice === undefined || params.invoice === each.invoice) &&
            (params.status === undefined || params.status === each.status) &&
            (params.payment?.payment_intent === undefined ||
              params.payment.payment_intent === each.payment.payment_intent) &&
            isWithin(params.created, each.created),
        ),
        params,
      ),
  ),
  route('GET /v1/invoice_payments/:id', noParameters, ({ world, path: { id = '' } }) => {
    const payment = invoicePayments(world).get(id)
    if (payment === undefined) throw notFound('invoice payment', id, 'invoice_payment')
    return payment
  }),
]

function newInvoicePayment(world: StripeWorld, invoice: Invoice, intent: PaymentIntent) {
  return {
    id: newId('inpay_1', 23),
    object: 'invoice_payment' as const,
    amount_paid: null as number | null,
    amount_requested: invoice.amount_remaining,
    created: seconds(world),
    currency: invoice.currency,
    invoice: invoice.id,
    is_default: true,
    livemode: false as const,
    payment: { payment_intent: intent.id, type: 'payment_intent' as const },
    status: 'open' as 'open' | 'paid' | 'canceled',
    status_transitions: { canceled_at: null as number | null, paid_at: null as number | null },
  }
}
