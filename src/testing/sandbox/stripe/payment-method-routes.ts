import * as z from 'zod'
import { changed, customers, requireCustomer } from './customers.js'
import { cardError, invalidRequest, missingParameter, notFound } from './errors.js'
import { emit } from './events.js'
import { clearable, count, mergeMetadata, metadata, paging, text, tolerated } from './form.js'
import {
  attachPaymentMethod,
  type BillingDetails,
  createPaymentMethod,
  detachPaymentMethod,
  methodsOf,
  noBillingDetails,
  type PaymentMethod,
  paymentMethods,
  resolvePaymentMethod,
} from './payment-methods.js'
import { listPage, noParameters, route, type StripeList } from './route.js'
import { type TestCard, testCardNamed, testCardNumbered } from './test-cards.js'
import type { StripeWorld } from './world.js'

const methodTypes = z.enum(
  ['card', 'us_bank_account', 'sepa_debit'],
  'The sandbox models card, us_bank_account and sepa_debit; invalid type',
)

const line = clearable(text).optional()
const billingDetails = z.strictObject({
  address: z
    .strictObject({ city: line, country: line, line1: line, line2: line, postal_code: line, state: line })
    .optional(),
  email: line,
  name: line,
  phone: line,
  tax_id: line,
})

/** What a payment method is made from, on its own or within an intent. */
export const paymentMethodData = z.strictObject({
  type: methodTypes,
  card: z
    .strictObject({
      token: text.optional(),
      number: text.optional(),
      exp_month: count.optional(),
      exp_year: count.optional(),
      cvc: text.optional(),
      ...tolerated('networks'),
    })
    .optional(),
  us_bank_account: z
    .strictObject({
      account_number: text,
      routing_number: text,
      account_holder_type: text.optional(),
      account_type: text.optional(),
    })
    .optional(),
  sepa_debit: z.strictObject({ iban: text }).optional(),
  billing_details: billingDetails.optional(),
  metadata,
  ...tolerated('allow_redisplay'),
})

type PaymentMethodData = z.output<typeof paymentMethodData>

export const paymentMethodRoutes = [
  route('POST /v1/payment_methods', paymentMethodData, ({ world, params }) => makePaymentMethod(world, params)),
  route(
    'GET /v1/payment_methods',
    z.strictObject({ ...paging, customer: text.optional(), type: text.optional(), ...tolerated('allow_redisplay') }),
    ({ world, params }) => {
      if (params.customer === undefined) return listPage('/v1/payment_methods', [], params)
      requireCustomer(world, params.customer)
      return ownMethods(world, '/v1/payment_methods', params.customer, params)
    },
  ),
  route('GET /v1/payment_methods/:id', noParameters, ({ world, path }) => requireMethod(world, path.id)),
  route(
    'POST /v1/payment_methods/:id',
    z.strictObject({
      billing_details: billingDetails.optional(),
      card: z
        .strictObject({ exp_month: count.optional(), exp_year: count.optional(), ...tolerated('networks') })
        .optional(),
      metadata,
      ...tolerated('allow_redisplay'),
    }),
    ({ world, path, params }) => {
      const before = requireMethod(world, path.id)
      const after: PaymentMethod = {
        ...before,
        billing_details: mergeBilling(before.billing_details, params.billing_details),
        ...(before.card === undefined
          ? {}
          : {
              card: {
                ...before.card,
                exp_month: params.card?.exp_month ?? before.card.exp_month,
                exp_year: params.card?.exp_year ?? before.card.exp_year,
              },
            }),
        metadata: mergeMetadata(before.metadata, params.metadata),
      }
      paymentMethods(world).put(after.id, after)
      emit(world, 'payment_method.updated', after, changed(before, after))
      return after
    },
  ),
  route('POST /v1/payment_methods/:id/attach', z.strictObject({ customer: text }), ({ world, path, params }) => {
    const { id } = requireCustomer(world, params.customer)
    return attachPaymentMethod(world, requireMethod(world, path.id), id)
  }),
  route('POST /v1/payment_methods/:id/detach', noParameters, ({ world, path }) => {
    const method = requireMethod(world, path.id)
    const owner = method.customer
    const detached = detachPaymentMethod(world, method)
    const customer = owner === null ? undefined : customers(world).get(owner)
    if (customer?.invoice_settings.default_payment_method === method.id) {
      const after = { ...customer, invoice_settings: { ...customer.invoice_settings, default_payment_method: null } }
      customers(world).put(after.id, after)
      emit(world, 'customer.updated', after, { invoice_settings: customer.invoice_settings })
    }
    return detached
  }),
  route(
    'GET /v1/customers/:customer/payment_methods',
    z.strictObject({ ...paging, type: text.optional(), ...tolerated('allow_redisplay') }),
    ({ world, path: { customer = '' }, params }) => {
      if (!customers(world).has(customer)) throw notFound('customer', customer, 'customer')
      return ownMethods(world, `/v1/customers/${customer}/payment_methods`, customer, params)
    },
  ),
  route('GET /v1/customers/:customer/payment_methods/:id', noParameters, ({ world, path }) => {
    const method = paymentMethods(world).get(path.id ?? '')
    if (method === undefined || method.customer !== path.customer) {
      throw notFound('PaymentMethod', path.id ?? '', 'payment_method')
    }
    return method
  }),
]

