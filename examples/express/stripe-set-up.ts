import { stripeProvider } from 'billfold/providers/stripe'
import type Stripe from 'stripe'
import { catalog } from './billing.js'

/** What Stripe tells us: the events that Billfold acts on. */
const webhookEvents = [
  'checkout.session.completed',
  'checkout.session.async_payment_succeeded',
  'checkout.session.async_payment_failed',
  'checkout.session.expired',
  'customer.subscription.created',
  'customer.subscription.updated',
  'customer.subscription.deleted',
  'customer.subscription.paused',
  'customer.subscription.resumed',
] as const

/** What webhooks are written in. An endpoint without one gets the account's default version, which may be years old. */
const apiVersion = '2026-10-28.endive'

/** What is done once for a Stripe account: a meter for each of ours, and the address for webhooks. */
export async function setUpStripe(client: Stripe, webhookUrl: string) {
  await stripeProvider({ client }).setUp.meters([...catalog.meters.keys()])
  const endpoint = await client.webhookEndpoints.create({
    url: webhookUrl,
    api_version: apiVersion,
    enabled_events: [...webhookEvents],
  })
  if (endpoint.secret === undefined) throw new Error('Stripe created the webhook endpoint without telling its secret.')
  return { endpointId: endpoint.id, webhookSecret: endpoint.secret }
}
