import {
  BillingError,
  type BillingService,
  type Catalog,
  createBilling,
  defineCatalog,
  type ErrorCode,
  type ProviderRoles,
  type Store,
} from 'billfold'
import { langfuseProvider } from 'billfold/providers/langfuse'
import { stripeProvider } from 'billfold/providers/stripe'
import Stripe from 'stripe'
import { afterAll, expect } from 'vitest'
import type { BadInput } from './bad-values.js'
import type { TestedStore } from './stores.js'

export const catalog = defineCatalog({
  meters: {
    ai_tokens: { unit: 'token', rate: { mode: 'per_unit', sparks: '100', per: '1000' } },
    compute_minutes: { unit: 'minute', decimals: 6, rate: { mode: 'per_unit', sparks: '50', per: '1' } },
    images: { rate: { mode: 'per_unit', sparks: '1', per: '1' } },
    model_calls: { unit: 'token', rate: { mode: 'by_cost' } },
  },
  models: { 'gpt-5': { input: '1.25', output: '10' } },
  plans: {
    free: {
      meters: { compute_minutes: { limit: '100' }, images: { limit: '0' } },
      features: { sso: false, support: 'e-mail' },
    },
    pro: { price: { amount: '20' }, meters: { ai_tokens: { included: '1000000' } }, features: { sso: true } },
  },
  packages: { starter: { price: '20', sparks: '500000' } },
  budgetDimensions: ['api_key', 'user', 'team'],
  rollupDimensions: ['feature'],
})

export type TestCatalog = typeof catalog

/** A service on one store, with two accounts, a clock that is moved by hand, and a look at everything that is kept. */
export interface Setting<R extends ProviderRoles = ProviderRoles> {
  readonly billing: BillingService<R, TestCatalog>
  readonly store: Store
  readonly now: () => number
  advance(ms: number): void
  /** All that was ever written of these accounts (by default both), and what waits for anybody; apart from the time. */
  everything(...accountIds: readonly string[]): Promise<unknown>
}

export const accountId = 'acct_a'
export const otherAccountId = 'acct_b'

export interface Clock {
  readonly now: () => number
  advance(ms: number): void
}

/** A clock that is moved by hand; it begins on 21 November 2026 at noon. */
export function createClock(): Clock {
  let time = Date.parse('2026-11-21T12:00:00Z')
  return {
    now: () => time,
    advance(ms) {
      time += ms
    },
  }
}

/** Providers that are told of usage when something is delivered, which these tests do not do: what waits for them is looked at. */
const unreached = {
  default: stripeProvider({
    client: new Stripe('sk_test_unused', { host: '127.0.0.1', port: 9, protocol: 'http', telemetry: false }),
  }),
  tracing: langfuseProvider({ baseUrl: 'http://127.0.0.1:9', publicKey: 'pk-lf-unused', secretKey: 'sk-lf-unused' }),
}

/** Opens a service; what is to be closed afterwards goes on `closing`. */
export async function open(tested: TestedStore, closing: (() => Promise<void>)[]): Promise<Setting<typeof unreached>> {
  return openWith(tested, closing, unreached)
}

export async function openWith<const R extends ProviderRoles>(
  tested: TestedStore,
  closing: (() => Promise<void>)[],
  providers: R,
  clock: Clock = createClock(),
): Promise<Setting<R>> {
  const { now, advance } = clock
  const store = await tested.open({ now })
  const billing = createBilling({
    catalog,
    store,
    providers,
    redirects: { allowedOrigins: ['https://app.example.com'] },
    environment: { now },
  })
  const core: BillingService<Record<never, never>, Catalog> = billing as never
  closing.push(() => core.close())
  for (const type of ['credit.granted', 'quota.near', 'quota.reached', 'quota.throttled', 'hold.expired'] as const) {
    core.on('test', type, () => {})
  }
  for (const id of [accountId, otherAccountId]) await core.accounts.ensure({ accountId: id })
  return {
    billing: billing as never,
    store,
    now,
    advance,
    everything: (...ids) => everything(store, ids.length === 0 ? [accountId, otherAccountId] : ids),
  }
}

