import { createBilling, type LifetimePlanName, type SubscriptionPlanName } from 'billfold'
import { memoryStore } from 'billfold/adapters/memory'
import { stripeProvider } from 'billfold/providers/stripe'
import { sandbox } from 'billfold/testing'
import Stripe from 'stripe'
import { afterEach, expect, it } from 'vitest'
import { catalog } from '../../../examples/catalog/tiers.js'
import { payOn } from './stripe-world.js'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const accountId = 'acct_a'

async function start() {
  const box = await sandbox()
  closing.push(() => box.close())
  const { apiKey, ...address } = box.stripe
  const client = new Stripe(apiKey, { ...address, telemetry: false, maxNetworkRetries: 0 })
  const billing = createBilling({
    catalog,
    store: memoryStore(),
    providers: { default: stripeProvider({ client }) },
    redirects: { allowedOrigins: ['https://app.example.com'] },
  })
  closing.push(() => billing.close())
  await billing.accounts.ensure({ accountId })
  const buy = async (
    sale:
      | { kind: 'subscription'; plan: SubscriptionPlanName<typeof catalog> }
      | { kind: 'lifetime'; plan: LifetimePlanName<typeof catalog> },
  ) => {
    const checkout = await billing.createCheckout({ ...sale, accountId, successUrl: '/ok', cancelUrl: '/no' })
    await payOn(checkout.url)
    const { status } = await billing.verifyCheckout({ accountId, checkoutId: checkout.id })
    return { status, plan: (await billing.accounts.get({ accountId })).plan }
  }
  let keys = 0
  const use = (meter: 'workflows' | 'agents' | 'storage_gb', quantity: string) => {
    keys += 1
    return billing.recordUsage({ accountId, meter, quantity, idempotencyKey: `use-${keys}`, onInsufficient: 'refuse' })
  }
  const ask = () => {
    keys += 1
    const tokens = { input: 1_000_000, output: 0 }
    return billing.recordUsage({
      accountId,
      meter: 'ai_tokens',
      model: 'gpt-4o',
      tokens,
      idempotencyKey: `ask-${keys}`,
      onInsufficient: 'refuse',
    })
  }
  return { billing, client, buy, use, ask }
}

/** Workflows a month, agents and gigabytes, as the tiers promise; null where there is no limit. */
const promised = {
  free: ['5', '1', '2'],
  starter: ['20', '2', '10'],
  pro: ['100', '5', '50'],
  team: ['500', '15', '200'],
  lifetime: ['50', '5', '100'],
} as const

it.each(Object.entries(promised))(
  'S4.3 %s allows what it promises, to the last, and no more',
  async (plan, [workflows, agents, storage]) => {
    const { buy, use } = await start()
    if (plan === 'lifetime') expect(await buy({ kind: 'lifetime', plan })).toEqual({ status: 'paid', plan })
    else if (plan !== 'free')
      expect(await buy({ kind: 'subscription', plan: plan as 'pro' })).toEqual({ status: 'paid', plan })
    for (const [meter, most] of [
      ['workflows', workflows],
      ['agents', agents],
      ['storage_gb', storage],
    ] as const) {
      expect((await use(meter, most)).balance.balance, `${meter} costs nothing`).toBe(0n)
      await expect(use(meter, meter === 'workflows' ? '1' : String(Number(most) + 1))).rejects.toMatchObject({
        code: 'quota_exceeded',
      })
    }
  },
)

it('S4.3 prices are 0, 29, 79, 199 and 19 dollars a month, and 499 once', () => {
  const prices = [...catalog.plans.values()].map(({ name, price }) => [
    name,
    price && price.amount.nanos / 1_000_000_000n,
    price?.interval,
  ])
  expect(prices).toEqual([
    ['free', null, undefined],
    ['starter', 29n, 'month'],
    ['pro', 79n, 'month'],
    ['team', 199n, 'month'],
    ['enterprise', null, undefined],
    ['lifetime', 499n, 'once'],
    ['byo', 19n, 'month'],
  ])
})

it('S4.3 byo has unlimited workflows and agents, and bills no model cost; everyone else pays it with credits', async () => {
  const { billing, buy, use, ask } = await start()
  await expect(ask()).rejects.toMatchObject({ code: 'insufficient_credits' })
  expect(await buy({ kind: 'subscription', plan: 'byo' })).toEqual({ status: 'paid', plan: 'byo' })
  const { sparks, settledBy } = await ask()
  expect(settledBy).toEqual({ byo: sparks })
  await use('workflows', '10000')
  await use('agents', '10000')
  await expect(use('storage_gb', '50.001')).rejects.toMatchObject({ code: 'quota_exceeded' })
  expect((await billing.credits.balance({ accountId })).balance).toBe(0n)
})
