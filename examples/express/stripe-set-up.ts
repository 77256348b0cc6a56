import { createBilling } from 'billfold'
import { memoryStore } from 'billfold/adapters/memory'
import { stripeProvider } from 'billfold/providers/stripe'
import type Stripe from 'stripe'
import { catalog } from './billing.js'

/** What webhooks are written in. An endpoint without one gets the account's default version, which may be years old. */
const apiVersion = '2026-10-28.endive'

/** What is done once for a Stripe account: meters and prices for each of ours, and the address for webhooks. */
export async function setUpStripe(client: Stripe, webhookUrl: string) {
  const stripe = stripeProvider({ client })
  const billing = createBilling({ catalog, store: memoryStore(), providers: { default: stripe } })
  await billing.catalog.apply()
  const endpoint = await client.webhookEndpoints.create({
    url: webhookUrl,
    api_version: apiVersion,
    enabled_events: [...stripe.webhookEvents],
  })
  if (endpoint.secret === undefined) throw new Error('Stripe created the webhook endpoint without telling its secret.')
  return { endpointId: endpoint.id, webhookSecret: endpoint.secret }
}
