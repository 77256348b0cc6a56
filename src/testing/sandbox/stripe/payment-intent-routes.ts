import * as z from 'zod'
import { checkCharge } from './charge-amounts.js'
import { requireCustomer } from './customers.js'
import { invalidRequest, notFound } from './errors.js'
import {
  clearable,
  currency,
  email,
  flag,
  integer,
  isWithin,
  mergeMetadata,
  metadata,
  paging,
  text,
  timeRange,
  tolerated,
} from './form.js'
import { aboutIntent, cancelPayment, capturePayment } from './payment-capture.js'
import { checkOwner, chosenMethod, confirmable, confirmation, confirmPayment } from './payment-confirmation.js'
import { createPaymentIntent, type PaymentIntent, paymentIntents, saveIntent } from './payment-intents.js'
import { paymentMethodData } from './payment-method-routes.js'
import { listPage, route } from './route.js'
import type { StripeWorld } from './world.js'

const described = {
  description: clearable(text).optional(),
  metadata,
  payment_method: text.optional(),
  payment_method_data: paymentMethodData.optional(),
  receipt_email: clearable(email).optional(),
  setup_future_usage: clearable(z.enum(['off_session', 'on_session'])).optional(),
  statement_descriptor: text.optional(),
  statement_descriptor_suffix: text.optional(),
  // What the sandbox's cards and accounts would not notice.
  ...tolerated(
    'allowed_payment_method_types',
    'excluded_payment_method_types',
    'payment_method_options',
    'payment_details',
  ),
}

const creatable = z.strictObject({
  amount: integer,
  currency,
  customer: text.optional(),
  confirm: flag.optional(),
  capture_method: z.enum(['automatic', 'automatic_async', 'manual'], 'Invalid capture_method').optional(),
  automatic_payment_methods: z
    .strictObject({ enabled: flag, allow_redirects: z.enum(['always', 'never']).optional() })
    .optional(),
  ...described,
  ...confirmable,
})

export const paymentIntentRoutes = [
  route('POST /v1/payment_intents', creatable, ({ world, params }) => {
    checkCharge(params.amount, params.currency)
    if (params.customer !== undefined) requireCustomer(world, params.customer)
    const method = chosenMethod(world, params)
    const intent = createPaymentIntent(world, {
      amount: params.amount,
      currency: params.currency,
      customer: params.customer ?? null,
      description: params.description ?? null,
      metadata: params.metadata ?? {},
      receiptEmail: params.receipt_email ?? null,
      setupFutureUsage: params.setup_future_usage ?? null,
      captureMethod: params.capture_method ?? 'automatic_async',
      paymentMethod: method?.id ?? null,
      allowRedirects: params.automatic_payment_methods?.allow_redirects ?? 'always',
      statementDescriptor: params.statement_descriptor ?? null,
      statementDescriptorSuffix: params.statement_descriptor_suffix ?? null,
    })
    if (method !== undefined) checkOwner(world, intent, method)
    if (params.confirm !== true) {
      if (params.off_session !== undefined) onlyWithConfirm('off_session')
      if (params.return_url !== undefined) onlyWithConfirm('return_url')
      return intent
    }
    return confirmPayment(world, intent, params)
  }),
  route(
    'GET /v1/payment_intents',
    z.strictObject({
      ...paging,
      customer: text.optional(),
      created: timeRange.optional(),
      ...tolerated('customer_account'),
    }),
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
  route('GET /v1/payment_intents/:id', tolerant(), ({ world, path }) => requireIntent(world, path.id)),
  route(
    'POST /v1/payment_intents/:id',
    z.strictObject({
      amount: integer.optional(),
      currency: currency.optional(),
      customer: text.optional(),
      ...described,
    }),
    ({ world, path, params }) => {
      const before = requireIntent(world, path.id)
      if (params.amount !== undefined && params.amount !== before.amount) {
        checkCharge(params.amount, params.currency ?? before.currency)
        mustBe(before, ['requires_payment_method', 'requires_confirmation', 'requires_action'], 'amount')
      }
      if (params.customer !== undefined) requireCustomer(world, params.customer)
      const method = chosenMethod(world, params)
      const after: PaymentIntent = {
        ...before,
        amount: params.amount ?? before.amount,
        currency: params.currency ?? before.currency,
        customer: params.customer ?? before.customer,
        description: params.description === undefined ? before.description : params.description,
        receipt_email: params.receipt_email === undefined ? before.receipt_email : params.receipt_email,
        setup_future_usage:
          params.setup_future_usage === undefined ? before.setup_future_usage : params.setup_future_usage,
        metadata: mergeMetadata(before.metadata, params.metadata),
        ...(method === undefined
          ? {}
          : { payment_method: method.id, status: 'requires_confirmation', next_action: null }),
      }
      if (method !== undefined) checkOwner(world, after, method)
      return saveIntent(world, after)
    },
  ),
  route('POST /v1/payment_intents/:id/confirm', confirmation, ({ world, path, params }) =>
    confirmPayment(world, requireIntent(world, path.id), params),
  ),
  route(
    'POST /v1/payment_intents/:id/capture',
    z.strictObject({
      amount_to_capture: integer.optional(),
      metadata,
      ...tolerated(
        'final_capture',
        'statement_descriptor',
        'statement_descriptor_suffix',
        'amount_details',
        'payment_details',
      ),
    }),
    ({ world, path, params }) =>
      capturePayment(world, requireIntent(world, path.id), params.amount_to_capture, params.metadata),
  ),
  route(
    'POST /v1/payment_intents/:id/cancel',
    z.strictObject({
      cancellation_reason: z
        .enum(['abandoned', 'duplicate', 'fraudulent', 'requested_by_customer'], 'Invalid cancellation_reason')
        .optional(),
    }),
    ({ world, path, params }) =>
      cancelPayment(world, requireIntent(world, path.id), params.cancellation_reason ?? null),
  ),
]

function tolerant() {
  return z.strictObject(tolerated('client_secret'))
}

function requireIntent(world: StripeWorld, id = ''): PaymentIntent {
  const intent = paymentIntents(world).get(id)
  if (intent === undefined) throw notFound('payment_intent', id, 'intent')
  return intent
}

function mustBe(intent: PaymentIntent, statuses: readonly string[], param: string): void {
  if (statuses.includes(intent.status)) return
  throw aboutIntent(intent, {
    code: 'payment_intent_unexpected_state',
    param,
    message: `This PaymentIntent's ${param} could not be updated because it has a status of ${intent.status}. You may only update the ${param} of a PaymentIntent with one of the following statuses: ${statuses.join(', ')}.`,
  })
}

function onlyWithConfirm(param: string): never {
  throw invalidRequest(
    `The parameter \`${param}\` cannot be passed when creating a PaymentIntent unless \`confirm\` is set to true.`,
    { param },
  )
}
