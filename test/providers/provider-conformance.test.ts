import Stripe from 'stripe'
import { afterAll, describe, expect, it } from 'vitest'
import { langfuseProvider } from '../../src/providers/langfuse/index.js'
import { stripeProvider } from '../../src/providers/stripe/index.js'
import { providerConformance } from '../../src/testing/provider-conformance.js'
import { makeMeters, stripeClient, timedSandbox } from './sandboxed.js'

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
    sign: (payload) => ({
      rawBody: new TextEncoder().encode(payload),
      headers: new Map([['stripe-signature', Stripe.webhooks.generateTestHeaderString({ payload, secret })]]),
    }),
  })
  for (const { name, run } of cases) it(`C4 ${name}`, run)

  it('C4 is tried in every capability that has cases', () => {
    const needs = new Set(cases.map((each) => each.needs))
    expect([...needs].sort()).toEqual(['checkout', 'customers', 'metering', 'portal', 'subscriptions', 'webhooks'])
  })
})

describe('Langfuse', () => {
  const cases = providerConformance({ provider: langfuseProvider(box.langfuse), now: box.now })
  for (const { name, run } of cases) it(`C4 ${name}`, run)
})
