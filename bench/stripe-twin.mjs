import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import Stripe from 'stripe'

/** Where a twin of Stripe is, as the SDK takes it. @typedef {{ apiKey: string, host: string, port: number, protocol: 'http' }} StripeAddress */

/**
 * Runs work beside a twin of Stripe, which is a process of its own so that its work is not counted.
 *
 * @template T
 * @param {(twin: { url: string, stripe: StripeAddress }) => Promise<T>} work
 */
export async function withTwin(work) {
  const script = fileURLToPath(new URL('delivery-sandbox.mjs', import.meta.url))
  const child = spawn(process.execPath, [script], { stdio: ['pipe', 'pipe', 'inherit'] })
  try {
    const [line] = await once(createInterface({ input: child.stdout }), 'line')
    return await work(JSON.parse(line))
  } finally {
    child.kill()
  }
}

/** @param {StripeAddress} stripe @param {Partial<StripeAddress>} [elsewhere] */
export function clientOf({ apiKey, ...address }, elsewhere = {}) {
  return new Stripe(apiKey, { ...address, ...elsewhere, telemetry: false, maxNetworkRetries: 0 })
}
