import { LangfuseClient } from '@langfuse/client'
import { BillingError, createBilling, defineCatalog, type Store } from 'billfold'
import { lagoProvider } from 'billfold/providers/lago'
import { langfuseProvider } from 'billfold/providers/langfuse'
import { manualProvider } from 'billfold/providers/manual'
import { stripeProvider } from 'billfold/providers/stripe'
import { sandbox } from 'billfold/testing'
import { Client } from 'lago-javascript-client'
import Stripe from 'stripe'
import { createClock } from './setting.js'

export const meteredCatalog = defineCatalog({
  meters: {
    ai_tokens: { unit: 'token', rate: { mode: 'per_unit', sparks: '100', per: '1000' } },
    images: { rate: { mode: 'per_unit', sparks: '1', per: '1' } },
  },
  plans: {
    postpaid: { overage: true, meters: { ai_tokens: { included: '10000' } } },
    pro: { title: 'Pro', price: { amount: '20' }, overage: true, meters: { ai_tokens: { included: '10000' } } },
    large: { title: 'Large', price: { amount: '50' }, overage: true, meters: { ai_tokens: { included: '10000' } } },
    prepaid: {},
  },
  packages: { starter: { title: 'Starter', price: '20', sparks: '500000' } },
  defaultPlan: 'postpaid',
})

type Provider = 'stripe' | 'lago'

/** The twins of Stripe and Lago on one clock that is moved by hand, and apps that are told of both. */
export async function openMeteringWorld(
  closing: (() => Promise<void>)[],
  /** What is between the app and Lago. */
  lagoFetch: typeof fetch = fetch,
  catalog: typeof meteredCatalog = meteredCatalog,
) {
  const clock = createClock()
  const box = await sandbox({ now: clock.now })
  closing.push(() => box.close())
  const { apiKey, ...address } = box.stripe
  const client = new Stripe(apiKey, { ...address, telemetry: false, maxNetworkRetries: 0 })
  const lagoClient = Client(box.lago.apiKey, { baseUrl: box.lago.baseUrl, customFetch: lagoFetch })
  const limits = { requestsPerSecond: 100_000 }
  /** @param subscriptions who has the subscriptions that are looked at and changed */
  const open = (store: Store, metering: readonly Provider[], subscriptions: Provider = 'stripe') => {
    const failures: unknown[] = []
    const stripe = stripeProvider({ client, now: clock.now, limits })
    const lago = lagoProvider({
      client: lagoClient,
      currency: catalog.currency,
      now: clock.now,
      limits: { ...limits, eventRequestsPerSecond: 100_000 },
      webhook: { algorithm: 'hmac', key: box.lago.hmacKey },
      paymentProvider: { type: 'stripe', code: 'main' },
    })
    const manual = manualProvider({ store, instructions: 'Transfer it to DE02…', now: clock.now })
    const langfuse = langfuseProvider({ ...box.langfuse, client: new LangfuseClient(box.langfuse) })
    const told = { stripe, lago }
    const billing = createBilling({
      catalog,
      store,
      providers: {
        default: stripe,
        checkout: [stripe, manual, lago],
        payments: [stripe, manual],
        invoices: [lago, stripe, manual],
        metering: metering.map((name) => told[name]),
        subscriptions: told[subscriptions],
        tracing: langfuse,
      },
      redirects: { allowedOrigins: ['https://app.example.com'] },
      environment: { now: clock.now, onError: (error) => void failures.push(error) },
    })
    closing.push(() => billing.close())
    return { billing, store, stripe, lago, manual, failures }
  }
  return {
    now: clock.now,
    box,
    client,
    lagoClient,
    open,
    /** Moves all clocks, and lets happen at the providers what falls due. */
    advance(ms: number) {
      clock.advance(ms)
      box.advance(0)
    },
  }
}

export type MeteringWorld = Awaited<ReturnType<typeof openMeteringWorld>>

/** What a twin counted of an account on a meter: where it charges, and apart from that. */
export async function counted(
  { store, stripe, lago }: ReturnType<MeteringWorld['open']>,
  provider: Provider,
  account: string,
  meter: string,
  span: { readonly from: number; readonly to: number },
) {
  const reports = { stripe, lago }[provider]['usage-reports']
  const customerId = (await store.accounts.externalId(account, provider)) ?? ''
  const whole = { from: Math.floor(span.from / 60_000) * 60_000, to: Math.ceil(span.to / 60_000) * 60_000 }
  const query = { customerId, meter, ...whole }
  if (customerId === '') return { charged: 0n, shadow: 0n }
  // A provider that is told alone has no shadows.
  const total = async (isShadow: boolean) => {
    try {
      return (await reports.total({ ...query, isShadow }, {})).sparks
    } catch (error) {
      if (BillingError.is(error) && error.code === 'not_found') return 0n
      throw error
    }
  }
  return { charged: await total(false), shadow: await total(true) }
}
