import { LangfuseClient } from '@langfuse/client'
import Stripe from 'stripe'
import { afterAll, describe, expect, it } from 'vitest'
import { langfuseProvider } from '../../src/providers/langfuse/index.js'
import { stripeProvider } from '../../src/providers/stripe/index.js'
import { providerConformance } from '../../src/testing/provider-conformance.js'
import { lagoSubject } from './lago-subject.js'
import { makeMeters, payOnPage, stripeClient, timedSandbox } from './sandboxed.js'
import { subscribe, useCard } from './stripe-customer.js'

const secret = 'whsec_conformance'
const box = await timedSandbox()
afterAll(() => box.close())

const stripe = stripeProvider({ client: stripeClient(box), webhookSecret: secret })
await makeMeters(stripe, ['sparks'])

describe('Stripe', () => {
  const cases = providerConformance({
    provider: stripe,
    now: box.now,
    meter: 'sparks',
    pay: payOnPage,
    paymentMethod: async (customerId) =>
      (await stripe.client.paymentMethods.attach('pm_card_visa', { customer: customerId })).id,
    subscription: async (customerId, price) => {
      await useCard(stripe, customerId, 'pm_card_visa')
      return subscribe(stripe, customerId, price)
    },
    payment: async (customerId, amount) => {
      await useCard(stripe, customerId, 'pm_card_visa')
      const whose = { intentId: crypto.randomUUID(), accountId: 'acc_1', customerId }
      const sale = { ...whose, title: 'Credits', amount, paymentMethodId: null, returnUrl: null, requestedAt: 0 }
      const { externalId } = await stripe.payments.charge(sale, { idempotencyKey: sale.intentId })
      return externalId ?? ''
    },
    unbilled: async (customer, { nanos }) => {
      const amount = Number(nanos / 10_000_000n)
      await stripe.client.invoiceItems.create({ customer, currency: 'usd', amount, description: 'Consulting' })
    },
    sign: (payload) => ({
      rawBody: new TextEncoder().encode(payload),
      headers: new Map([['stripe-signature', Stripe.webhooks.generateTestHeaderString({ payload, secret })]]),
    }),
  })
  for (const { name, run } of cases) it(`C4 ${name}`, run)

  it('C4 is tried in every capability that has cases', () => {
    const needs = new Set(cases.map((each) => each.needs))
    expect([...needs].sort()).toEqual([
      'catalog',
      'checkout',
      'customers',
      'invoices',
      'metering',
      'payment-methods',
      'payments',
      'portal',
      'subscriptions',
      'usage-reports',
      'webhooks',
    ])
  })
})

describe('Langfuse', () => {
  const provider = langfuseProvider({ ...box.langfuse, client: new LangfuseClient(box.langfuse) })
  const cases = providerConformance({ provider, now: box.now })
  for (const { name, run } of cases) it(`C4 ${name}`, run)
})

describe('Lago', async () => {
  const { lago, subject } = lagoSubject(box)
  await lago.catalog.apply({ meters: [{ name: 'sparks', unit: 'spark' }], prices: [] }, {})
  const cases = providerConformance(subject)
  for (const { name, run } of cases) it(`C4 ${name}`, run)

  it('C4 is tried in every capability that has cases', () => {
    const needs = new Set(cases.map((each) => each.needs))
    expect([...needs].sort()).toEqual([
      'catalog',
      'checkout',
      'customers',
      'invoices',
      'metering',
      'payment-methods',
      'payments',
      'portal',
      'subscriptions',
      'usage-reports',
      'webhooks',
    ])
  })
})
