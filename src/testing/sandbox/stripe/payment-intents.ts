import * as z from 'zod'
import { notFound } from './errors.js'
import { emit } from './events.js'
import { isWithin, paging, text, timeRange } from './form.js'
import { listPage, noParameters, route } from './route.js'
import { newId, type StripeWorld, seconds, tableOf } from './world.js'

export type PaymentIntent = ReturnType<typeof newPaymentIntent>

export const paymentIntents = tableOf<PaymentIntent>('payment_intents')

export interface PaymentRequest {
  readonly amount: number
  readonly currency: string
  readonly customer: string | null
  readonly description: string | null
  readonly metadata: Readonly<Record<string, string>>
  readonly receiptEmail: string | null
  readonly setupFutureUsage: 'off_session' | 'on_session' | null
}

export function createPaymentIntent(world: StripeWorld, request: PaymentRequest): PaymentIntent {
  const intent = newPaymentIntent(world, request)
  paymentIntents(world).put(intent.id, intent)
  emit(world, 'payment_intent.created', intent)
  return intent
}

export function succeedPayment(world: StripeWorld, intent: PaymentIntent): PaymentIntent {
  const { amount } = intent
  const after = {
    ...intent,
    status: 'succeeded',
    amount_received: amount,
    last_payment_error: null,
    latest_charge: newId('ch_3', 23),
  } as const
  return save(world, after, 'payment_intent.succeeded')
}

/** A delayed method: the money is on its way. */
export function processPayment(world: StripeWorld, intent: PaymentIntent): PaymentIntent {
  return save(world, { ...intent, status: 'processing', last_payment_error: null }, 'payment_intent.processing')
}

export function failPayment(world: StripeWorld, intent: PaymentIntent, decline: Decline): PaymentIntent {
  const error = { type: 'card_error' as const, code: decline.code, message: decline.message, ...declineCode(decline) }
  const after = {
    ...intent,
    status: 'requires_payment_method' as const,
    last_payment_error: error,
    payment_method: null,
  }
  return save(world, after, 'payment_intent.payment_failed')
}

export interface Decline {
  readonly code: string
  readonly declineCode?: string
  readonly message: string
}

export const paymentIntentRoutes = [
  route(
    'GET /v1/payment_intents',
    z.strictObject({ ...paging, customer: text.optional(), created: timeRange.optional() }),
    ({ world, params }) =>
      listPage(
        '/v1/payment_intents',
        [...paymentIntents(world).values()].filter(
          ({ customer, created }) =>
            (params.customer === undefined || params.customer === customer) && isWithin(params.created, created),
        ),
        params,
      ),
  ),
  route('GET /v1/payment_intents/:id', noParameters, ({ world, path: { id = '' } }) => {
    const intent = paymentIntents(world).get(id)
    if (intent === undefined) throw notFound('payment_intent', id, 'intent')
    return intent
  }),
]

function save(world: StripeWorld, intent: PaymentIntent, type: string): PaymentIntent {
  paymentIntents(world).put(intent.id, intent)
  emit(world, type, intent)
  return intent
}

function declineCode({ declineCode: value }: Decline): { decline_code?: string } {
  return value === undefined ? {} : { decline_code: value }
}

type PaymentStatus = 'requires_payment_method' | 'processing' | 'succeeded' | 'canceled'

function newPaymentIntent(world: StripeWorld, request: PaymentRequest) {
  const id = newId('pi_3', 23)
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
    automatic_payment_methods: { allow_redirects: 'always' as const, enabled: true },
    canceled_at: null,
    cancellation_reason: null,
    capture_method: 'automatic_async' as const,
    client_secret: `${id}_secret_${newId('', 25)}`,
    confirmation_method: 'automatic' as const,
    created: seconds(world),
    currency: request.currency,
    customer: request.customer,
    customer_account: null,
    description: request.description,
    excluded_payment_method_types: null,
    last_payment_error: null as { type: 'card_error'; code: string; message: string; decline_code?: string } | null,
    latest_charge: null as string | null,
    livemode: false as const,
    managed_payments: null,
    metadata: request.metadata,
    next_action: null,
    on_behalf_of: null,
    payment_method: newId('pm_1', 23) as string | null,
    payment_method_configuration_details: null,
    payment_method_options: {
      card: { installments: null, mandate_options: null, network: null, request_three_d_secure: 'automatic' as const },
    },
    payment_method_types: ['card'],
    payment_record: null,
    processing: null,
    receipt_email: request.receiptEmail,
    review: null,
    setup_future_usage: request.setupFutureUsage,
    shipping: null,
    source: null,
    statement_descriptor: null,
    statement_descriptor_suffix: null,
    status: 'requires_payment_method' as PaymentStatus,
    transfer_data: null,
    transfer_group: null,
  }
}
