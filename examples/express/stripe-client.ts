import Stripe from 'stripe'

/** The official SDK, pointed at Stripe, or at `apiBase` when one is given. */
export function createStripe(secretKey: string, apiBase?: string): Stripe {
  if (apiBase === undefined) return new Stripe(secretKey)
  const { protocol, hostname, port } = URL.canParse(apiBase)
    ? new URL(apiBase)
    : { protocol: '', hostname: '', port: '' }
  const isPlain = protocol === 'http:'
  if (!isPlain && protocol !== 'https:') {
    throw new Error(`STRIPE_API_BASE must be an address such as http://127.0.0.1:4242, not ${apiBase}.`)
  }
  return new Stripe(secretKey, {
    protocol: isPlain ? 'http' : 'https',
    host: hostname,
    port: port || (isPlain ? '80' : '443'),
    telemetry: false,
  })
}
