import type { declineFields } from './errors.js'
import { emit } from './events.js'
import type { PaymentMethod } from './payment-methods.js'
import { newId, type StripeWorld, seconds, tableOf } from './world.js'

export type PaymentIntent = ReturnType<typeof newPaymentIntent>
export type PaymentIntentStatus =
  | 'requires_payment_method'
  | 'requires_confirmation'
  | 'requires_action'
  | 'requires_capture'
  | 'processing'
  | 'succeeded'
  | 'canceled'

export const paymentIntents = tableOf<PaymentIntent>('payment_intents')

export interface PaymentRequest {
  readonly amount: number
  readonly currency: string
  readonly customer: string | null
  readonly description: string | null
  readonly metadata: Readonly<Record<string, string>>
  readonly receiptEmail: string | null
  readonly setupFutureUsage: 'off_session' | 'on_session' | null
  readonly captureMethod?: 'automatic' | 'automatic_async' | 'manual'
  readonly paymentMethod?: string | null
  readonly allowRedirects?: 'always' | 'never'
  readonly statementDescriptor?: string | null
  readonly statementDescriptorSuffix?: string | null
}

export function createPaymentIntent(world: StripeWorld, request: PaymentRequest): PaymentIntent {
  const intent = newPaymentIntent(world, request)
  paymentIntents(world).put(intent.id, intent)
  emit(world, 'payment_intent.created', intent)
  return intent
}

export function saveIntent(world: StripeWorld, intent: PaymentIntent, type?: string): PaymentIntent {
  paymentIntents(world).put(intent.id, intent)
  if (type !== undefined) emit(world, type, intent)
  return intent
}

/** Why the last attempt failed, as it stays on the intent. */
export interface PaymentError extends ReturnType<typeof declineFields> {
  readonly charge?: string
  readonly payment_method?: PaymentMethod
}

/** What the buyer has to do next. */
export type NextAction =
  | {
      readonly type: 'redirect_to_url'
      readonly redirect_to_url: { readonly return_url: string; readonly url: string }
    }
  | {
      readonly type: 'use_stripe_sdk'
      readonly use_stripe_sdk: { readonly type: 'three_d_secure_redirect'; readonly stripe_js: string }
    }

/** The step to 3-D Secure: a page of the sandbox, reached by redirect or by Stripe's own script. */
export function authenticationStep(world: StripeWorld, id: string, returnUrl: string | undefined): NextAction {
  const url = world.pageUrl(`/authenticate/${id}`)
  return returnUrl === undefined
    ? { type: 'use_stripe_sdk', use_stripe_sdk: { type: 'three_d_secure_redirect', stripe_js: url } }
    : { type: 'redirect_to_url', redirect_to_url: { return_url: returnUrl, url } }
}

function newPaymentIntent(world: StripeWorld, request: PaymentRequest) {
  const id = newId('pi_3', 23)
  const method = request.paymentMethod ?? null
  return {
    id,
    object: 'payment_intent' as const,
    allowed_payment_method_types: null,
    amount: request.amount,
    amount_capturable: 0,
    amount_details: { tip: {} },
    amount_received: 0,
    application: null,
    application_fee_amount: null,
    automatic_payment_methods: { allow_redirects: request.allowRedirects ?? ('always' as const), enabled: true },
    canceled_at: null as number | null,
    cancellation_reason: null as string | null,
    capture_method: request.captureMethod ?? ('automatic_async' as const),
    client_secret: `${id}_secret_${newId('', 25)}`,
    confirmation_method: 'automatic' as const,
    created: seconds(world),
    currency: request.currency,
    customer: request.customer,
    customer_account: null,
    description: request.description,
    excluded_payment_method_types: null,
    last_payment_error: null as PaymentError | null,
    latest_charge: null as string | null,
    livemode: false as const,
    managed_payments: null,
    metadata: request.metadata,
    next_action: null as NextAction | null,
    on_behalf_of: null,
    payment_method: method,
    payment_method_configuration_details: null,
    payment_method_options: {
      card: { installments: null, mandate_options: null, network: null, request_three_d_secure: 'automatic' as const },
    },
    payment_method_types: ['card', 'us_bank_account', 'sepa_debit'],
    payment_record: null,
    processing: null,
    receipt_email: request.receiptEmail,
    review: null,
    setup_future_usage: request.setupFutureUsage,
    shipping: null,
    source: null,
    statement_descriptor: request.statementDescriptor ?? null,
    statement_descriptor_suffix: request.statementDescriptorSuffix ?? null,
    status: (method === null ? 'requires_payment_method' : 'requires_confirmation') as PaymentIntentStatus,
    transfer_data: null,
    transfer_group: null,
  }
}
