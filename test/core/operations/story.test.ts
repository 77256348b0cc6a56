import { createBilling, defineCatalog, formatSparks, parseSparks } from 'billfold'
import { langfuseProvider } from 'billfold/providers/langfuse'
import { stripeProvider } from 'billfold/providers/stripe'
import { type Sandbox, sandbox } from 'billfold/testing'
import Stripe from 'stripe'
import { afterEach, describe, expect, it } from 'vitest'
import { makeMeters } from '../../providers/sandboxed.js'
import { stores, type TestedStore } from './stores.js'

const catalog = defineCatalog({
  plans: {
    free: { meters: { ai_tokens: { included: '10000' } } },
    pro: { price: { amount: '20' }, meters: { ai_tokens: { included: '1000000' } } },
  },
  packages: { starter: { price: '20', sparks: '500000' } },
})
const accountId = 'acct_1'
let twins: Sandbox
const closing: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function start(tested: TestedStore) {
  twins = await sandbox()
  closing.push(() => twins.close())
  const { apiKey, host, port, protocol } = twins.stripe
  const client = new Stripe(apiKey, { host, port, protocol, telemetry: false })
  const endpoint = await client.webhookEndpoints.create({ url: 'http://127.0.0.1:9/unused', enabled_events: ['*'] })
  const webhookSecret = endpoint.secret ?? ''
  const stripe = stripeProvider({ client, webhookSecret })
  await makeMeters(stripe, ['ai_tokens'])
  const billing = createBilling({
    catalog,
    store: await tested.open(),
    providers: { default: stripe, tracing: langfuseProvider(twins.langfuse) },
    redirects: { allowedOrigins: ['https://app.example.com'] },
  })
  closing.push(() => billing.close())
  await billing.accounts.ensure({ accountId, email: 'ada@example.com' })
  const deliver = async (type: string, times: number) => {
    const events = await client.events.list({ type, limit: 1 })
    const rawBody = JSON.stringify(events.data[0])
    for (let time = 0; time < times; time += 1) {
      const signature = client.webhooks.generateTestHeaderString({ payload: rawBody, secret: webhookSecret })
      const handled = await billing.webhooks.handle('stripe', { rawBody, headers: { 'stripe-signature': signature } })
      await handled.applied
    }
  }
  return { billing, client, stripe, deliver }
}

async function pay(url: string): Promise<void> {
  const body = new URLSearchParams({ card: '4242424242424242' })
  const answer = await fetch(`${url}/pay`, { method: 'POST', body, redirect: 'manual' })
  expect(answer.status).toBe(303)
}

