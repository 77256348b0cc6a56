import { createBilling, defineCatalog, type Store } from 'billfold'
import { stripeProvider } from 'billfold/providers/stripe'
import { sandbox } from 'billfold/testing'
import Stripe from 'stripe'
import { receiveWebhooks } from '../../testing/webhook-receiver.js'
import { createClock } from './setting.js'

export const accountId = 'acct_a'
const webhookSecret = 'whsec_world'
export const dayMs = 86_400_000

export const stripeCatalog = defineCatalog({
  meters: { ai_tokens: { unit: 'token', rate: { mode: 'per_unit', sparks: '100', per: '1000' } } },
  plans: {
    free: {},
    pro: { title: 'Pro', price: { amount: '20' } },
    team: { title: 'Team', price: { amount: '50', perSeat: true } },
    trial: { title: 'Try', price: { amount: '10', trialDays: 14 } },
    small: { title: 'Small', price: { amount: '20' }, credits: { sparks: '1000' } },
    large: { title: 'Large', price: { amount: '50' }, credits: { sparks: '5000', rollover: '300' } },
    lifetime: { title: 'Lifetime', price: { amount: '499', interval: 'once' } },
  },
  packages: { starter: { title: 'Starter', price: '20', sparks: '500000' } },
})

/** How a story begins: with the twin's settings. */
export interface WorldOptions {
  readonly afterwards?: 'cancel' | 'unpaid' | 'past_due'
  /** Whether usage that cannot be counted is taken and reported later, as by Stripe. */
  readonly meterErrors?: 'report'
}

/** A Stripe twin on a clock that is moved by hand, and services on it. */
export async function openStripeWorld(
  closing: (() => Promise<void>)[],
  { afterwards = 'unpaid', meterErrors }: WorldOptions = {},
) {
  const clock = createClock()
  const box = await sandbox({
    now: clock.now,
    failedPayments: { afterwards, retryDays: [1, 3] },
    ...(meterErrors ? { meterErrors } : {}),
  })
  closing.push(() => box.close())
  const { apiKey, ...address } = box.stripe
  const client = new Stripe(apiKey, { ...address, telemetry: false, maxNetworkRetries: 0 })
  const heard = await receiveWebhooks()
  closing.push(() => heard.close())
  await client.webhookEndpoints.create({ url: heard.url, enabled_events: ['*'] })
  /** Everything that Stripe has told, oldest first: its list of events goes back a month only. */
  const allEvents = async (): Promise<readonly Stripe.Event[]> => {
    await box.flushWebhooks()
    return heard.received.map(({ body }) => JSON.parse(body) as Stripe.Event)
  }

  /** A service of its own on the same twin, with the account linked to its customer as soon as there is one. */
  const open = async (store: Store, given: { readonly suspendOn?: 'past_due' } = {}) => {
    const failures: unknown[] = []
    const limits = { requestsPerSecond: 1_000_000 }
    const stripe = stripeProvider({ client, webhookSecret, now: clock.now, limits })
    const billing = createBilling({
      catalog: stripeCatalog,
      store,
      providers: { default: stripe },
      redirects: { allowedOrigins: ['https://app.example.com'] },
      ...(given.suspendOn ? { dunning: given } : {}),
      environment: { now: clock.now, onError: (error) => void failures.push(error) },
    })
    closing.push(() => billing.close())
    const told: string[] = []
    await billing.accounts.ensure({ accountId, email: 'ada@example.com' })
    const deliver = async (event: Stripe.Event) => {
      const rawBody = JSON.stringify(event)
      const timestamp = Math.floor(clock.now() / 1000)
      const header = Stripe.webhooks.generateTestHeaderString({ payload: rawBody, secret: webhookSecret, timestamp })
      const handled = await billing.webhooks.handle('stripe', { rawBody, headers: { 'stripe-signature': header } })
      await handled.applied
    }
    return {
      billing,
      stripe,
      store,
      failures,
      told,
      deliver,
      /** Hands over every event there is, or those of a type, oldest first, those that were handed over before among them. */
      relay: async (only?: string) => {
        for (const event of await allEvents()) if (only === undefined || event.type === only) await deliver(event)
      },
      plan: async () => (await billing.accounts.get({ accountId })).plan,
      suspendedFor: async () => (await billing.accounts.get({ accountId })).suspendedFor,
      sparks: async () => (await billing.credits.balance({ accountId })).balance,
      customerId: async () => (await store.accounts.externalId(accountId, 'stripe')) ?? '',
    }
  }
  return { ...clock, advance: moving(clock.advance, box.advance), box, client, allEvents, open }
}

/** The twin's clock is ours, so it only has to look at it. */
function moving(advance: (ms: number) => void, look: (ms: number) => void) {
  return (ms: number) => {
    advance(ms)
    look(0)
  }
}

/** Pays on a hosted page. */
export async function payOn(url: string, fields: Readonly<Record<string, string>> = {}): Promise<void> {
  const body = new URLSearchParams({ card: '4242424242424242', ...fields })
  await fetch(`${url}/pay`, { method: 'POST', body, redirect: 'manual' })
}

export const returns = { accountId, successUrl: '/ok', cancelUrl: '/no' } as const
