import { cardError, declineFields, type StripeFailure } from './errors.js'
import { emit } from './events.js'
import { authenticationStep, type NextAction } from './payment-intents.js'
import {
  attachPaymentMethod,
  markSetUp,
  mustAuthenticate,
  type PaymentMethod,
  paymentMethods,
  testCardOf,
} from './payment-methods.js'
import type { Decline } from './test-cards.js'
import { newId, type StripeWorld, seconds, tableOf } from './world.js'

export type SetupIntent = ReturnType<typeof newSetupIntent>

export const setupIntents = tableOf<SetupIntent>('setup_intents')

export interface SetupRequest {
  readonly customer: string | null
  readonly description: string | null
  readonly metadata: Readonly<Record<string, string>>
  readonly usage: 'off_session' | 'on_session'
  readonly paymentMethod: string | null
  readonly allowRedirects: 'always' | 'never'
}

export interface SetupAttempt {
  readonly intent: SetupIntent
  readonly decline?: Decline
}

export function createSetupIntent(world: StripeWorld, request: SetupRequest): SetupIntent {
  const intent = newSetupIntent(world, request)
  return saveSetup(world, intent, 'setup_intent.created')
}

export function saveSetup(world: StripeWorld, intent: SetupIntent, type?: string): SetupIntent {
  setupIntents(world).put(intent.id, intent)
  if (type !== undefined) emit(world, type, intent)
  return intent
}

/** Saves a method for later: with the customer, and authenticated where it asks for it. */
export function attemptSetup(
  world: StripeWorld,
  before: SetupIntent,
  method: PaymentMethod,
  terms: { readonly authenticated?: boolean; readonly returnUrl?: string | undefined },
): SetupAttempt {
  const intent: SetupIntent = { ...before, payment_method: method.id, last_setup_error: null, next_action: null }
  const card = testCardOf(world, method)
  if (card.refusesToBeSaved && card.decline !== undefined) return refuse(world, intent, method, card.decline)
  if (terms.authenticated !== true && mustAuthenticate(world, method, false)) {
    const next_action = authenticationStep(world, intent.id, terms.returnUrl)
    const waiting: SetupIntent = { ...intent, status: 'requires_action', next_action }
    return { intent: saveSetup(world, waiting, 'setup_intent.requires_action') }
  }
  if (intent.customer !== null) attachPaymentMethod(world, method, intent.customer)
  if (intent.usage === 'off_session') markSetUp(world, method)
  const done: SetupIntent = { ...intent, status: 'succeeded', latest_attempt: newId('setatt_1', 23) }
  return { intent: saveSetup(world, done, 'setup_intent.succeeded') }
}

/** The holder proved who they are, or failed to. */
export function completeSetup(world: StripeWorld, intent: SetupIntent, passes: boolean): SetupAttempt {
  const method = paymentMethods(world).get(intent.payment_method ?? '')
  if (intent.status !== 'requires_action' || method === undefined) return { intent }
  if (passes) return attemptSetup(world, intent, method, { authenticated: true })
  return refuse(world, intent, method, {
    code: 'setup_intent_authentication_failure',
    message:
      'We are unable to authenticate your payment method. Please choose a different payment method and try again.',
  })
}

/** The answer to a request that was declined: 402 with the intent. */
export function declinedSetup(world: StripeWorld, { intent, decline }: Required<SetupAttempt>): StripeFailure {
  const method = intent.last_setup_error?.payment_method
  return cardError(decline, {
    setup_intent: setupIntents(world).get(intent.id) ?? intent,
    ...(method === undefined ? {} : { payment_method: method }),
  })
}

interface SetupError extends ReturnType<typeof declineFields> {
  readonly payment_method?: PaymentMethod
}

function refuse(world: StripeWorld, intent: SetupIntent, method: PaymentMethod, decline: Decline): SetupAttempt {
  const last_setup_error: SetupError = {
    ...declineFields(decline),
    payment_method: method,
  }
  const after: SetupIntent = {
    ...intent,
    status: 'requires_payment_method',
    last_setup_error,
    next_action: null,
    payment_method: null,
    latest_attempt: newId('setatt_1', 23),
  }
  return { intent: saveSetup(world, after, 'setup_intent.setup_failed'), decline }
}

type SetupStatus =
  | 'requires_payment_method'
  | 'requires_confirmation'
  | 'requires_action'
  | 'processing'
  | 'succeeded'
  | 'canceled'

function newSetupIntent(world: StripeWorld, request: SetupRequest) {
  const id = newId('seti_1', 23)
  return {
    id,
    object: 'setup_intent' as const,
    allowed_payment_method_types: null,
    application: null,
    automatic_payment_methods: { allow_redirects: request.allowRedirects, enabled: true },
    cancellation_reason: null as string | null,
    client_secret: `${id}_secret_${newId('', 25)}`,
    created: seconds(world),
    customer: request.customer,
    customer_account: null,
    description: request.description,
    excluded_payment_method_types: null,
    flow_directions: null,
    last_setup_error: null as SetupError | null,
    latest_attempt: null as string | null,
    livemode: false as const,
    mandate: null,
    metadata: request.metadata,
    next_action: null as NextAction | null,
    on_behalf_of: null,
    payment_method: request.paymentMethod,
    payment_method_configuration_details: null,
    payment_method_options: {
      card: { mandate_options: null, network: null, request_three_d_secure: 'automatic' as const },
    },
    payment_method_types: ['card', 'us_bank_account', 'sepa_debit'],
    single_use_mandate: null,
    status: (request.paymentMethod === null ? 'requires_payment_method' : 'requires_confirmation') as SetupStatus,
    usage: request.usage,
  }
}
