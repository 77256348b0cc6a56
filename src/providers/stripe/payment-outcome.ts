import * as z from 'zod'
import type { DeclineReason, PaymentOutcome } from '../../core/domain/payment-outcome.js'
import type { CallOptions } from '../../core/ports/call-options.js'
import { parseAnswer, type StripeCall } from './call.js'

const errorSchema = z.object({
  code: z.string().nullish(),
  decline_code: z.string().nullish(),
  message: z.string().nullish(),
})

/** What of a payment intent says how it stands. */
export const paymentStateSchema = z.object({
  status: z.string(),
  last_payment_error: errorSchema.nullish(),
})

/** What the customer is to do for a payment intent. */
export const nextActionSchema = z
  .object({ redirect_to_url: z.object({ url: z.string().nullish() }).nullish() })
  .nullish()

/** Where the customer confirms a payment at the bank, if that is what it waits for. */
export function actionUrl({
  status,
  next_action: action,
}: {
  readonly status: string
  readonly next_action?: z.output<typeof nextActionSchema>
}): string | null {
  return status === 'requires_action' ? (action?.redirect_to_url?.url ?? null) : null
}

const invoiceSchema = z.object({
  status: z.string().nullish(),
  hosted_invoice_url: z.string().nullish(),
})

const paymentsSchema = z.object({
  data: z.array(
    z.object({
      status: z.string(),
      payment: z.object({ payment_intent: z.union([z.string(), paymentStateSchema]).nullish() }),
    }),
  ),
})

/** What came of collecting an invoice. An invoice does not say so itself: its payments do. */
export async function collected(call: StripeCall, invoiceId: string, options: CallOptions): Promise<PaymentOutcome> {
  const answer = await call.read(options, (client, request) => client.invoices.retrieve(invoiceId, {}, request))
  const invoice = parseAnswer(invoiceSchema, answer)
  if (invoice.status === 'paid') return { status: 'succeeded' }
  const url = invoice.hosted_invoice_url ?? null
  const payments = await call.read(options, (client, request) =>
    client.invoicePayments.list({ invoice: invoiceId, expand: ['data.payment.payment_intent'] }, request),
  )
  const [newest] = parseAnswer(paymentsSchema, payments).data
  const intent = newest?.payment.payment_intent
  if (typeof intent === 'object' && intent !== null) return outcomeOfIntent(intent, url)
  return { status: 'requires_action', url }
}

/** @see https://docs.stripe.com/payments/paymentintents/lifecycle */
export function outcomeOfIntent(
  { status, last_payment_error: error }: z.output<typeof paymentStateSchema>,
  url: string | null,
): PaymentOutcome {
  switch (status) {
    case 'succeeded':
      return { status: 'succeeded' }
    case 'processing':
    case 'requires_capture':
      return { status: 'processing' }
    case 'requires_action':
    case 'requires_confirmation':
      return { status: 'requires_action', url }
    default:
      return error ? declined(error) : { status: 'declined', reason: 'no_payment_method', message: noMethod }
  }
}

const noMethod = 'There is no payment method to charge.'

/** A decline in our words. */
export function declined(error: z.output<typeof errorSchema>): Extract<PaymentOutcome, { status: 'declined' }> {
  const reason = declineReason(error.decline_code ?? undefined, error.code ?? undefined)
  // What a thief must not learn is not passed on.
  const message = reason === 'blocked' ? 'The card was declined.' : (error.message ?? 'The payment was declined.')
  return { status: 'declined', reason, message }
}

/**
 * Stripe's decline codes, and the codes of errors that are none of the bank's.
 *
 * @see https://docs.stripe.com/declines/codes
 */
const reasons: ReadonlyMap<string, DeclineReason> = new Map<string, DeclineReason>([
  ['authentication_required', 'authentication_required'],
  ['authentication_not_handled', 'authentication_required'],
  ['payment_intent_authentication_failure', 'authentication_required'],
  ['offline_pin_required', 'authentication_required'],
  ['online_or_offline_pin_required', 'authentication_required'],
  ['insufficient_funds', 'insufficient_funds'],
  ['card_velocity_exceeded', 'limit_exceeded'],
  ['withdrawal_count_limit_exceeded', 'limit_exceeded'],
  ['pin_try_exceeded', 'limit_exceeded'],
  ['expired_card', 'expired'],
  ['invalid_expiry_month', 'incorrect_details'],
  ['invalid_expiry_year', 'incorrect_details'],
  ['incorrect_number', 'incorrect_details'],
  ['invalid_number', 'incorrect_details'],
  ['incorrect_cvc', 'incorrect_details'],
  ['invalid_cvc', 'incorrect_details'],
  ['incorrect_zip', 'incorrect_details'],
  ['incorrect_address', 'incorrect_details'],
  ['incorrect_pin', 'incorrect_details'],
  ['invalid_pin', 'incorrect_details'],
  ['invalid_account', 'incorrect_details'],
  ['lost_card', 'blocked'],
  ['stolen_card', 'blocked'],
  ['pickup_card', 'blocked'],
  ['fraudulent', 'blocked'],
  ['merchant_blacklist', 'blocked'],
  ['restricted_card', 'blocked'],
  ['card_not_supported', 'not_supported'],
  ['currency_not_supported', 'not_supported'],
  ['not_permitted', 'not_supported'],
  ['service_not_allowed', 'not_supported'],
  ['transaction_not_allowed', 'not_supported'],
  ['invalid_amount', 'not_supported'],
  ['testmode_decline', 'not_supported'],
  ['processing_error', 'try_again'],
  ['reenter_transaction', 'try_again'],
  ['try_again_later', 'try_again'],
  ['issuer_not_available', 'try_again'],
  ['approve_with_id', 'try_again'],
])

export function declineReason(declineCode: string | undefined, code: string | undefined): DeclineReason {
  return reasons.get(declineCode ?? '') ?? reasons.get(code ?? '') ?? 'declined'
}