/** Makes a method from a test number, a test token or a bank account. */
export function makePaymentMethod(world: StripeWorld, data: PaymentMethodData): PaymentMethod {
  const expires = data.card?.exp_month === undefined ? undefined : checkedExpiry(world, data.card)
  return createPaymentMethod(world, {
    card: chosenCard(data),
    billing: mergeBilling(noBillingDetails, data.billing_details),
    metadata: data.metadata ?? {},
    ...(expires === undefined ? {} : { expires }),
  })
}

function ownMethods(
  world: StripeWorld,
  url: string,
  customer: string,
  params: { type?: string | undefined; limit?: number | undefined },
): StripeList<PaymentMethod> {
  const own = methodsOf(world, customer).filter(({ type }) => params.type === undefined || params.type === type)
  return listPage(url, own, params)
}

function requireMethod(world: StripeWorld, id = ''): PaymentMethod {
  if (!paymentMethods(world).has(id) && testCardNamed(id) === undefined) {
    throw notFound('PaymentMethod', id, 'payment_method')
  }
  return resolvePaymentMethod(world, id)
}

function chosenCard(data: PaymentMethodData): TestCard {
  const { type } = data
  if (data[type] === undefined) throw missingParameter(type)
  if (type === 'us_bank_account')
    return knownAccount(data.us_bank_account?.account_number ?? '', 'us_bank_account[account_number]')
  if (type === 'sepa_debit') return knownAccount(data.sepa_debit?.iban ?? '', 'sepa_debit[iban]')
  const { token, number } = data.card ?? {}
  if (token !== undefined) {
    const card = testCardNamed(token)
    if (card === undefined)
      throw invalidRequest(`No such token: '${token}'`, { code: 'resource_missing', param: 'card[token]' })
    return card
  }
  if (number === undefined) throw missingParameter('card[number]')
  const card = testCardNumbered(number)
  if (card?.type === 'card') return card
  if (!passesLuhn(number))
    throw cardError({ code: 'incorrect_number', message: 'Your card number is incorrect.' }, { param: 'number' })
  throw cardError({
    code: 'card_declined',
    declineCode: 'test_mode_live_card',
    message:
      'Your card was declined. Your request was in test mode, but used a non test card. For a list of valid test cards, visit: https://stripe.com/docs/testing.',
  })
}

function knownAccount(number: string, param: string): TestCard {
  const account = testCardNumbered(number)
  if (account !== undefined && account.type !== 'card') return account
  throw invalidRequest(
    'You must use a test bank account number in test mode. Try the ones on https://stripe.com/docs/testing.',
    {
      code: 'account_number_invalid',
      param,
    },
  )
}

function checkedExpiry(world: StripeWorld, card: { exp_month?: number | undefined; exp_year?: number | undefined }) {
  const month = card.exp_month ?? 0
  const given = card.exp_year ?? 0
  const year = given < 100 ? 2000 + given : given
  if (month < 1 || month > 12) {
    throw cardError(
      { code: 'invalid_expiry_month', message: "Your card's expiration month is invalid." },
      { param: 'exp_month' },
    )
  }
  const now = new Date(world.now())
  const ended = year * 12 + month < now.getUTCFullYear() * 12 + now.getUTCMonth() + 1
  if (ended || year > now.getUTCFullYear() + 50) {
    throw cardError(
      { code: 'invalid_expiry_year', message: "Your card's expiration year is invalid." },
      { param: 'exp_year' },
    )
  }
  return { month, year }
}

function passesLuhn(number: string): boolean {
  const digits = [...number.replace(/[\s-]/g, '')].reverse().map(Number)
  const sum = digits.reduce((total, digit, index) => {
    const doubled = index % 2 === 1 ? digit * 2 : digit
    return total + (doubled > 9 ? doubled - 9 : doubled)
  }, 0)
  return digits.length >= 12 && sum % 10 === 0
}

function mergeBilling(before: BillingDetails, change: z.output<typeof billingDetails> | undefined): BillingDetails {
  const given = <Value>(value: Value | undefined, earlier: Value) => (value === undefined ? earlier : value)
  const { address } = change ?? {}
  return {
    address: {
      city: given(address?.city, before.address.city),
      country: given(address?.country, before.address.country),
      line1: given(address?.line1, before.address.line1),
      line2: given(address?.line2, before.address.line2),
      postal_code: given(address?.postal_code, before.address.postal_code),
      state: given(address?.state, before.address.state),
    },
    email: given(change?.email, before.email),
    name: given(change?.name, before.name),
    phone: given(change?.phone, before.phone),
    tax_id: given(change?.tax_id, before.tax_id),
  }
}