/** One service for many cases, each with an account of its own: opening a store for each would take most of the time. */
export function shared(tested: TestedStore) {
  return sharedWith((closing) => open(tested, closing))
}

/** The same on a service that is opened in another way. */
export function sharedWith<S extends Setting<typeof unreached>>(
  openSetting: (closing: (() => Promise<void>)[]) => Promise<S>,
): () => Promise<S & { readonly accountId: string }> {
  const closing: (() => Promise<void>)[] = []
  let opened: Promise<S> | undefined
  let cases = 0
  afterAll(async () => {
    for (const close of closing.reverse()) await close()
  })
  return async () => {
    opened ??= openSetting(closing)
    const setting = await opened
    cases += 1
    const own = `acct_${cases}`
    await setting.billing.accounts.ensure({ accountId: own })
    return { ...setting, accountId: own, everything: () => setting.everything(own, otherAccountId) }
  }
}

/** A good input with fields changed; `undefined` takes a field away. A field named `__proto__` stays a field. */
export function changed(input: object, change: object): never {
  const fields = { ...Object.getOwnPropertyDescriptors(input), ...Object.getOwnPropertyDescriptors(change) }
  const kept = Object.entries(fields).filter(([, { value }]) => value !== undefined)
  const result = {}
  for (const [name, field] of kept) Object.defineProperty(result, name, field)
  return result as never
}

async function everything(store: Store, accountIds: readonly string[]): Promise<unknown> {
  const accounts = accountIds.map(async (id) => {
    const { now: _, ...ledger } = (await store.ledger.snapshot(id)) ?? { now: 0 }
    return {
      ledger,
      account: await store.accounts.get(id),
      customer: await store.accounts.externalId(id, 'stripe'),
      entries: await store.ledger.entries(id, { limit: 1_000 }),
      budgets: await store.ledger.budgets(id, { limit: 1_000 }),
      apiKeys: await store.apiKeys.list(id, { limit: 1_000 }),
      rollups: await store.ledger.rollups(id, { from: '0000-01-01', to: '9999-12-31' }),
    }
  })
  return {
    accounts: await Promise.all(accounts),
    deliveries: await store.outbox.backlog(),
    webhooks: await store.inbox.backlog(),
    checkouts: await store.intents.waiting(1_000),
  }
}

/** Does at once what the sweeper would do for the account. */
export async function expireDue({ store }: Pick<Setting, 'store'>): Promise<void> {
  const rules = { catalog, metering: [], tracing: [], collecting: null }
  await store.ledger.commit([{ kind: 'expire', accountId, id: 'clm_test' }], rules)
}

/** Expects each of these inputs to be refused, and to have written nothing. */
export async function expectAllRefused(
  setting: Pick<Setting, 'everything'>,
  call: (input: never) => Promise<unknown>,
  good: object,
  bad: readonly BadInput[],
): Promise<void> {
  let kept = await setting.everything()
  for (const [what, change, code] of bad) {
    try {
      await expectError(code, () => call(changed(good, change)))
      const before = kept
      kept = await setting.everything()
      expect(kept).toEqual(before)
    } catch (error) {
      throw new Error(`${what}: ${String(error)}`, { cause: error })
    }
  }
}

/** Expects a call to be refused with this code, and to have written nothing at all. */
export async function expectRefused(
  setting: Pick<Setting, 'everything'>,
  code: ErrorCode,
  call: () => Promise<unknown>,
): Promise<BillingError> {
  const before = await setting.everything()
  const error = await expectError(code, call)
  expect(await setting.everything()).toEqual(before)
  return error
}

async function expectError(code: ErrorCode, call: () => Promise<unknown>): Promise<BillingError> {
  const error = await call().then(
    (answer) =>
      new Error(
        `it was accepted: ${JSON.stringify(answer, (_, part) => (typeof part === 'bigint' ? `${part}n` : part))}`,
      ),
    (reason: unknown) => reason,
  )
  if (!BillingError.is(error)) throw new Error(`expected ${code}, not ${String(error)}`, { cause: error })
  expect(error.code, error.message).toBe(code)
  expect(error.message.length).toBeLessThan(1_000)
  return error
}
