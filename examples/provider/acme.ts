import { createHmac, timingSafeEqual } from 'node:crypto'
import {
  BillingError,
  type CallOptions,
  type CheckoutRequest,
  type CheckoutSession,
  type Provider,
  type WebhookRequest,
} from 'billfold'

/** Acme, a payment service that is made up and kept in memory: what its API would do, and its customers would see. */
export class AcmeService {
  readonly #sessions = new Map<string, CheckoutSession>()
  /** What each idempotency key made. */
  readonly #made = new Map<string, string>()

  constructor(readonly webhookSecret: string) {}

  createCustomer(key: string): string {
    return this.#once(key, 'cus', () => {})
  }

  createSession(key: string, session: Omit<CheckoutSession, 'externalId' | 'url'>): CheckoutSession {
    const externalId = this.#once(key, 'ses', (id) =>
      this.#sessions.set(id, { ...session, externalId: id, url: `https://pay.acme.example/${id}` }),
    )
    return this.session(externalId)
  }

  session(externalId: string): CheckoutSession {
    const session = this.#sessions.get(externalId)
    if (session) return session
    throw new BillingError('not_found', `Acme has no session ${externalId}.`)
  }

  /** Sets how an open session ends; one that is over stays as it is. */
  end(externalId: string, status: 'paid' | 'expired'): CheckoutSession {
    const session = this.session(externalId)
    if (session.status === 'open') this.#sessions.set(externalId, { ...session, status, url: null })
    return this.session(externalId)
  }

  /** A customer pays on the page. @returns the webhook that Acme then sends */
  pay(url: string, now: number): WebhookRequest {
    const { externalId } = this.end(url.split('/').at(-1) ?? '', 'paid')
    return this.webhook(JSON.stringify({ id: `evt_${externalId}`, type: 'session.paid', session: externalId }), now)
  }

  webhook(body: string, now: number): WebhookRequest {
    const headers = new Map([
      ['acme-time', String(now)],
      ['acme-signature', this.signature(now, body)],
    ])
    return { rawBody: new TextEncoder().encode(body), headers }
  }

  signature(time: number, body: string | Uint8Array): string {
    return createHmac('sha256', this.webhookSecret).update(`${time}.`).update(body).digest('hex')
  }

  #once(key: string, prefix: string, make: (id: string) => void): string {
    const known = this.#made.get(key)
    if (known !== undefined) return known
    const id = `${prefix}_${this.#made.size + 1}`
    this.#made.set(key, id)
    make(id)
    return id
  }
}

const toleranceMs = 300_000

/** Acme as a provider: what it can do is what is on the object. */
export function acmeProvider(acme: AcmeService): Provider<'customers' | 'checkout' | 'webhooks'> {
  return {
    id: 'acme',
    customers: {
      create: async (_account, options) => ({ externalId: acme.createCustomer(keyOf(options)) }),
    },
    checkout: {
      async create(request, options) {
        return acme.createSession(keyOf(options), sessionOf(request))
      },
      get: async (externalId) => acme.session(externalId),
      expire: async (externalId) => acme.end(externalId, 'expired'),
    },
    webhooks: {
      async verify({ rawBody, headers }, now) {
        const time = Number(headers.get('acme-time'))
        const given = Buffer.from(headers.get('acme-signature') ?? '')
        const right = Buffer.from(acme.signature(time, rawBody))
        if (given.length !== right.length || !timingSafeEqual(given, right))
          throw new BillingError('webhook_signature_invalid', 'Acme did not sign this.')
        if (Math.abs(now - time) > toleranceMs)
          throw new BillingError('webhook_timestamp_out_of_tolerance', 'Acme signed this too long ago.')
        const payload = new TextDecoder().decode(rawBody)
        return { eventId: fieldOf(payload, 'id'), type: fieldOf(payload, 'type'), payload }
      },
      // Only where to look: what holds is read again from Acme.
      interpret({ type, payload }) {
        if (type !== 'session.paid') return { kind: 'ignored', reason: `${type} changes nothing here` }
        return { kind: 'checkout', externalId: fieldOf(payload, 'session') }
      },
    },
  }
}

function sessionOf(request: CheckoutRequest): Omit<CheckoutSession, 'externalId' | 'url'> {
  if (request.mode !== 'payment' || request.promotionCodes)
    throw new BillingError('option_unsupported', 'Acme takes single payments at their full price alone.')
  const { intentId, customerId, amount } = request
  const nothingElse = { expiresAt: null, subscriptionId: null, paymentMethodId: null }
  return { intentId, customerId, status: 'open', subtotal: amount, amount, ...nothingElse }
}

/** What is made without a key would be made twice when it is asked for twice. */
function keyOf({ idempotencyKey }: CallOptions): string {
  if (idempotencyKey !== undefined) return idempotencyKey
  throw new BillingError('idempotency_key_required', 'Acme needs a key for what it makes.')
}

/** @throws BillingError `webhook_payload_invalid` */
function fieldOf(payload: string, name: string): string {
  try {
    const value: unknown = JSON.parse(payload)[name]
    if (typeof value === 'string') return value
  } catch {
    // Not JSON, or nothing that has fields.
  }
  throw new BillingError('webhook_payload_invalid', `An event of Acme's has no ${name}.`)
}
