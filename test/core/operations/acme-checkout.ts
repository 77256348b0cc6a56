import {
  type AnyProvider,
  BillingError,
  type CheckoutRequest,
  type CheckoutSession,
  createBilling,
  defineCatalog,
  type Store,
  type Subscription,
} from 'billfold'
import { createClock } from './setting.js'
import type { TestedStore } from './stores.js'

export const accountId = 'acct_a'
export const toTopUp = {
  accountId,
  kind: 'package',
  package: 'starter',
  successUrl: '/ok',
  cancelUrl: '/no',
} as const
export const toSubscribe = {
  accountId,
  kind: 'subscription',
  plan: 'pro',
  successUrl: '/ok',
  cancelUrl: '/no',
} as const

const catalog = defineCatalog({
  plans: { free: {}, pro: { price: { amount: '20' } }, team: { price: { amount: '50' } } },
  packages: { starter: { price: '20', sparks: '500000' } },
})

/** What Acme, a provider written by hand, has and was asked; a test changes it as it likes. */
export interface Acme {
  readonly sessions: Map<string, CheckoutSession>
  subscriptions: readonly Subscription[]
  /** Looks at the subscriptions in another way than taking them as they are. */
  list(customerId: string): Promise<readonly Subscription[]>
  /** Changes how the customer's newest session, or the one named, stands. */
  set(change: Partial<CheckoutSession>, externalId?: string): void
}

export function subscription(change: Partial<Subscription> = {}): Subscription {
  return {
    externalId: 'sub_1',
    customerId: accountId,
    status: 'active',
    plan: 'pro',
    anchor: null,
    seats: 1,
    currentPeriodStartsAt: null,
    currentPeriodEndsAt: null,
    paidPeriod: null,
    trialStartsAt: null,
    trialEndsAt: null,
    cancelsAtPeriodEnd: false,
    canceledAt: null,
    endedAt: null,
    scheduled: null,
    createdAt: 0,
    ...change,
  }
}

/** A service whose checkout is Acme's. `lacks` names what it cannot do; `around` stands between the service and the store. */
export async function openAcme(
  tested: TestedStore,
  closing: (() => Promise<void>)[],
  given: { readonly lacks?: readonly (keyof AnyProvider)[]; readonly around?: (store: Store) => Store } = {},
) {
  const { now, advance } = createClock()
  const store = await tested.open({ now })
  const acme: Acme = {
    sessions: new Map(),
    subscriptions: [],
    list: async () => acme.subscriptions,
    set(change, externalId = [...acme.sessions.keys()].at(-1) ?? '') {
      const session = acme.sessions.get(externalId)
      if (session) acme.sessions.set(externalId, { ...session, ...change })
    },
  }
  const whole = acmeProvider(acme)
  const provider = Object.fromEntries(
    Object.entries(whole).filter(([name]) => !given.lacks?.includes(name as never)),
  ) as typeof whole
  const failures: unknown[] = []
  const billing = createBilling({
    catalog,
    store: given.around?.(store) ?? store,
    providers: { default: provider },
    redirects: { allowedOrigins: ['https://app.example.com'] },
    environment: { now, onError: (error) => void failures.push(error) },
  })
  closing.push(() => billing.close())
  const told: string[] = []
  billing.on('test', 'checkout.completed', ({ data }) => void told.push(String(data.plan ?? data.sparks)))
  await billing.accounts.ensure({ accountId })
  const send = async (kind: 'checkout' | 'subscription', externalId: string) => {
    const body = JSON.stringify({ id: `evt_${crypto.randomUUID()}`, kind, externalId })
    return billing.webhooks.handle('acme', { rawBody: body, headers: {} })
  }
  return {
    billing,
    store,
    acme,
    failures,
    told,
    now,
    advance,
    send,
    plan: async () => (await billing.accounts.get({ accountId })).plan,
    /** What was heard of completed checkouts, delivered now. */
    async heard() {
      await billing.sync.flush()
      return told
    },
  }
}

function acmeProvider(acme: Acme) {
  const provider = {
    id: 'acme',
    customers: { create: async (account: { readonly accountId: string }) => ({ externalId: account.accountId }) },
    checkout: {
      async create(request: CheckoutRequest) {
        const externalId = `cs_${acme.sessions.size + 1}`
        const { intentId, customerId } = request
        const amount = amountOf(request)
        const url = `https://acme.example/${externalId}`
        const session = { externalId, intentId, customerId, status: 'open', subtotal: null, amount, url } as const
        acme.sessions.set(externalId, { ...session, expiresAt: null, subscriptionId: null, paymentMethodId: null })
        return found(acme.sessions.get(externalId))
      },
      get: async (externalId: string) => found(acme.sessions.get(externalId)),
    },
    subscriptions: {
      get: async (externalId: string) => subscription({ externalId }),
      list: (customerId: string) => acme.list(customerId),
    },
    webhooks: {
      async verify({ rawBody }: { readonly rawBody: Uint8Array }) {
        const payload = new TextDecoder().decode(rawBody)
        const { id, kind } = JSON.parse(payload) as { id: string; kind: string }
        return { eventId: id, type: kind, payload }
      },
      interpret({ payload }: { readonly payload: string }) {
        const { kind, externalId } = JSON.parse(payload) as { kind: 'checkout' | 'subscription'; externalId: string }
        return { kind, externalId }
      },
    },
  }
  return provider satisfies AnyProvider
}

function amountOf(request: CheckoutRequest) {
  if (request.mode === 'payment') return request.amount
  if (request.mode === 'setup') return null
  const { currency, nanos } = request.price.amount
  return { currency, nanos: nanos * BigInt(request.trialDays > 0 ? 0 : request.seats) }
}

function found(session: CheckoutSession | undefined): CheckoutSession {
  if (session) return session
  throw new BillingError('not_found', 'Acme has no such session.')
}
