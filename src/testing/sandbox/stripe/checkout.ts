import * as z from 'zod'
import { requireCustomer } from './customers.js'
import { schedule, unschedule } from './due.js'
import { invalidRequest, missingParameter, noSuch, notFound } from './errors.js'
import { emit } from './events.js'
import {
  count,
  currency,
  decimal,
  isWithin,
  list,
  mergeMetadata,
  metadata,
  paging,
  text,
  timeRange,
  tolerated,
  webUrl,
} from './form.js'
import { createPrice } from './price-routes.js'
import { amountFor, type Price, prices } from './prices.js'
import { listPage, noParameters, route } from './route.js'
import { isMetered, titleOf } from './subscriptions.js'
import { newId, type StripeWorld, seconds, tableOf } from './world.js'

export type CheckoutSession = ReturnType<typeof newSession>
export type LineItem = ReturnType<typeof newLineItem>

export const checkoutSessions = tableOf<CheckoutSession>('checkout_sessions')
/** What is bought in a session, and what was asked for the payment or subscription it leads to. */
export const lineItems = tableOf<{ readonly items: readonly LineItem[] }>('line_items')
export const sessionPlans = tableOf<SessionPlan>('session_plans')

export interface SessionPlan {
  readonly payment: {
    readonly metadata: Readonly<Record<string, string>>
    readonly description: string | null
    readonly receiptEmail: string | null
    readonly setupFutureUsage: 'off_session' | 'on_session' | null
  }
  readonly subscription: {
    readonly metadata: Readonly<Record<string, string>>
    readonly description: string | null
    readonly trialDays: number
  }
}

const dayMs = 24 * 60 * 60 * 1000

const lineItemData = z.strictObject({
  price: text.optional(),
  price_data: z
    .strictObject({
      currency,
      unit_amount: count.optional(),
      unit_amount_decimal: decimal.optional(),
      product: text.optional(),
      product_data: z
        .strictObject({
          name: text,
          description: text.optional(),
          images: list(text).optional(),
          unit_label: text.optional(),
          metadata,
          ...tolerated('tax_code', 'tax_details'),
        })
        .optional(),
      recurring: z
        .strictObject({ interval: z.enum(['day', 'week', 'month', 'year']), interval_count: count.optional() })
        .optional(),
      tax_behavior: z.enum(['unspecified', 'exclusive', 'inclusive']).optional(),
    })
    .optional(),
  quantity: count.optional(),
  metadata,
  ...tolerated('adjustable_quantity', 'tax_rates'),
})

const creatable = z.strictObject({
  mode: z.enum(['payment', 'subscription', 'setup'], 'Invalid mode'),
  line_items: list(lineItemData).optional(),
  success_url: webUrl.optional(),
  cancel_url: webUrl.optional(),
  return_url: webUrl.optional(),
  ui_mode: z.enum(['hosted_page', 'embedded_page', 'elements', 'form'], 'Invalid ui_mode').optional(),
  customer: text.optional(),
  customer_email: text.optional(),
  customer_creation: z.enum(['always', 'if_required']).optional(),
  client_reference_id: text.max(200).optional(),
  currency: currency.optional(),
  expires_at: count.optional(),
  locale: text.optional(),
  submit_type: z.enum(['auto', 'book', 'donate', 'pay', 'subscribe']).optional(),
  payment_intent_data: z
    .strictObject({
      metadata,
      description: text.optional(),
      receipt_email: text.optional(),
      setup_future_usage: z.enum(['off_session', 'on_session']).optional(),
      ...tolerated('statement_descriptor', 'statement_descriptor_suffix', 'shipping'),
    })
    .optional(),
  subscription_data: z
    .strictObject({
      metadata,
      description: text.optional(),
      trial_period_days: count.optional(),
      ...tolerated('billing_mode', 'invoice_settings', 'trial_settings', 'proration_behavior'),
    })
    .optional(),
  metadata,
  ...tolerated(
    'adaptive_pricing',
    'after_expiration',
    'allow_promotion_codes',
    'allowed_payment_method_types',
    'automatic_tax',
    'billing_address_collection',
    'branding_settings',
    'consent_collection',
    'custom_fields',
    'custom_text',
    'customer_update',
    'excluded_payment_method_types',
    'integration_identifier',
    'invoice_creation',
    'name_collection',
    'origin_context',
    'payment_method_collection',
    'payment_method_configuration',
    'payment_method_options',
    'phone_number_collection',
    'redirect_on_completion',
    'saved_payment_method_options',
    'setup_intent_data',
    'tax_id_collection',
    'wallet_options',
  ),
})

