import { createServer } from 'node:http'
import { createBilling } from 'billfold'
import { createGateway, type SignupOptions } from 'billfold/gateway'
import { toNodeListener } from 'billfold/http/node'
import { stripeProvider } from 'billfold/providers/stripe'
import { countModelTokens } from 'billfold/testing'
import OpenAI from 'openai'
import { afterEach, describe, expect, it } from 'vitest'
import { stores, type TestedStore } from '../core/operations/stores.js'
import { payOnPage, stripeClient, timedSandbox } from '../providers/sandboxed.js'
import { catalog, listening, messages, upstreamsOf } from './world.js'

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function openShop(tested: TestedStore, signup: Partial<SignupOptions> = {}) {
  const box = await timedSandbox()
  const client = stripeClient(box)
  const endpoint = await client.webhookEndpoints.create({ url: 'http://127.0.0.1:9/unused', enabled_events: ['*'] })
  const secret = endpoint.secret ?? ''
  const stripe = stripeProvider({ client, webhookSecret: secret })
  const billing = createBilling({
    catalog,
    store: await tested.open({ now: box.now }),
    providers: { default: stripe },
    redirects: { allowedOrigins: ['https://shop.example'] },
    environment: { now: box.now },
  })
  const told: unknown[] = []
  let address = '203.0.113.7'
  const gateway = createGateway(billing, {
    meter: 'tokens',
    upstreams: upstreamsOf(box),
    countTokens: countModelTokens,
    now: box.now,
    topUpUrl: async ({ accountId }) => `https://shop.example/top-up?account=${accountId}`,
    signup: { grant: '0.50', clientAddress: () => address, ...signup },
    onError: (error) => void told.push(error),
  })
  const server = createServer(toNodeListener(gateway))
  const url = await listening(server)
  closing.push(
    () => box.close(),
    () => billing.close(),
    async () => {
      server.closeAllConnections()
      server.close()
    },
  )
  const signUp = (email: string) =>
    fetch(`${url}/user/signup`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ email }),
    })
  const clientOf = (apiKey: string) => new OpenAI({ baseURL: `${url}/v1`, apiKey, maxRetries: 0 })
  const balanceOf = async (key: string) =>
    (await (await fetch(`${url}/v1/balance`, { headers: { authorization: `Bearer ${key}` } })).json()) as {
      readonly status: string
      readonly balance: string
    }
  /** Hands over the newest event of a type, as Stripe does: signed, and once more. */
  const webhook = async (type: string) => {
    const rawBody = JSON.stringify((await client.events.list({ type, limit: 1 })).data[0])
    const timestamp = Math.floor(box.now() / 1000)
    const headers = {
      'stripe-signature': client.webhooks.generateTestHeaderString({ payload: rawBody, secret, timestamp }),
    }
    for (let time = 0; time < 2; time += 1)
      await (await billing.webhooks.handle('stripe', { rawBody, headers })).applied
  }
  return {
    box,
    billing,
    webhook,
    url,
    told,
    signUp,
    clientOf,
    balanceOf,
    from: (next: string) => {
      address = next
    },
  }
}

