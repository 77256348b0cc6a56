import { stripeProvider } from 'billfold/providers/stripe'
import { type Sandbox, sandbox } from 'billfold/testing'
import Stripe from 'stripe'
import { expect } from 'vitest'
import { createClock, openWith } from './setting.js'
import type { TestedStore } from './stores.js'

/** A service with a Stripe of its own, both on the same clock. */
export async function openSandboxed(tested: TestedStore, closing: (() => Promise<void>)[]) {
  const clock = createClock()
  const box = await sandbox({ now: clock.now })
  closing.push(() => box.close())
  const { apiKey, host, port, protocol } = box.stripe
  const client = new Stripe(apiKey, { host, port, protocol, telemetry: false, maxNetworkRetries: 0, timeout: 2_000 })
  const endpoint = await client.webhookEndpoints.create({ url: 'http://127.0.0.1:9/unused', enabled_events: ['*'] })
  const webhookSecret = endpoint.secret ?? ''
  const provider = stripeProvider({ client, webhookSecret })
  const setting = await openWith(tested, closing, { default: provider }, clock)
  const sign = (payload: string, secret = webhookSecret, at = clock.now()) =>
    client.webhooks.generateTestHeaderString({ payload, secret, timestamp: Math.floor(at / 1000) })
  const send = async (payload: string, signature: string | undefined = sign(payload)) => {
    const headers = { 'stripe-signature': signature }
    const handled = await setting.billing.webhooks.handle('stripe', { rawBody: payload, headers })
    await handled.applied
    return handled
  }
  return {
    ...setting,
    box,
    client,
    sign,
    send,
    /** Hands over the newest event of a type, as often as asked. */
    async deliver(type: string, times = 1) {
      const events = await client.events.list({ type, limit: 1 })
      for (let time = 0; time < times; time += 1) await send(JSON.stringify(events.data[0]))
    },
    /** Moves our clock and the provider's, and lets happen there what falls due. */
    advance(ms: number) {
      clock.advance(ms)
      box.advance(0)
    },
    /** How many pages the provider has ever made. */
    sessions: async () => (await client.checkout.sessions.list({ limit: 100 })).data.length,
  }
}

/** Pays on the hosted page. */
export async function pay(sandboxed: { readonly box: Sandbox }, url: string, card = '4242424242424242'): Promise<void> {
  expect(url.startsWith(sandboxed.box.url)).toBe(true)
  const answer = await fetch(`${url}/pay`, { method: 'POST', body: new URLSearchParams({ card }), redirect: 'manual' })
  expect(answer.status).toBe(303)
}
