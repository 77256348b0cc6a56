import { type BillingError, type CatalogConfig, createBilling, defineCatalog, type ProviderRoles } from 'billfold'
import { memoryStore } from 'billfold/adapters/memory'
import { stripeProvider } from 'billfold/providers/stripe'
import Stripe from 'stripe'
import { expect, it } from 'vitest'

// What must not compile is marked; `npm run check` fails where it does compile. It is refused at run time all the same.
const plans = {
  free: {},
  pro: { price: { amount: '20' } },
  yearly: { price: { amount: '200', interval: 'year' } },
  team: { price: { amount: '10', perSeat: true } },
  life: { price: { amount: '499', interval: 'once' } },
} as const
const client = new Stripe('sk_test_nobody', { maxNetworkRetries: 0, telemetry: false })
const common = {
  store: memoryStore(),
  redirects: { allowedOrigins: ['https://app.example.com'] },
  environment: { onError: () => {} },
}
const billing = createBilling({
  ...common,
  catalog: defineCatalog({ plans }),
  providers: { default: stripeProvider({ client }) },
})
const page = { accountId: 'nobody', successUrl: '/ok', cancelUrl: '/no' }
const letter = { rawBody: '', headers: {} }

it('G19 a plan that is not sold so does not compile, where the catalog is written out', async () => {
  const asked = [
    // @ts-expect-error `pro` is subscribed to
    () => billing.createCheckout({ ...page, kind: 'lifetime', plan: 'pro' }),
    // @ts-expect-error `life` is paid for once
    () => billing.createCheckout({ ...page, kind: 'subscription', plan: 'life' }),
    // @ts-expect-error nobody pays for `free`
    () => billing.createCheckout({ ...page, kind: 'subscription', plan: 'free' }),
    // @ts-expect-error nobody pays for `free`
    () => billing.createCheckout({ ...page, kind: 'lifetime', plan: 'free' }),
    // @ts-expect-error `pro` has one seat
    () => billing.createCheckout({ ...page, kind: 'subscription', plan: 'pro', seats: 4 }),
    // @ts-expect-error `life` is paid for once
    () => billing.subscriptions.change({ accountId: 'nobody', plan: 'life', idempotencyKey: 'k' }),
  ]
  for (const ask of asked) await expect(ask()).rejects.toHaveProperty('code')
})

it('G19 plans that are sold so compile', async () => {
  const asked = [
    () => billing.createCheckout({ ...page, kind: 'subscription', plan: 'pro' }),
    () => billing.createCheckout({ ...page, kind: 'subscription', plan: 'yearly' }),
    () => billing.createCheckout({ ...page, kind: 'subscription', plan: 'team' }),
    () => billing.createCheckout({ ...page, kind: 'subscription', plan: 'team', seats: 4 }),
    () => billing.createCheckout({ ...page, kind: 'lifetime', plan: 'life' }),
  ]
  for (const ask of asked) await expect(ask()).rejects.toMatchObject({ code: 'not_found' })
})

it('G19 a provider that nobody plays does not compile in the address of a webhook', async () => {
  // @ts-expect-error no provider has this id
  await expect(billing.webhooks.handle('nope', letter)).rejects.toMatchObject({ code: 'not_found' })
  const named = createBilling({
    ...common,
    catalog: defineCatalog({ plans }),
    providers: { checkout: stripeProvider({ client, id: 'stripe-eu' }) },
  })
  // @ts-expect-error it is called otherwise
  await expect(named.webhooks.handle('stripe', letter)).rejects.toMatchObject({ code: 'not_found' })
  await expect(named.webhooks.handle('stripe-eu', letter)).rejects.toMatchObject({ code: 'webhook_not_configured' })
})

it('G19 catalogs and roles that are typed widely take every name', async () => {
  const config: CatalogConfig & { plans: NonNullable<CatalogConfig['plans']> } = { plans }
  const roles: ProviderRoles & { default: ReturnType<typeof stripeProvider<string>> } = {
    default: stripeProvider<string>({ client }),
  }
  const wide = createBilling({ ...common, catalog: defineCatalog(config), providers: roles })
  const plan: string = 'nope'
  const asked = [
    () => wide.createCheckout({ ...page, kind: 'subscription', plan, seats: 4 }),
    () => wide.createCheckout({ ...page, kind: 'lifetime', plan }),
    () => wide.webhooks.handle(plan, letter),
  ]
  for (const ask of asked) await expect(ask()).rejects.toMatchObject({ code: 'not_found' })
})

it('G19 what is no store is refused where the service is made', () => {
  const catalog = defineCatalog({ plans })
  for (const store of [memoryStore, {}, null, undefined, { ...memoryStore(), ledger: undefined }]) {
    let told: unknown
    try {
      createBilling({ catalog, store: store as never })
    } catch (error) {
      told = error
    }
    expect((told as BillingError).code).toBe('config_invalid')
  }
})