type SessionRequest = z.output<typeof creatable>

export const checkoutRoutes = [
  route('POST /v1/checkout/sessions', creatable, ({ world, params }) => createSession(world, params)),
  route(
    'GET /v1/checkout/sessions',
    z.strictObject({
      ...paging,
      customer: text.optional(),
      payment_intent: text.optional(),
      subscription: text.optional(),
      status: z.enum(['open', 'complete', 'expired']).optional(),
      created: timeRange.optional(),
      customer_details: z.strictObject({ email: text }).optional(),
      ...tolerated('customer_account', 'payment_link'),
    }),
    ({ world, params }) =>
      listPage(
        '/v1/checkout/sessions',
        [...checkoutSessions(world).values()].filter(
          (session) =>
            (params.customer === undefined || params.customer === session.customer) &&
            (params.payment_intent === undefined || params.payment_intent === session.payment_intent) &&
            (params.subscription === undefined || params.subscription === session.subscription) &&
            (params.status === undefined || params.status === session.status) &&
            (params.customer_details === undefined ||
              params.customer_details.email === session.customer_details?.email) &&
            isWithin(params.created, session.created),
        ),
        params,
      ),
  ),
  route('GET /v1/checkout/sessions/:id', noParameters, ({ world, path }) => requireSession(world, path.id)),
  route('POST /v1/checkout/sessions/:id', z.strictObject({ metadata }), ({ world, path, params }) => {
    const before = requireSession(world, path.id)
    const after: CheckoutSession = { ...before, metadata: mergeMetadata(before.metadata, params.metadata) }
    checkoutSessions(world).put(after.id, after)
    return after
  }),
  route('POST /v1/checkout/sessions/:id/expire', noParameters, ({ world, path }) => {
    const session = requireSession(world, path.id)
    if (session.status !== 'open') {
      throw invalidRequest(
        `Only Checkout Sessions with a status in ["open"] can be expired. This Checkout Session has a status of "${session.status}".`,
      )
    }
    return expireSession(world, session)
  }),
  route('GET /v1/checkout/sessions/:id/line_items', z.strictObject({ ...paging }), ({ world, path, params }) => {
    const { id } = requireSession(world, path.id)
    // Line items keep the order in which they were given.
    const items = [...(lineItems(world).get(id)?.items ?? [])].reverse()
    return listPage(`/v1/checkout/sessions/${id}/line_items`, items, params)
  }),
]

export function expireSession(world: StripeWorld, session: CheckoutSession): CheckoutSession {
  const expired: CheckoutSession = { ...session, status: 'expired', url: null }
  checkoutSessions(world).put(expired.id, expired)
  unschedule(world, 'expire_session', expired.id)
  emit(world, 'checkout.session.expired', expired)
  return expired
}

function requireSession(world: StripeWorld, id = ''): CheckoutSession {
  const session = checkoutSessions(world).get(id)
  if (session === undefined) throw notFound('checkout.session', id, 'session')
  return session
}

function createSession(world: StripeWorld, given: SessionRequest): CheckoutSession {
  checkAddresses(given)
  if (given.customer !== undefined && given.customer_email !== undefined) {
    throw invalidRequest('You may only specify one of these parameters: customer, customer_email.', {
      param: 'customer',
    })
  }
  if (given.customer !== undefined) requireCustomer(world, given.customer)
  const items = chosenItems(world, given)
  const expiresAtMs = expiry(world, given.expires_at)
  const session = newSession(world, given, items, Math.floor(expiresAtMs / 1000))
  checkoutSessions(world).put(session.id, session)
  lineItems(world).put(session.id, { items })
  sessionPlans(world).put(session.id, planOfSession(given))
  schedule(world, { kind: 'expire_session', target: session.id, dueAtMs: expiresAtMs })
  return session
}

function checkAddresses(given: SessionRequest): void {
  const hosted = given.ui_mode === undefined || given.ui_mode === 'hosted_page'
  if (hosted && given.success_url === undefined) throw missingParameter('success_url')
  if (hosted && given.return_url !== undefined) {
    throw invalidRequest('`return_url` is not for `ui_mode: hosted_page`; use `success_url`.', { param: 'return_url' })
  }
  if (!hosted && (given.success_url !== undefined || given.cancel_url !== undefined)) {
    throw invalidRequest(
      `\`success_url\` and \`cancel_url\` are not for \`ui_mode: ${given.ui_mode}\`; use \`return_url\`.`,
      {
        param: given.success_url === undefined ? 'cancel_url' : 'success_url',
      },
    )
  }
}

