import { createHmac } from 'node:crypto'
import type { ErrorCode } from 'billfold'
import { stripeProvider } from 'billfold/providers/stripe'
import { afterEach, describe, expect, it } from 'vitest'
import { openSandboxed, pay } from './sandboxed.js'
import { accountId, expectRefused, openWith, sharedWith } from './setting.js'
import { stores } from './stores.js'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const payload = '{"id":"evt_1","type":"some.future.event","data":{"object":{"id":"x_1"}}}'
const at = Date.parse('2026-11-21T12:00:00Z') / 1_000

type Sign = (payload: string, secret?: string, at?: number) => string
/** Headers that prove nothing, made with or without the true secret. */
const badHeaders: readonly (readonly [what: string, header: (sign: Sign) => unknown, code: ErrorCode])[] = [
  ['no header', () => undefined, 'webhook_signature_invalid'],
  ['an empty header', () => '', 'webhook_signature_invalid'],
  ['a timestamp alone', () => `t=${at}`, 'webhook_signature_invalid'],
  ['a signature alone', () => 'v1=deadbeef', 'webhook_signature_invalid'],
  ['the test scheme', (sign) => sign(payload).replace('v1=', 'v0='), 'webhook_signature_invalid'],
  ['the signature of another body', (sign) => sign('{}'), 'webhook_signature_invalid'],
  ['something after the signature', (sign) => `${sign(payload)}00`, 'webhook_signature_invalid'],
  ['two timestamps', (sign) => `t=${at + 4_799},${sign(payload)}`, 'webhook_signature_invalid'],
  ['another secret', (sign) => sign(payload, 'whsec_other'), 'webhook_signature_invalid'],
  ['a signature made with no key', () => `t=${at},v1=${hmac(payload, '')}`, 'webhook_signature_invalid'],
  ['the header given twice', (sign) => [sign(payload), sign(payload)], 'webhook_signature_invalid'],
  ['a header that is a number', () => 5, 'webhook_signature_invalid'],
  ['a header that is no text', () => Object.create(null), 'webhook_signature_invalid'],
  ['301 seconds ago', (sign) => sign(payload, undefined, (at - 301) * 1_000), 'webhook_timestamp_out_of_tolerance'],
  ['301 seconds ahead', (sign) => sign(payload, undefined, (at + 301) * 1_000), 'webhook_timestamp_out_of_tolerance'],
  ['a list of signatures without end', () => 'v1=aa,'.repeat(20_000), 'header_too_large'],
]

const badBodies: readonly (readonly [what: string, body: string])[] = [
  ['text that is cut off', '{"id":"evt_1"'],
  ['an array', '[]'],
  ['nothing', ''],
  ['null', 'null'],
  ['no id', '{"type":"x"}'],
  ['no type', '{"id":"evt_1"}'],
  ['an id that is none', '{"id":{"$ne":1},"type":"x"}'],
  ['an id without end', `{"id":"${'e'.repeat(300)}","type":"x"}`],
  ['brackets without end', '['.repeat(100_000)],
]