describe.each(stores)('the flow on $name', (tested) => {
  it('S1.1 C6 usage becomes Sparks, a trace and a meter event, and the result says how far each has come', async () => {
    const { billing, client, stripe } = await start(tested)
    const request = {
      accountId,
      meter: 'ai_tokens',
      tokens: { input: 900, output: 305 },
      model: 'gpt-x',
      idempotencyKey: 'r-1',
    } as const
    const first = await billing.recordUsage(request)
    expect(first).toMatchObject({
      status: 'recorded',
      sparks: parseSparks('120.5'),
      deliveries: { stripe: 'queued', langfuse: 'queued' },
    })
    const second = await billing.recordUsage({ ...request, tokens: { input: 5 }, idempotencyKey: 'r-2' })
    expect(second.deliveries).toEqual({ stripe: 'queued', langfuse: 'queued' })
    const third = await billing.recordUsage({ ...request, tokens: { input: 1 }, idempotencyKey: 'r-3' })
    expect(third.deliveries).toEqual({ stripe: 'carried', langfuse: 'queued' })

    const report = await billing.sync.flush()
    expect(report).toMatchObject({ postponed: 0, parked: 0, idle: true })
    const again = await billing.recordUsage(request)
    expect(again).toMatchObject({
      id: first.id,
      status: 'duplicate',
      deliveries: { stripe: 'delivered', langfuse: 'delivered' },
    })

    const customer = (await client.customers.list({ limit: 1 })).data[0]?.id ?? ''
    const from = Math.floor(Date.now() / 60_000) * 60_000 - 600_000
    const total = await stripe['usage-reports'].total(
      { customerId: customer, meter: 'ai_tokens', from, to: from + 1_200_000 },
      {},
    )
    expect(total.sparks).toBe(121n)
  })

  it('S0.6 S1.4 near, at, throttled, then paid on the hosted page and restored once, whichever of webhook and redirect comes first', async () => {
    const { billing, deliver } = await start(tested)
    const seen: string[] = []
    for (const type of ['quota.near', 'quota.reached', 'quota.throttled', 'quota.restored'] as const) {
      billing.on('test', type, (event) => void seen.push(event.type))
    }
    const use = (quantity: number, key: string) =>
      billing.recordUsage({ accountId, meter: 'ai_tokens', quantity, idempotencyKey: key })
    await use(8_001, 'u1')
    await use(1_999, 'u2')
    const denied = await billing.authorize({ accountId, meter: 'ai_tokens', quantity: 100 })
    expect(denied).toMatchObject({
      allowed: false,
      httpStatus: 402,
      remedies: [
        { kind: 'top_up', package: 'starter' },
        { kind: 'upgrade', plan: 'pro' },
      ],
    })

    const sale = { accountId, kind: 'package', package: 'starter', successUrl: '/ok', cancelUrl: '/no' } as const
    const [checkout, twice] = await Promise.all([billing.createCheckout(sale), billing.createCheckout(sale)])
    expect(twice.externalId).toBe(checkout.externalId)
    expect((await billing.verifyCheckout({ accountId, checkoutId: checkout.id })).status).toBe('open')
    await pay(checkout.url)
    await deliver('checkout.session.completed', 3)
    const verified = await billing.verifyCheckout({ accountId, checkoutId: checkout.id })
    expect(verified).toMatchObject({ status: 'paid', balance: { available: parseSparks('500000') } })
    await deliver('checkout.session.completed', 1)
    expect(formatSparks((await billing.credits.balance({ accountId })).balance)).toBe('500000')
    expect(await billing.authorize({ accountId, meter: 'ai_tokens', quantity: 100 })).toMatchObject({
      allowed: true,
      source: 'credits',
    })
    await billing.sync.flush()
    expect(seen).toEqual(['quota.near', 'quota.reached', 'quota.throttled', 'quota.restored'])
  })

  it('S1.4 gives what was paid once when the redirect comes first and the webhook three times after it', async () => {
    const { billing, deliver } = await start(tested)
    const sale = { accountId, kind: 'package', package: 'starter', successUrl: '/ok', cancelUrl: '/no' } as const
    const { id, url } = await billing.createCheckout(sale)
    await pay(url)
    const verify = () => billing.verifyCheckout({ accountId, checkoutId: id })
    const [first, second] = await Promise.all([verify(), verify()])
    expect([first.status, second.status]).toEqual(['paid', 'paid'])
    await deliver('checkout.session.completed', 3)
    await verify()
    expect(formatSparks((await billing.credits.balance({ accountId })).balance)).toBe('500000')
    expect((await billing.credits.transactions({ accountId })).items).toHaveLength(1)
  })

  it('S1.5 a subscription bought on the hosted page puts the account on its plan, and the portal needs a customer', async () => {
    const { billing, deliver } = await start(tested)
    await expect(billing.createPortal({ accountId, returnUrl: '/back' })).rejects.toMatchObject({
      code: 'invalid_state',
    })
    const { url, id } = await billing.createCheckout({
      accountId,
      kind: 'subscription',
      plan: 'pro',
      successUrl: '/ok',
      cancelUrl: '/no',
    })
    await pay(url)
    expect(await billing.verifyCheckout({ accountId, checkoutId: id })).toMatchObject({ status: 'paid', plan: 'pro' })
    await deliver('checkout.session.completed', 2)
    expect(await billing.accounts.get({ accountId })).toMatchObject({ plan: 'pro' })
    expect(await billing.getQuota({ accountId, meter: 'ai_tokens' })).toMatchObject({ limit: '1000000' })
    expect((await billing.createPortal({ accountId, returnUrl: '/back' })).url).toMatch(/^http/)
  })
})
