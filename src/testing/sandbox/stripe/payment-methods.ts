import { cardError, invalidRequest, noSuch } from './errors.js'
import { emit } from './events.js'
import { asksForAuthentication, type TestCard, testCardNamed, testCardNumbered } from './test-cards.js'
import { newId, type StripeWorld, seconds, tableOf } from './world.js'

export type PaymentMethod = ReturnType<typeof newPaymentMethod>

export const paymentMethods = tableOf<PaymentMethod>('payment_methods')

/** What the API does not show: the number behind a method, and what it was used for. */
interface Instrument {
  readonly id: string
  readonly number: string
  /** Authenticated once for payments while the holder is away. */
  readonly setUp: boolean
  /** Charged without a customer, or detached: Stripe takes it no second time. */
  readonly spent: boolean
}

const instruments = tableOf<Instrument>('instruments')

export interface BillingDetails {
  readonly address: {
    readonly city: string | null
    readonly country: string | null
    readonly line1: string | null
    readonly line2: string | null
    readonly postal_code: string | null
    readonly state: string | null
  }
  readonly email: string | null
  readonly name: string | null
  readonly phone: string | null
  readonly tax_id: string | null
}

export const noBillingDetails: BillingDetails = {
  address: { city: null, country: null, line1: null, line2: null, postal_code: null, state: null },
  email: null,
  name: null,
  phone: null,
  tax_id: null,
}

export interface PaymentMethodRequest {
  readonly card: TestCard
  readonly billing?: BillingDetails
  readonly metadata?: Readonly<Record<string, string>>
  readonly expires?: { readonly month: number; readonly year: number }
}

export function createPaymentMethod(world: StripeWorld, request: PaymentMethodRequest): PaymentMethod {
  const method = newPaymentMethod(world, request)
  paymentMethods(world).put(method.id, method)
  instruments(world).put(method.id, { id: method.id, number: request.card.number, setUp: false, spent: false })
  return method
}

/** The method with this id. Ids as `pm_card_visa` stand for a new one each time. */
export function resolvePaymentMethod(world: StripeWorld, id: string, param = 'payment_method'): PaymentMethod {
  const card = id.startsWith('pm_') ? testCardNamed(id) : undefined
  if (card !== undefined) return createPaymentMethod(world, { card })
  const method = paymentMethods(world).get(id)
  if (method === undefined) throw noSuch('PaymentMethod', id, param)
  return method
}

export function testCardOf(world: StripeWorld, method: PaymentMethod): TestCard {
  const card = testCardNumbered(instruments(world).get(method.id)?.number ?? '')
  if (card === undefined) throw new Error(`The payment method ${method.id} has no number.`)
  return card
}

export function mustAuthenticate(world: StripeWorld, method: PaymentMethod, offSession: boolean): boolean {
  const setUp = instruments(world).get(method.id)?.setUp ?? false
  return asksForAuthentication(testCardOf(world, method), { offSession, setUp })
}

/** From now on the method can be charged while its holder is away. */
export function markSetUp(world: StripeWorld, method: PaymentMethod): void {
  note(world, method, { setUp: true })
}

export function markSpent(world: StripeWorld, method: PaymentMethod): void {
  note(world, method, { spent: true })
}

/** Refuses what Stripe takes no second time. */
export function checkUsable(world: StripeWorld, method: PaymentMethod): void {
  if (method.customer !== null || instruments(world).get(method.id)?.spent !== true) return
  throw invalidRequest(
    'The provided PaymentMethod was previously used with a PaymentIntent without Customer attachment, shared with a connected account without Customer attachment, or was detached from a Customer. It may not be used again. To use a PaymentMethod multiple times, you must attach it to a Customer first.',
    { param: 'payment_method' },
  )
}

export function attachPaymentMethod(world: StripeWorld, before: PaymentMethod, customer: string): PaymentMethod {
  if (before.customer === customer) return before
  if (before.customer !== null) {
    throw invalidRequest('The payment method you provided has already been attached to a customer.', {
      param: 'payment_method',
    })
  }
  checkUsable(world, before)
  const card = testCardOf(world, before)
  if (card.refusesToBeSaved && card.decline !== undefined) throw cardError(card.decline)
  const after: PaymentMethod = { ...before, customer }
  paymentMethods(world).put(after.id, after)
  emit(world, 'payment_method.attached', after)
  return after
}

