import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { memoryStore } from '../../src/adapters/memory.js'
import { parseMoney } from '../../src/core/domain/money.js'
import { BillingError, createBilling, defineCatalog } from '../../src/index.js'
import { type StripeProvider, stripeProvider } from '../../src/providers/stripe/index.js'
import type { Sandbox } from '../../src/testing/sandbox/sandbox.js'
import { stripeClient, timedSandbox } from './sandboxed.js'
import { customerWithCard, planPrice, subscribe } from './stripe-customer.js'

let box: Sandbox & { now(): number }
let stripe: StripeProvider

beforeEach(async () => {
  box = await timedSandbox()
  stripe = stripeProvider({ client: stripeClient(box) })
})
afterEach(() => box.close())

const methods = () => stripe['payment-methods']
const bare = async (accountId: string) =>
  (await stripe.customers.create({ accountId, email: null, name: null }, { idempotencyKey: accountId })).externalId

describe('payment methods', () => {
  it('S3.5 one that the bank declines is refused with the reason, which a thief is not told', async () => {
    const customer = await bare('thief')
    for (const [externalId, reason, message] of [
      ['pm_card_chargeDeclinedInsufficientFunds', 'insufficient_funds', expect.stringContaining('funds')],
      ['pm_card_visa_chargeDeclinedStolenCard', 'blocked', 'The card was declined.'],
    ] as const) {
      const error = await methods()
        .attach(customer, externalId, {})
        .catch((thrown: unknown) => thrown)
      expect(error).toMatchObject({ code: 'payment_method_declined', httpStatus: 402, message, details: { reason } })
    }
    expect(await methods().list(customer, {})).toEqual([])
  })

  it('S3.5 are attached, listed newest first, made the default, changed and removed', async () => {
    const customer = await bare('a')
    expect(await methods().list(customer, {})).toEqual([])
    const visa = await methods().attach(customer, 'pm_card_visa', {})
    expect(visa).toMatchObject({ type: 'card', brand: 'visa', last4: '4242', isDefault: false, customerId: customer })
    box.advance(1_000)
    const master = await methods().attach(customer, 'pm_card_mastercard', {})
    expect((await methods().attach(customer, visa.externalId, {})).externalId).toBe(visa.externalId)
    expect((await methods().setDefault(customer, visa.externalId, {})).isDefault).toBe(true)
    expect((await methods().setDefault(customer, master.externalId, {})).isDefault).toBe(true)
    const listed = await methods().list(customer, {})
    expect(listed.map(({ externalId, isDefault }) => [externalId, isDefault])).toEqual([
      [master.externalId, true],
      [visa.externalId, false],
    ])
    const change = { name: 'Ada', email: 'ada@example.com', expiryMonth: 7, expiryYear: 2040 }
    expect(await methods().update(customer, visa.externalId, change, {})).toMatchObject(change)
    await methods().remove(customer, visa.externalId, {})
    expect(await methods().list(customer, {})).toHaveLength(1)
    await expect(methods().get(customer, visa.externalId, {})).rejects.toMatchObject({ code: 'not_found' })
  })

  it('S3.10 of another customer are not there', async () => {
    const [own, other] = [await bare('a'), await bare('b')]
    const { externalId } = await methods().attach(other, 'pm_card_visa', {})
    const none = { code: 'not_found' }
    await expect(methods().get(own, externalId, {})).rejects.toMatchObject(none)
    await expect(methods().setDefault(own, externalId, {})).rejects.toMatchObject(none)
    await expect(methods().update(own, externalId, { name: 'Eve' }, {})).rejects.toMatchObject(none)
    await expect(methods().remove(own, externalId, {})).rejects.toMatchObject(none)
    expect(await methods().list(own, {})).toEqual([])
  })

  it('G6 of another customer are answered like ids that nobody has', async () => {
    const [own, other] = [await customerWithCard(stripe), await bare('b')]
    const { externalId } = await methods().attach(other, 'pm_card_visa', {})
    const { id: invoice } = await openInvoice(own)
    const asked = (paymentMethodId: string) =>
      Promise.all([
        outcomeOf(methods().attach(own, paymentMethodId, {})),
        outcomeOf(
          stripe.payments.charge(
            { ...sale(own), paymentMethodId, returnUrl: null },
            { idempotencyKey: crypto.randomUUID() },
          ),
        ),
        outcomeOf(stripe.invoices.pay({ externalId: invoice, paymentMethodId }, {})),
      ])
    const unknown = 'pm_1NobodyHasThisOne'
    const [attached, charged, paid] = await asked(externalId)
    expect(attached).toMatchObject({ code: 'not_found' })
    expect(charged).toMatchObject({ outcome: { status: 'declined', reason: 'no_payment_method' } })
    expect(paid).toMatchObject({ code: 'not_found' })
    const told = JSON.stringify([attached, charged, paid])
    expect(told.replaceAll(externalId, unknown)).toBe(JSON.stringify(await asked(unknown)))
    expect(told).not.toContain(other)
    expect((await stripe.client.charges.list()).data).toEqual([])
  })

  it('S3.5 that are made the default are charged by subscriptions too', async () => {
    const customer = await customerWithCard(stripe)
    const id = await subscribe(stripe, customer, planPrice('pro', '20'))
    const { externalId } = await methods().attach(customer, 'pm_card_mastercard', {})
    await methods().setDefault(customer, externalId, {})
    const { default_payment_method: charged } = await stripe.client.subscriptions.retrieve(id)
    expect([null, externalId]).toContain(charged)
  })

  it('S3.5 that a bank account is do not expire', async () => {
    const customer = await bare('a')
    const account = await stripe.client.paymentMethods.create({
      type: 'us_bank_account',
      us_bank_account: {
        account_holder_type: 'individual',
        account_number: '000123456789',
        routing_number: '110000000',
      },
      billing_details: { name: 'Ada' },
    })
    const attached = await methods().attach(customer, account.id, {})
    expect(attached).toMatchObject({ type: 'us_bank_account', last4: '6789', expiryYear: null })
    await expect(methods().update(customer, account.id, { expiryYear: 2040 }, {})).rejects.toMatchObject({
      code: 'option_unsupported',
    })
  })
})

