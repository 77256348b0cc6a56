import { Client } from 'lago-javascript-client'
import Stripe from 'stripe'
import type { LagoClient } from '../../src/providers/lago/call.js'
import type { StripeProvider } from '../../src/providers/stripe/index.js'
import { type Sandbox, type SandboxOptions, sandbox } from '../../src/testing/sandbox/sandbox.js'

/** The official SDK on a sandbox; `settings` are the client's. */
export function stripeClient(
  { stripe: { apiKey, ...address } }: Sandbox,
  settings: Partial<Stripe.StripeConfig> = {},
): Stripe {
  return new Stripe(apiKey, { ...address, telemetry: false, maxNetworkRetries: 0, timeout: 5000, ...settings })
}

/** Lago's official SDK on a sandbox. */
export function lagoClient({ lago: { apiKey, baseUrl } }: Sandbox): LagoClient {
  return Client(apiKey, { baseUrl })
}

/** A sandbox whose clock can be read. */
export async function timedSandbox(options: SandboxOptions = {}): Promise<Sandbox & { now(): number }> {
  const box = await sandbox(options)
  let added = 0
  return {
    ...box,
    now: () => Date.now() + added,
    advance(ms) {
      added += ms
      box.advance(ms)
    },
  }
}

/** Pays on the hosted page. */
export async function payOnPage(url: string | null, card = '4242424242424242'): Promise<void> {
  await fetch(`${url}/pay`, { method: 'POST', body: new URLSearchParams({ card }), redirect: 'manual' })
}

/** How many requests of a kind the sandbox's meter took, and their sum. */
export async function meterTotal(
  box: Sandbox,
  eventName: string,
): Promise<{ readonly sum: string; readonly count: number }> {
  const answer = await fetch(`${box.url}/_sandbox/stripe/meters/${eventName}/total`)
  return (await answer.json()) as { sum: string; count: number }
}

/** The meters of these names, and nothing else of a catalog. */
export async function makeMeters(stripe: StripeProvider, names: readonly string[]): Promise<void> {
  await stripe.catalog.apply({ meters: names.map((name) => ({ name, unit: 'unit' })), prices: [] }, {})
}
