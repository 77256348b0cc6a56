import Stripe from 'stripe'

/** The official SDK, pointed at Stripe, or at `apiBase` when one is given. */
export function createStripe(secretKey: string, apiBase?: string): Stripe {
  if (apiBase === undefined) return new Stripe(secretKey)
  const { protocol, hostname, port } = new URL(apiBase)
  const isPlain = protocol === 'http:'
  return new Stripe(secretKey, {
    protocol: isPlain ? 'http' : 'https',
    host: hostname,
    port: port || (isPlain ? '80' : '443'),
    telemetry: false,
  })
}
