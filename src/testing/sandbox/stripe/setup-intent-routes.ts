import * as z from 'zod'
import { requireCustomer } from './customers.js'
import { notFound, type StripeErrorDetails, stripeFailure } from './errors.js'
import {
  clearable,
  flag,
  isWithin,
  mergeMetadata,
  metadata,
  paging,
  text,
  timeRange,
  tolerated,
  webUrl,
} from './form.js'
import { makePaymentMethod, paymentMethodData } from './payment-method-routes.js'
import { type PaymentMethod, paymentMethods, resolvePaymentMethod } from './payment-methods.js'
import { listPage, route } from './route.js'
import {
  attemptSetup,
  createSetupIntent,
  declinedSetup,
  type SetupIntent,
  saveSetup,
  setupIntents,
} from './setup-intents.js'
import type { StripeWorld } from './world.js'

const confirmable = {
  payment_method: text.optional(),
  payment_method_data: paymentMethodData.optional(),
  return_url: webUrl.optional(),
  ...tolerated('mandate_data', 'payment_method_options', 'use_stripe_sdk'),
}

const confirmation = z.strictObject(confirmable)

export const setupIntentRoutes = [
  route(
    'POST /v1/setup_intents',
    z.strictObject({
      confirm: flag.optional(),
      customer: text.optional(),
      description: text.optional(),
      metadata,
      usage: z.enum(['off_session', 'on_session'], 'Invalid usage').optional(),
      automatic_payment_methods: z
        .strictObject({ enabled: flag, allow_redirects: z.enum(['always', 'never']).optional() })
        .optional(),
      ...confirmable,
      ...tolerated('allowed_payment_method_types', 'excluded_payment_method_types'),
    }),
    ({ world, params }) => {
      if (params.customer !== undefined) requireCustomer(world, params.customer)
      const intent = createSetupIntent(world, {
        customer: params.customer ?? null,
        description: params.description ?? null,
        metadata: params.metadata ?? {},
        usage: params.usage ?? 'off_session',
        paymentMethod: chosenMethod(world, params)?.id ?? null,
        allowRedirects: params.automatic_payment_methods?.allow_redirects ?? 'always',
      })
      return params.confirm === true ? confirmSetup(world, intent, { return_url: params.return_url }) : intent
    },
  ),
  route(
    'GET /v1/setup_intents',
    z.strictObject({
      ...paging,
      customer: text.optional(),
      payment_method: text.optional(),
      created: timeRange.optional(),
    }),
    ({ world, params }) =>
      listPage(
        '/v1/setup_intents',
        [...setupIntents(world).values()].filter(
          (intent) =>
            (params.customer === undefined || params.customer === intent.customer) &&
            (params.payment_method === undefined || params.payment_method === intent.payment_method) &&
            isWithin(params.created, intent.created),
        ),
        params,
      ),
  ),
  route('GET /v1/setup_intents/:id', z.strictObject(tolerated('client_secret')), ({ world, path }) =>
    requireSetup(world, path.id),
  ),
  route(
    'POST /v1/setup_intents/:id',
    z.strictObject({
      customer: text.optional(),
      description: clearable(text).optional(),
      metadata,
      payment_method: text.optional(),
      payment_method_data: paymentMethodData.optional(),
      ...tolerated('payment_method_options'),
    }),
    ({ world, path, params }) => {
      const before = requireSetup(world, path.id)
      if (params.customer !== undefined) requireCustomer(world, params.customer)
      const method = chosenMethod(world, params)
      const after: SetupIntent = {
        ...before,
        customer: params.customer ?? before.customer,
        description: params.description === undefined ? before.description : params.description,
        metadata: mergeMetadata(before.metadata, params.metadata),
        ...(method === undefined ? {} : { payment_method: method.id, status: 'requires_confirmation' }),
      }
      return saveSetup(world, after)
    },
  ),
  route('POST /v1/setup_intents/:id/confirm', confirmation, ({ world, path, params }) =>
    confirmSetup(world, requireSetup(world, path.id), params),
  ),
  route(
    'POST /v1/setup_intents/:id/cancel',
    z.strictObject({ cancellation_reason: z.enum(['abandoned', 'duplicate', 'requested_by_customer']).optional() }),
    ({ world, path, params }) => {
      const before = requireSetup(world, path.id)
      if (before.status === 'succeeded' || before.status === 'canceled') {
        throw about(before, {
          code: 'setup_intent_unexpected_state',
          message: `You cannot cancel this SetupIntent because it has a status of ${before.status}. Only a SetupIntent with one of the following statuses may be canceled: requires_payment_method, requires_confirmation, requires_action.`,
        })
      }
      const reason = params.cancellation_reason ?? null
      const after: SetupIntent = { ...before, status: 'canceled', cancellation_reason: reason, next_action: null }
      return saveSetup(world, after, 'setup_intent.canceled')
    },
  ),
]

