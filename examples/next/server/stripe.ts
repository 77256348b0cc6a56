import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { stripeProvider } from 'billfold/providers/stripe'
import Stripe from 'stripe'
import type { Settings } from './settings'

/** Stripe as the app talks to it. */
export interface ConnectedStripe {
  readonly client: Stripe
  readonly webhookSecret: string
  /** Where the sandbox shows what happened; `null` with real keys. */
  readonly consoleUrl: string | null
  close(): Promise<void>
}

/** Real Stripe where there are keys, else the sandbox: a stateful twin of it, in this process. */
export async function connectStripe({ stripe, origin, dataFolder, sandboxPort }: Settings): Promise<ConnectedStripe> {
  if (stripe) {
    const client = new Stripe(stripe.secretKey, stripe.apiBase === undefined ? {} : addressOf(stripe.apiBase))
    return { client, webhookSecret: stripe.webhookSecret, consoleUrl: null, close: async () => {} }
  }
  // Left out of what Next bundles: a server with real keys has no use for it.
  const { sandbox } = await import(/* turbopackIgnore: true */ 'billfold/testing')
  const dataDir = join(dataFolder, 'sandbox')
  mkdirSync(dataDir, { recursive: true })
  const box = await sandbox({ port: sandboxPort, dataDir, merchantName: 'Parrot' })
  const { apiKey, ...address } = box.stripe
  const client = new Stripe(apiKey, { ...address, telemetry: false })
  const webhookSecret = await renewEndpoint(client, `${origin}/api/billing/webhooks/stripe`)
  return { client, webhookSecret, consoleUrl: box.url, close: () => box.close() }
}

/** A secret is told once, when its endpoint is made: so each start makes the endpoint anew. */
async function renewEndpoint(client: Stripe, url: string): Promise<string> {
  for await (const { id } of client.webhookEndpoints.list()) await client.webhookEndpoints.del(id)
  const { secret } = await client.webhookEndpoints.create({
    url,
    api_version: '2026-10-28.endive',
    enabled_events: [...stripeProvider({ client }).webhookEvents],
  })
  if (secret === undefined) throw new Error('The sandbox made a webhook endpoint without telling its secret.')
  return secret
}

function addressOf(apiBase: string): Stripe.StripeConfig {
  const { protocol, hostname, port } = new URL(apiBase)
  const isPlain = protocol === 'http:'
  return {
    protocol: isPlain ? 'http' : 'https',
    host: hostname,
    port: port || (isPlain ? '80' : '443'),
    telemetry: false,
  }
}