for (const tested of stores) {
  describe(`the story of the billing proxy, on ${tested.name}`, () => {
    it('S2.1 S2.2 S2.4 S2.5 from a sign-up to a paid account, to the cent', async () => {
      const shop = await openShop(tested)
      const answer = await shop.signUp('alice@example.com')
      expect(answer.status).toBe(201)
      const { api_key: key, account_id: accountId, ...rest } = (await answer.json()) as Record<string, string>
      expect(key).toMatch(/^sk-/)
      expect(rest).toMatchObject({ status: 'free', currency: 'USD', balance: '0.5' })
      const client = shop.clientOf(key ?? '')

      // 50 × $10/M + 500 × $1/M is $0.001.
      const cost = (milli: number) => ({ prompt_tokens: 500 * milli, completion_tokens: 50 * milli })
      shop.box.models.reply({ usage: cost(1) })
      await client.chat.completions.create({ model: 'gpt-5', messages, max_completion_tokens: 50 })
      expect(await shop.balanceOf(key ?? '')).toMatchObject({ status: 'free', balance: '0.499' })

      for (const milli of [19, 19, 19]) {
        shop.box.models.reply({ usage: cost(milli) })
        await client.chat.completions.create({ model: 'gpt-5', messages })
      }
      expect(await shop.balanceOf(key ?? '')).toMatchObject({ balance: '0.442' })
      for (let left = 442; left > 0; left -= Math.min(left, 17)) {
        shop.box.models.reply({ usage: cost(Math.min(left, 17)) })
        await client.chat.completions.create({ model: 'gpt-5', messages })
      }
      expect(await shop.balanceOf(key ?? '')).toMatchObject({ status: 'suspended', balance: '0' })
      const refused = await client.chat.completions
        .create({ model: 'gpt-5', messages })
        .catch((error: unknown) => error)
      expect(refused).toBeInstanceOf(OpenAI.PermissionDeniedError)
      expect(refused).toMatchObject({
        status: 403,
        error: {
          message: 'Insufficient funds. Please top up.',
          top_up_url: `https://shop.example/top-up?account=${accountId}`,
        },
      })
      const asked = { accountId: accountId ?? '' }
      expect((await shop.billing.accounts.get(asked)).suspendedFor).toBe('Insufficient funds')

      const page = { ...asked, kind: 'credits', amount: '10', successUrl: '/', cancelUrl: '/' } as const
      const absolute = { successUrl: 'https://shop.example/ok', cancelUrl: 'https://shop.example/no' }
      const checkout = await shop.billing.createCheckout({ ...page, ...absolute })
      await payOnPage(checkout.url)
      await shop.webhook('checkout.session.completed')
      // Without waiting for anything.
      shop.box.models.reply({ usage: cost(1) })
      await client.chat.completions.create({ model: 'gpt-5', messages })
      expect(await shop.balanceOf(key ?? '')).toMatchObject({ status: 'active', balance: '9.999' })
      expect((await shop.billing.accounts.get(asked)).suspendedFor).toBeNull()
      const [issued] = (await shop.billing.apiKeys.list(asked)).items
      expect(issued?.budget).toMatchObject({ limit: 10_500_000_000n, used: 501_000_000n })
      expect(shop.told).toEqual([])
      expect((await shop.billing.verifyLedger(asked)).findings).toEqual([])
    }, 60_000)

    it('S2.5 a payment resumes the account by itself, also when it asks for nothing', async () => {
      const shop = await openShop(tested, { grant: '0.000001' })
      const { api_key: key = '', account_id: accountId = '' } = (await (
        await shop.signUp('alice@example.com')
      ).json()) as Record<string, string>
      const client = shop.clientOf(key)
      await expect(client.chat.completions.create({ model: 'gpt-5', messages })).rejects.toMatchObject({ status: 403 })
      expect((await shop.billing.accounts.get({ accountId })).suspendedFor).toBe('Insufficient funds')
      const back = { successUrl: 'https://shop.example/ok', cancelUrl: 'https://shop.example/no' }
      const checkout = await shop.billing.createCheckout({ accountId, kind: 'credits', amount: '10', ...back })
      await payOnPage(checkout.url)
      await shop.webhook('checkout.session.completed')
      await shop.billing.sync.flush()
      expect((await shop.billing.accounts.get({ accountId })).suspendedFor).toBeNull()
      expect(await shop.balanceOf(key)).toMatchObject({ status: 'active', balance: '10.000001' })
    })

    it('S2.3 20 requests at once with money for one: the upstream sees exactly one', async () => {
      const shop = await openShop(tested, { grant: '0.0101' })
      const { api_key: key = '', account_id: accountId = '' } = (await (
        await shop.signUp('alice@example.com')
      ).json()) as Record<string, string>
      const client = shop.clientOf(key)
      shop.box.models.reply({ says: 1_000, times: 20, stallAfter: 10 })
      let refused = 0
      const settled = Promise.all(
        Array.from({ length: 20 }, () =>
          client.chat.completions.create({ model: 'gpt-5', messages }).catch((error: unknown) => {
            refused += 1
            return error
          }),
        ),
      )
      await expect.poll(() => refused, { timeout: 20_000 }).toBe(19)
      shop.box.models.resume()
      const errors = (await settled).filter((answer) => answer instanceof Error)
      expect(errors.filter((error) => error instanceof OpenAI.PermissionDeniedError)).toHaveLength(19)
      expect(shop.box.models.calls()).toHaveLength(1)
      const credits = await shop.billing.credits.balance({ accountId })
      expect(credits).toMatchObject({ held: 0n, balance: 10_100_000n - 10_004_000n })
    })

    it('S2.1 gives one grant and one key for all addresses of one mailbox, also to those who ask at once', async () => {
      const shop = await openShop(tested, { perNetwork: 100 })
      const same = ['Alice@Gmail.com', 'alice+1@gmail.com', 'a.l.i.c.e@googlemail.com', ' alice@GMAIL.com'.trim()]
      const answers = await Promise.all([...same, ...same].map(shop.signUp))
      expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array.from({ length: 7 }, () => 409)])
      const accepted = answers.find(({ status }) => status === 201)
      const { api_key: key, account_id: accountId } = ((await accepted?.json()) ?? {}) as Record<string, string>
      expect(await shop.balanceOf(key ?? '')).toMatchObject({ balance: '0.5' })
      expect((await shop.billing.apiKeys.list({ accountId: accountId ?? '' })).items).toHaveLength(1)
      const refused = await shop.signUp('alice@gmail.com')
      expect(await refused.json()).toMatchObject({ error: { code: 'already_signed_up' } })
      for (const email of ['', 'nobody', 'a@b', 17]) expect((await shop.signUp(email as string)).status).toBe(400)
    })

    it('S2.1 gives away no more than a day’s budget, a few a network, and what expires', async () => {
      const shop = await openShop(tested, { dailyGrants: '2.00', perNetwork: 2, grantDays: 30 })
      const statuses = async (emails: readonly string[]) =>
        (await Promise.all(emails.map(shop.signUp))).map(({ status }) => status).sort()
      shop.from('2001:db8:1:1::1')
      expect(await statuses(['a@x.example', 'b@x.example'])).toEqual([201, 201])
      shop.from('2001:db8:1:ffff::9')
      expect(await statuses(['c@x.example'])).toEqual([429])
      for (const [index, network] of ['198.51.100.1', '198.51.101.1', '198.51.102.1'].entries()) {
        shop.from(network)
        expect((await shop.signUp(`more${index}@x.example`)).status).toBe(index < 2 ? 201 : 429)
      }
      shop.box.advance(86_400_000)
      shop.from('198.51.103.1')
      const answer = await shop.signUp('more2@x.example')
      expect(answer.status).toBe(201)
      const { account_id: accountId = '' } = (await answer.json()) as Record<string, string>
      const [grant] = (await shop.billing.credits.balance({ accountId })).grants
      const days = ((grant?.expiresAt?.getTime() ?? 0) - shop.box.now()) / 86_400_000
      expect(days).toBeGreaterThan(29)
      expect(days).toBeLessThan(32)
    })

    it('S2.1 lets in whom the app admits', async () => {
      const shop = await openShop(tested, { admit: ({ email }) => !email.endsWith('@throwaway.example') })
      expect((await shop.signUp('a@throwaway.example')).status).toBe(403)
      expect((await shop.signUp('a@kept.example')).status).toBe(201)
    })

    it('S2.6 a key that was revoked, or may do something else, calls nothing', async () => {
      const shop = await openShop(tested)
      const {
        api_key: key = '',
        account_id: accountId = '',
        key_id: keyId = '',
      } = (await (await shop.signUp('alice@example.com')).json()) as Record<string, string>
      const other = await shop.billing.apiKeys.issue({ accountId, name: 'reader', idempotencyKey: 'r' })
      const ask = (apiKey: string) => shop.clientOf(apiKey).chat.completions.create({ model: 'gpt-5', messages })
      await expect(ask(other.secret ?? '')).rejects.toBeInstanceOf(OpenAI.PermissionDeniedError)
      await ask(key)
      await shop.billing.apiKeys.revoke({ accountId, keyId })
      await expect(ask(key)).rejects.toBeInstanceOf(OpenAI.AuthenticationError)
      expect(shop.box.models.calls()).toHaveLength(1)
      // What opens an account is nowhere but in its owner's hands.
      const kept = JSON.stringify(
        [await shop.billing.usage.list({ accountId }), shop.box.models.calls(), shop.told],
        text,
      )
      expect(kept).not.toContain(key.slice(-32))
    })
  })
}

function text(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value
}