function confirmSetup(world: StripeWorld, intent: SetupIntent, params: z.output<typeof confirmation>): unknown {
  if (!['requires_payment_method', 'requires_confirmation', 'requires_action'].includes(intent.status)) {
    throw about(intent, {
      code: 'setup_intent_unexpected_state',
      message: `You cannot confirm this SetupIntent because it has ${intent.status === 'succeeded' ? 'already succeeded' : `a status of ${intent.status}`}.`,
    })
  }
  const method = chosenMethod(world, params) ?? paymentMethods(world).get(intent.payment_method ?? '')
  if (method === undefined) {
    throw about(intent, {
      code: 'setup_intent_unexpected_state',
      message:
        "You cannot confirm this SetupIntent because it's missing a payment method. You can either update the SetupIntent with a payment method and then confirm it again, or confirm it again directly with a payment method or ConfirmationToken.",
    })
  }
  if (method.customer !== null && method.customer !== intent.customer) {
    throw about(intent, {
      param: 'payment_method',
      message:
        intent.customer === null
          ? `The payment method supplied (${method.id}) belongs to a Customer. Please include the Customer in the \`customer\` parameter on the SetupIntent.`
          : `The payment method supplied (${method.id}) belongs to a different Customer.`,
    })
  }
  if (params.return_url === undefined && intent.automatic_payment_methods.allow_redirects === 'always') {
    throw about(intent, {
      param: 'return_url',
      message:
        "This SetupIntent is configured to accept payment methods enabled in your Dashboard. Because some of these payment methods might redirect your customer off of your page, you must provide a `return_url`. If you don't want to accept redirect-based payment methods, set `automatic_payment_methods[enabled]` to `true` and `automatic_payment_methods[allow_redirects]` to `never` when creating Setup Intents and Payment Intents.",
    })
  }
  const attempt = attemptSetup(world, intent, method, { returnUrl: params.return_url })
  if (attempt.decline !== undefined) return declinedSetup(world, { ...attempt, decline: attempt.decline })
  return setupIntents(world).get(intent.id)
}

function requireSetup(world: StripeWorld, id = ''): SetupIntent {
  const intent = setupIntents(world).get(id)
  if (intent === undefined) throw notFound('setupintent', id, 'intent')
  return intent
}

function chosenMethod(
  world: StripeWorld,
  params: { payment_method?: string | undefined; payment_method_data?: z.output<typeof paymentMethodData> | undefined },
): PaymentMethod | undefined {
  if (params.payment_method_data !== undefined) return makePaymentMethod(world, params.payment_method_data)
  return params.payment_method === undefined ? undefined : resolvePaymentMethod(world, params.payment_method)
}

function about(intent: SetupIntent, details: Omit<StripeErrorDetails, 'type'>): Error {
  return stripeFailure(400, { type: 'invalid_request_error', ...details, setup_intent: intent })
}