function expiry(world: StripeWorld, given: number | undefined): number {
  if (given === undefined) return world.now() + dayMs
  const ahead = given - seconds(world)
  if (ahead < 30 * 60 || ahead > 24 * 60 * 60) {
    throw invalidRequest('The `expires_at` timestamp must be between 30 minutes and 24 hours from now.', {
      param: 'expires_at',
    })
  }
  return given * 1000
}

function chosenItems(world: StripeWorld, given: SessionRequest): LineItem[] {
  const requested = given.line_items ?? []
  if (given.mode === 'setup') {
    if (requested.length > 0) throw invalidRequest('`line_items` is not for `setup` mode.', { param: 'line_items' })
    return []
  }
  if (requested.length === 0) throw missingParameter('line_items')
  const items = requested.map((item, index) => chosenItem(world, item, index))
  const recurring = items.filter(({ price }) => price.recurring !== null)
  if (given.mode === 'payment' && recurring.length > 0) {
    throw invalidRequest(
      'You specified `payment` mode but passed a recurring price. Either switch to `subscription` mode or use only one-time prices.',
      { param: 'line_items' },
    )
  }
  if (given.mode === 'subscription' && recurring.length === 0) {
    throw invalidRequest('You must provide at least one recurring price in `subscription` mode when using prices.', {
      param: 'line_items',
    })
  }
  if (new Set(items.map((item) => item.currency)).size > 1) {
    throw invalidRequest('All line items must use the same currency.', { param: 'line_items' })
  }
  const total = items.reduce((sum, item) => sum + item.amount_total, 0)
  if (given.mode === 'payment' && total > 0 && total < 50 && ['usd', 'eur'].includes(items[0]?.currency ?? '')) {
    throw invalidRequest("The Checkout Session's total amount due must add up to at least $0.50 usd", {
      code: 'amount_too_small',
    })
  }
  if (total > 99_999_999) {
    throw invalidRequest("The Checkout Session's total amount must be no more than 99999999.", {
      code: 'amount_too_large',
    })
  }
  return items
}

function chosenItem(world: StripeWorld, given: z.output<typeof lineItemData>, index: number): LineItem {
  const at = `line_items[${index}]`
  if ((given.price === undefined) === (given.price_data === undefined)) {
    throw invalidRequest(`Exactly one of \`price\` and \`price_data\` is required for ${at}.`, {
      code: 'parameter_missing',
      param: `${at}[price]`,
    })
  }
  const price =
    given.price_data === undefined ? prices(world).get(given.price ?? '') : inlinePrice(world, given.price_data)
  if (price === undefined) throw noSuch('price', given.price ?? '', `${at}[price]`)
  if (!price.active && given.price !== undefined) {
    throw invalidRequest(`The price specified is inactive. This field only accepts active prices.`, {
      param: `${at}[price]`,
    })
  }
  if (isMetered(price)) {
    if (given.quantity !== undefined) {
      throw invalidRequest('Quantity should not be specified where usage_type is `metered`.', {
        param: `${at}[quantity]`,
      })
    }
    return newLineItem(world, price, null, given.metadata ?? {})
  }
  if (given.quantity === undefined || given.quantity === 0) {
    throw invalidRequest('Quantity is required. Add `quantity` to this line item.', {
      code: 'parameter_missing',
      param: `${at}[quantity]`,
    })
  }
  return newLineItem(world, price, given.quantity, given.metadata ?? {})
}

/** A price made for one session cannot be used again, so it is not active. */
function inlinePrice(world: StripeWorld, given: NonNullable<z.output<typeof lineItemData>['price_data']>): Price {
  return createPrice(world, { ...given, active: false })
}

function newLineItem(
  world: StripeWorld,
  price: Price,
  quantity: number | null,
  labels: Readonly<Record<string, string>>,
) {
  const amount = quantity === null ? 0 : amountFor(price, String(quantity))
  return {
    id: newId('li_1', 23),
    object: 'item' as const,
    adjustable_quantity: null,
    amount_discount: 0,
    amount_subtotal: amount,
    amount_tax: 0,
    amount_total: amount,
    currency: price.currency,
    description: titleOf(world, price),
    metadata: labels,
    price,
    quantity,
  }
}

function planOfSession(given: SessionRequest): SessionPlan {
  const { payment_intent_data: payment, subscription_data: subscription } = given
  return {
    payment: {
      metadata: payment?.metadata ?? {},
      description: payment?.description ?? null,
      receiptEmail: payment?.receipt_email ?? null,
      setupFutureUsage: payment?.setup_future_usage ?? null,
    },
    subscription: {
      metadata: subscription?.metadata ?? {},
      description: subscription?.description ?? null,
      trialDays: subscription?.trial_period_days ?? 0,
    },
  }
}