describe('what is on offer', () => {
  it('S3.3 is what the Dashboard has switched on, where it can be used', async () => {
    const offered = await stripe['payment-methods'].available({})
    expect(offered.map(({ type }) => type).sort()).toEqual(['card', 'sepa_debit', 'us_bank_account'])
    expect(offered.find(({ type }) => type === 'us_bank_account')).toMatchObject({
      uses: ['payment', 'subscription', 'off_session'],
      countries: ['US'],
      currencies: ['USD'],
    })
    const [{ id } = { id: '' }] = (await stripe.client.paymentMethodConfigurations.list()).data
    await stripe.client.paymentMethodConfigurations.update(id, {
      ideal: { display_preference: { preference: 'on' } },
      card: { display_preference: { preference: 'off' } },
    })
    const after = await stripe['payment-methods'].available({})
    expect(after.map(({ type }) => type).sort()).toEqual(['ideal', 'sepa_debit', 'us_bank_account'])
    expect(after.find(({ type }) => type === 'ideal')?.uses).toEqual(['payment'])
  })

  it('S3.3 is asked for by use and country, and an app may say where', async () => {
    const methodCountries = { card: ['DE', 'US'] }
    const narrowed = stripeProvider({ client: stripeClient(box), methodCountries, now: box.now })
    const catalog = defineCatalog({ plans: { free: {} } })
    const billing = createBilling({ catalog, store: memoryStore(), providers: { default: narrowed } })
    await billing.accounts.ensure({ accountId: 'acct_a' })
    const types = async (query: object) =>
      (await billing.paymentMethods.available({ accountId: 'acct_a', ...query })).map(({ type }) => type).sort()
    expect(await types({})).toEqual(['card', 'us_bank_account'])
    expect(await types({ country: 'de', use: 'off_session' })).toEqual(['card'])
    expect(await types({ country: 'FR' })).toEqual([])
    for (const [query, code] of [
      [{ country: 'Germany' }, 'invalid_request'],
      [{ use: 'barter' }, 'invalid_request'],
      [{ accountId: 'acct_none' }, 'not_found'],
      [{ customerId: 'cus_1' }, 'unknown_field'],
    ] as const)
      await expect(types(query)).rejects.toMatchObject({ code })
    expect(() => stripeProvider({ client: stripeClient(box), methodCountries: { card: ['Germany'] } })).toThrow()
    await billing.close()
  })
})

const sale = (customerId: string) => ({
  intentId: crypto.randomUUID(),
  accountId: 'acc_1',
  customerId,
  title: 'Credits',
  amount: parseMoney('20', 'USD'),
  requestedAt: box.now(),
})

async function openInvoice(customer: string) {
  await stripe.client.invoiceItems.create({ customer, amount: 500, currency: 'usd' })
  const { id } = await stripe.client.invoices.create({ customer, pending_invoice_items_behavior: 'include' })
  return stripe.client.invoices.finalizeInvoice(id)
}

/** What came of it: the answer, or all that its error tells. */
async function outcomeOf(work: Promise<unknown>): Promise<unknown> {
  try {
    return await work
  } catch (error) {
    if (!BillingError.is(error)) throw error
    return { code: error.code, message: error.message, details: error.details }
  }
}
