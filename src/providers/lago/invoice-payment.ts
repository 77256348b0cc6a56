import * as z from 'zod'
import type { PaymentOutcome } from '../../core/domain/payment-outcome.js'
import { BillingError } from '../../core/errors.js'
import type { CallOptions } from '../../core/ports/call-options.js'
import { withoutKey } from '../door/door.js'
import { type LagoCall, parseAnswer, part } from './call.js'
import { refusalOf } from './errors.js'
import { type LagoPayment, nextActionOf, paymentSchema } from './payment.js'
import { poll } from './poll.js'

const paymentsSchema = z.object({ payments: z.array(paymentSchema) })
const linkSchema = z.object({ invoice_payment_details: z.object({ payment_url: z.url() }) })
const methodsSchema = z.object({ payment_methods: z.array(z.unknown()) })

interface Paying {
  readonly externalId: string
  readonly customerId: string
  readonly paymentMethodId: string | null
}

/**
 * Has Lago collect an invoice again. It answers nothing and collects afterwards, if it does: what came of it is seen at the payments of
 * the invoice. Where there is nothing to collect with, the customer is sent to a page.
 *
 * @see https://docs.getlago.com/api-reference/invoices/retry_payment
 */
export async function payInvoice(call: LagoCall, paying: Paying, options: CallOptions): Promise<PaymentOutcome> {
  const { externalId, paymentMethodId } = paying
  const before = await newestPayment(call, externalId, options)
  const method = paymentMethodId === null ? {} : { payment_method: providerMethod(paymentMethodId) }
  try {
    // Without the format the SDK does not read what Lago says when it refuses.
    await call.write(options, (client, request) =>
      client.invoices.retryPayment(part(externalId), method, { ...request, format: 'json' }),
    )
  } catch (error) {
    const refusal = refusalOf(error)
    if (refusal.includes('payment_processor_is_currently_handling_payment')) return { status: 'processing' }
    // Somebody paid meanwhile, or it was voided: the invoice says which.
    if (refusal.includes('invalid_status'))
      throw new BillingError('invalid_state', `Invoice ${externalId} cannot be paid any more.`, { cause: error })
    throw error
  }
  const canBeCharged = await hasMethod(call, paying.customerId, options)
  const made = await poll(
    options,
    async () => {
      const newest = await newestPayment(call, externalId, options)
      return newest === null || newest.lago_id === before?.lago_id || newest.payment_status === 'pending'
        ? null
        : newest
    },
    // Nothing will come of it, mostly; but Lago may know of a method that it does not list.
    canBeCharged ? undefined : [150, 450],
  )
  if (made !== null) return outcomeOf(made)
  return canBeCharged ? { status: 'processing' } : pageFor(call, externalId, options)
}

/** The page of the payment service on which the customer can pay it. */
export async function paymentUrl(call: LagoCall, externalId: string, options: CallOptions): Promise<string> {
  const answer = await call.write(withoutKey(options), (client, request) =>
    client.invoices.invoicePaymentUrl(part(externalId), request),
  )
  return parseAnswer(linkSchema, answer).invoice_payment_details.payment_url
}

async function pageFor(call: LagoCall, externalId: string, options: CallOptions): Promise<PaymentOutcome> {
  try {
    return { status: 'requires_action', url: await paymentUrl(call, externalId, options) }
  } catch (error) {
    if (!BillingError.is(error) || error.details.status !== 422) throw error
    const message = 'There is nothing to pay with, and Lago has no page for it.'
    return { status: 'declined', reason: 'no_payment_method', message }
  }
}

function outcomeOf(payment: LagoPayment): PaymentOutcome {
  const url = nextActionOf(payment)
  if (payment.payment_status === 'succeeded') return { status: 'succeeded' }
  if (payment.payment_status === 'failed')
    return { status: 'declined', reason: 'declined', message: 'The payment did not go through.' }
  return url === null && payment.status !== 'requires_action'
    ? { status: 'processing' }
    : { status: 'requires_action', url }
}

export async function newestPayment(
  call: LagoCall,
  invoiceId: string,
  options: CallOptions,
): Promise<LagoPayment | null> {
  const answer = await call.read(options, (client, request) =>
    client.payments.findAllPayments({ invoice_id: invoiceId, per_page: 1 }, request),
  )
  return parseAnswer(paymentsSchema, answer).payments[0] ?? null
}

async function hasMethod(call: LagoCall, customerId: string, options: CallOptions): Promise<boolean> {
  const answer = await call.read(options, (client, request) =>
    client.customers.findAllCustomersPaymentMethods(part(customerId), { per_page: 1 }, request),
  )
  return parseAnswer(methodsSchema, answer).payment_methods.length > 0
}

function providerMethod(id: string) {
  return { payment_method_type: 'provider' as const, payment_method_id: id }
}
