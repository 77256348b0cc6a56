import { stripeProvider } from 'billfold/providers/stripe'
import type Stripe from 'stripe'
import { catalog } from './billing.js'

/** What Stripe tells us: the events that Billfold acts on. */
const webhookEvents = [
  'checkout.session.completed',
  'checkout.session.async_payment_succeeded',
  'checkout.session.async_payment_failed',
  'checkout.session.expired',
] as const

/** What is done once for a Stripe account: a meter for each of ours, and the address for webhooks. */
export async function setUpStripe(client: Stripe, webhookUrl: string) {
  await stripeProvider({ client }).setUp.meters([...catalog.meters.keys()])
  const endpoint = await client.webhookEndpoints.create({ url: webhookUrl, enabled_events: [...webhookEvents] })
  if (endpoint.secret === undefined) throw new Error('Stripe created the webhook endpoint without telling its secret.')
  return { endpointId: endpoint.id, webhookSecret: endpoint.secret }
}
