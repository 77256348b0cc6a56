import { hasTrial, type SessionRequest } from './checkout-parameters.js'
import { amountFor, type Price } from './prices.js'
import { titleOf } from './subscription-object.js'
import { newId, type StripeWorld, seconds, tableOf } from './world.js'

export type CheckoutSession = ReturnType<typeof newSession>
export type LineItem = ReturnType<typeof newLineItem>

export const checkoutSessions = tableOf<CheckoutSession>('checkout_sessions')
/** What is bought in a session, and what was asked for the payment or subscription it leads to. */
export const lineItems = tableOf<{
  readonly items: readonly LineItem[]
  /** Ids of tax rates, item by item. */
  readonly taxRates: readonly (readonly string[])[]
  readonly trial: boolean
}>('line_items')
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
    readonly trialEnd: number | null
    readonly missingPaymentMethod: 'cancel' | 'create_invoice' | 'pause'
    readonly defaultTaxRates: readonly string[]
  }
}

export function newLineItem(
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

export function planOfSession(given: SessionRequest): SessionPlan {
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
      trialEnd: subscription?.trial_end ?? null,
      missingPaymentMethod: subscription?.trial_settings?.end_behavior.missing_payment_method ?? 'create_invoice',
      defaultTaxRates: subscription?.default_tax_rates ?? [],
    },
  }
}

export function newSession(
  world: StripeWorld,
  given: SessionRequest,
  items: readonly LineItem[],
  expiresAt: number,
  setupIntent: string | null,
) {
  const id = newId('cs_test_', 58)
  const trial = hasTrial(given)
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
    allow_promotion_codes: given.allow_promotion_codes ?? null,
    allowed_payment_method_types: null,
    amount_subtotal: setup ? null : total,
    amount_total: setup ? null : total,
    automatic_tax: {
      enabled: given.automatic_tax?.enabled ?? false,
      liability: given.automatic_tax?.enabled === true ? { type: 'self' as const } : null,
      provider: given.automatic_tax?.enabled === true ? 'stripe' : null,
      status: null as 'complete' | 'requires_location_inputs' | null,
    },
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
        : (given.customer_creation ??
          (given.mode === 'subscription' || given.invoice_creation?.enabled === true ? 'always' : 'if_required')),
    customer_details: (given.customer_email === undefined
      ? null
      : details(given.customer_email, null)) as CustomerDetails | null,
    customer_email: given.customer_email ?? null,
    discounts: [] as readonly { readonly coupon: string | null; readonly promotion_code: string | null }[],
    expires_at: expiresAt,
    integration_identifier: null,
    invoice: null as string | null,
    invoice_creation: given.mode === 'payment' ? invoiceCreation(given) : null,
    livemode: false as const,
    locale: given.locale ?? null,
    managed_payments: null,
    metadata: (given.metadata ?? {}) as Readonly<Record<string, string>>,
    mode: given.mode,
    origin_context: null,
    payment_intent: null as string | null,
    payment_link: null,
    payment_method_collection:
      given.payment_method_collection ??
      (given.mode === 'subscription' ? ('always' as const) : ('if_required' as const)),
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
    setup_intent: setupIntent,
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

function invoiceCreation({ invoice_creation: given }: SessionRequest) {
  return {
    enabled: given?.enabled ?? false,
    invoice_data: {
      account_tax_ids: null,
      custom_fields: null,
      description: given?.invoice_data?.description ?? null,
      footer: given?.invoice_data?.footer ?? null,
      issuer: null,
      metadata: given?.invoice_data?.metadata ?? {},
      rendering_options: null,
    },
  }
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