for (const tested of stores) {
  describe(`webhooks.handle on ${tested.name}`, () => {
    const openCase = sharedWith((afterwards) => openSandboxed(tested, afterwards))

    for (const [what, header, code] of badHeaders) {
      it(`S1.4 refuses ${what} as ${code}, and keeps nothing`, async () => {
        const setting = await openCase()
        const headers = { 'stripe-signature': header(setting.sign) } as never
        for (const rawBody of [payload, 'not JSON either']) {
          if (rawBody !== payload && code !== 'webhook_signature_invalid') continue
          await expectRefused(setting, code, () => setting.billing.webhooks.handle('stripe', { rawBody, headers }))
        }
      })
    }

    for (const [what, body] of badBodies) {
      it(`S1.4 refuses ${what}, however well it is signed, and keeps nothing`, async () => {
        const setting = await openCase()
        await expectRefused(setting, 'webhook_payload_invalid', () => setting.send(body))
      })
    }

    it('S1.4 refuses a body that is too large before it looks at it', async () => {
      const setting = await openCase()
      const headers = { 'stripe-signature': 'none' }
      const rawBody = new Uint8Array(6 * 1024 * 1024)
      await expectRefused(setting, 'payload_too_large', () =>
        setting.billing.webhooks.handle('stripe', { rawBody, headers }),
      )
    })

    it('S1.4 refuses providers that are none', async () => {
      const setting = await openCase()
      const input = { rawBody: payload, headers: { 'stripe-signature': setting.sign(payload) } }
      for (const id of ['lago', '', 'Stripe', '__proto__', 'constructor', null, undefined, 5, ['stripe']]) {
        await expectRefused(setting, 'not_found', () => setting.billing.webhooks.handle(id as never, input))
      }
    })

    it('S1.4 says that the route is mounted wrongly when it gets no raw body or no headers', async () => {
      const setting = await openCase()
      const headers = { 'stripe-signature': setting.sign(payload) }
      const inputs = [
        undefined,
        null,
        'body',
        {},
        { rawBody: payload },
        { rawBody: payload, headers: null },
        { rawBody: payload, headers: 'stripe-signature: x' },
        { rawBody: JSON.parse(payload), headers },
        { rawBody: [1, 2, 3], headers },
        { rawBody: new ArrayBuffer(8), headers },
      ]
      for (const input of inputs) {
        const call = () => setting.billing.webhooks.handle('stripe', input as never)
        await expectRefused(setting, 'config_invalid', call)
      }
    })

    it('S1.4 takes a request without a body for what it is: anyone can send one', async () => {
      const setting = await openCase()
      const headers = { 'stripe-signature': setting.sign('') }
      for (const rawBody of [undefined, null]) {
        const call = () => setting.billing.webhooks.handle('stripe', { rawBody, headers } as never)
        await expectRefused(setting, 'webhook_payload_invalid', call)
      }
    })

    it('S1.4 takes text, bytes and any kind of headers, once for all of them', async () => {
      const { billing, sign } = await openSandboxed(tested, closing)
      const signature = sign(payload)
      const bytes = new TextEncoder().encode(payload)
      const inputs = [
        { rawBody: payload, headers: { 'stripe-signature': signature } },
        { rawBody: bytes, headers: { 'Stripe-Signature': signature } },
        { rawBody: Buffer.from(bytes), headers: { 'stripe-signature': [signature] } },
        { rawBody: bytes, headers: new Headers({ 'stripe-signature': signature }) },
      ]
      const answers = []
      for (const input of inputs) answers.push((await billing.webhooks.handle('stripe', input)).duplicate)
      expect(answers).toEqual([false, true, true, true])
    })

    it('S1.4 keeps the bytes that were signed, whatever becomes of the buffer', async () => {
      const { billing, sign, store } = await openSandboxed(tested, closing)
      const rawBody = new TextEncoder().encode(payload)
      const handling = billing.webhooks.handle('stripe', { rawBody, headers: { 'stripe-signature': sign(payload) } })
      rawBody.set(new TextEncoder().encode('{"id":"evt_2"'))
      await (await handling).applied
      expect(await store.inbox.accept({ provider: 'stripe', eventId: 'evt_1', type: 'x', payload })).toEqual({
        created: false,
      })
      expect(await store.inbox.accept({ provider: 'stripe', eventId: 'evt_2', type: 'x', payload })).toEqual({
        created: true,
      })
    })

    it('S1.4 acknowledges types it does not know, and does nothing', async () => {
      const setting = await openSandboxed(tested, closing)
      const before = await setting.everything()
      for (const [index, type] of ['some.future.event', '__proto__', 'constructor', 'toString'].entries()) {
        const event = JSON.stringify({ id: `evt_${index}`, type, data: { object: { id: 'cs_1' } } })
        expect(await setting.send(event)).toMatchObject({ received: true, duplicate: false })
      }
      expect(await setting.everything()).toEqual(before)
    })

    it('S1.4 gives up at once on an event that can never be understood, and the others go on', async () => {
      const setting = await openSandboxed(tested, closing)
      const { billing, store } = setting
      await setting.send('{"id":"evt_bad","type":"checkout.session.completed","data":{}}')
      expect(await store.inbox.backlog()).toEqual([{ status: 'dead', count: 1 }])
      expect((await billing.sync.flush()).webhooks).toBe(0)
      await setting.send(payload)
      expect(await billing.sync.status()).toMatchObject({ webhooks: [{ status: 'dead', count: 1 }] })
    })

    it('S1.5 stays with what the subscription is, in whatever order its events come', async () => {
      const setting = await openSandboxed(tested, closing)
      const { billing, client, box } = setting
      const sale = { accountId, kind: 'subscription', plan: 'pro', successUrl: '/ok', cancelUrl: '/no' } as const
      await pay({ box }, (await billing.createCheckout(sale)).url)
      await setting.deliver('customer.subscription.created', 2)
      expect(await billing.accounts.get({ accountId })).toMatchObject({ plan: 'pro' })
      const [subscription] = (await client.subscriptions.list({ limit: 1 })).data
      await client.subscriptions.update(subscription?.id ?? '', { cancel_at_period_end: true })
      await client.subscriptions.cancel(subscription?.id ?? '')
      await setting.deliver('customer.subscription.deleted')
      await setting.deliver('customer.subscription.updated', 2)
      expect(await billing.accounts.get({ accountId })).toMatchObject({ plan: 'free' })
      expect(await setting.store.inbox.backlog()).toEqual([])
    })

    it('S1.4 tries again what the provider did not answer, until it does', async () => {
      const setting = await openSandboxed(tested, closing)
      const { billing, box } = setting
      box.faults.inject({
        match: { method: 'GET', pathIncludes: '/v1/checkout/sessions/' },
        kind: 'status',
        status: 503,
      })
      await setting.send('{"id":"evt_1","type":"checkout.session.completed","data":{"object":{"id":"cs_gone"}}}')
      expect((await billing.sync.status()).webhooks).toEqual([{ status: 'pending', count: 1 }])
      expect((await billing.sync.flush()).webhooks).toBe(0)
      setting.advance(900_000)
      expect((await billing.sync.flush()).webhooks).toBe(1)
    })

    it('S1.4 refuses everything while there is no secret', async () => {
      const { client } = await openSandboxed(tested, closing)
      const setting = await openWith(tested, closing, { default: stripeProvider({ client }) })
      const headers = { 'stripe-signature': `t=${at},v1=${hmac(payload, '')}` }
      const call = () => setting.billing.webhooks.handle('stripe', { rawBody: payload, headers })
      await expectRefused(setting, 'webhook_not_configured', call)
      expect(await setting.billing.accounts.get({ accountId })).toMatchObject({ plan: 'free' })
    })
  })
}

function hmac(text: string, key: string): string {
  return createHmac('sha256', key).update(`${at}.${text}`).digest('hex')
}