function newSession(world: StripeWorld, given: SessionRequest, items: readonly LineItem[], expiresAt: number) {
  const id = newId('cs_test_', 58)
  const trial = (given.subscription_data?.trial_period_days ?? 0) > 0
  const dueItems = trial ? items.filter(({ price }) => price.recurring === null) : items
  const total = dueItems.reduce((sum, item) => sum + item.amount_total, 0)
  const setup = given.mode === 'setup'
  const uiMode = given.ui_mode ?? 'hosted_page'
  const hosted = uiMode === 'hosted_page'
  return {
    id,
    object: 'checkout.session' as const,
    adaptive_pricing: setup ? null : { enabled: false },
    after_expiration: null,
    allow_promotion_codes: null,
    allowed_payment_method_types: null,
    amount_subtotal: setup ? null : total,
    amount_total: setup ? null : total,
    automatic_tax: { enabled: false, liability: null, provider: null, status: null },
    billing_address_collection: null,
    cancel_url: given.cancel_url ?? null,
    client_reference_id: given.client_reference_id ?? null,
    client_secret: hosted ? null : `${id}_secret_${newId('', 25)}`,
    collected_information: { business_name: null, individual_name: null, shipping_details: null },
    consent: null,
    consent_collection: null,
    created: seconds(world),
    currency: items[0]?.currency ?? given.currency ?? null,
    currency_conversion: null,
    custom_fields: [],
    custom_text: { after_submit: null, shipping_address: null, submit: null, terms_of_service_acceptance: null },
    customer: given.customer ?? (null as string | null),
    customer_account: null,
    customer_creation:
      given.customer !== undefined
        ? null
        : (given.customer_creation ?? (given.mode === 'subscription' ? 'always' : 'if_required')),
    customer_details: (given.customer_email === undefined
      ? null
      : details(given.customer_email, null)) as CustomerDetails | null,
    customer_email: given.customer_email ?? null,
    discounts: [],
    expires_at: expiresAt,
    integration_identifier: null,
    invoice: null as string | null,
    invoice_creation: given.mode === 'payment' ? noInvoice : null,
    livemode: false as const,
    locale: given.locale ?? null,
    managed_payments: null,
    metadata: (given.metadata ?? {}) as Readonly<Record<string, string>>,
    mode: given.mode,
    origin_context: null,
    payment_intent: null as string | null,
    payment_link: null,
    payment_method_collection: given.mode === 'subscription' ? ('always' as const) : ('if_required' as const),
    payment_method_configuration_details: null,
    payment_method_options: { card: { request_three_d_secure: 'automatic' as const } },
    payment_method_types: ['card', 'us_bank_account'],
    payment_status: (setup || total === 0 ? 'no_payment_required' : 'unpaid') as
      | 'paid'
      | 'unpaid'
      | 'no_payment_required',
    permissions: null,
    phone_number_collection: { enabled: false },
    recovered_from: null,
    saved_payment_method_options: null,
    setup_intent: setup ? newId('seti_1', 23) : null,
    shipping_address_collection: null,
    shipping_cost: null,
    shipping_options: [],
    status: 'open' as 'open' | 'complete' | 'expired',
    submit_type: given.submit_type ?? null,
    subscription: null as string | null,
    success_url: given.success_url ?? null,
    ...(given.return_url === undefined ? {} : { return_url: given.return_url }),
    total_details: setup ? null : { amount_discount: 0, amount_shipping: 0, amount_tax: 0 },
    ui_mode: uiMode,
    url: hosted ? world.pageUrl(`/checkout/${id}`) : (null as string | null),
    wallet_options: null,
  }
}

const noInvoice = {
  enabled: false,
  invoice_data: {
    account_tax_ids: null,
    custom_fields: null,
    description: null,
    footer: null,
    issuer: null,
    metadata: {},
    rendering_options: null,
  },
}

export interface CustomerDetails {
  readonly address: null
  readonly business_name: null
  readonly email: string | null
  readonly individual_name: null
  readonly name: string | null
  readonly phone: null
  readonly tax_exempt: 'none'
  readonly tax_ids: readonly []
}

export function details(email: string | null, name: string | null): CustomerDetails {
  return {
    address: null,
    business_name: null,
    email,
    individual_name: null,
    name,
    phone: null,
    tax_exempt: 'none',
    tax_ids: [],
  }
}