export function detachPaymentMethod(world: StripeWorld, before: PaymentMethod): PaymentMethod {
  if (before.customer === null) {
    throw invalidRequest('The payment method you provided is not attached to a customer so detachment is impossible.', {
      param: 'payment_method',
    })
  }
  const after: PaymentMethod = { ...before, customer: null }
  paymentMethods(world).put(after.id, after)
  markSpent(world, after)
  emit(world, 'payment_method.detached', after, { customer: before.customer })
  return after
}

export function methodsOf(world: StripeWorld, customer: string): PaymentMethod[] {
  return [...paymentMethods(world).values()].filter((method) => method.customer === customer)
}

/** What is charged when nothing else is said. */
export function defaultMethodOf(
  world: StripeWorld,
  customer: { readonly invoice_settings: { readonly default_payment_method: string | null } },
): PaymentMethod | undefined {
  const id = customer.invoice_settings.default_payment_method
  return id === null ? undefined : paymentMethods(world).get(id)
}

/** How a method is shown to people. */
export function labelOf(world: StripeWorld, method: PaymentMethod): string {
  return testCardOf(world, method).label
}

function note(world: StripeWorld, method: PaymentMethod, change: Partial<Instrument>): void {
  const before = instruments(world).get(method.id)
  if (before !== undefined) instruments(world).put(method.id, { ...before, ...change })
}

function newPaymentMethod(world: StripeWorld, { card, billing, metadata, expires }: PaymentMethodRequest) {
  const year = new Date(world.now()).getUTCFullYear()
  return {
    id: newId('pm_1', 23),
    object: 'payment_method' as const,
    allow_redisplay: 'unspecified' as const,
    billing_details: billing ?? noBillingDetails,
    ...numbers(card, expires ?? { month: 12, year: year + 4 }),
    created: seconds(world),
    customer: null as string | null,
    customer_account: null,
    livemode: false as const,
    metadata: metadata ?? {},
    type: card.type,
  }
}

type Numbers = {
  readonly card?: ReturnType<typeof cardNumbers>
  readonly us_bank_account?: ReturnType<typeof bankNumbers>
  readonly sepa_debit?: ReturnType<typeof ibanNumbers>
}

function numbers(card: TestCard, expires: { month: number; year: number }): Numbers {
  if (card.type === 'card') return { card: cardNumbers(card, expires) }
  return card.type === 'us_bank_account' ? { us_bank_account: bankNumbers(card) } : { sepa_debit: ibanNumbers(card) }
}

function cardNumbers(card: TestCard, { month, year }: { month: number; year: number }) {
  return {
    brand: card.brand,
    checks: { address_line1_check: null, address_postal_code_check: null, cvc_check: 'pass' },
    country: card.country,
    display_brand: card.brand,
    exp_month: month,
    exp_year: year,
    fingerprint: fingerprint(card),
    funding: card.funding,
    generated_from: null,
    last4: card.number.slice(-4),
    networks: { available: [card.brand], preferred: null },
    regulated_status: 'unregulated' as const,
    three_d_secure_usage: { supported: true },
    wallet: null,
  }
}

function bankNumbers(card: TestCard) {
  return {
    account_holder_type: 'individual' as const,
    account_type: 'checking' as const,
    bank_name: 'STRIPE TEST BANK',
    financial_connections_account: null,
    fingerprint: fingerprint(card),
    last4: card.number.slice(-4),
    networks: { preferred: 'ach', supported: ['ach' as const] },
    routing_number: '110000000',
    status_details: {},
  }
}

function ibanNumbers(card: TestCard) {
  return {
    bank_code: card.number.slice(4, 12),
    branch_code: '',
    country: card.country,
    fingerprint: fingerprint(card),
    generated_from: { charge: null, setup_attempt: null },
    last4: card.number.slice(-4),
  }
}

/** The same number has the same fingerprint, whoever uses it. */
function fingerprint({ number }: TestCard): string {
  return [...number]
    .reduce((value, digit) => (value * 33n + BigInt(digit.charCodeAt(0))) % 0xffffffffffffn, 5381n)
    .toString(36)
    .padStart(16, 'k')
}
