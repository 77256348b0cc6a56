import { createHmac, createSign, generateKeyPairSync } from 'node:crypto'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { memoryStore } from '../../src/adapters/memory.js'
import { createBilling, defineCatalog } from '../../src/index.js'
import { type LagoSignature, lagoProvider, lagoWebhookTypes } from '../../src/providers/lago/index.js'
import { dollars, planPrice } from '../../src/testing/provider-conformance/subject.js'
import { receiver } from '../testing/lago-receiver.js'
import { lagoAt } from './lago-customer.js'
import { lagoRequest, leaveCard } from './lago-subject.js'
import { lagoClient, timedSandbox } from './sandboxed.js'

const box = await timedSandbox()
const api = lagoClient(box)
afterAll(() => box.close())
const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const hmac: LagoSignature = { algorithm: 'hmac', key: 'key of the organization' }
const body =
  '{"webhook_type":"invoice.created","object_type":"invoice","organization_id":"o","invoice":{"lago_id":"in_1"}}'
const rsa = () => {
  const pair = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const pem = String(pair.publicKey.export({ type: 'spki', format: 'pem' }))
  return { pem, base64: Buffer.from(pem).toString('base64'), privateKey: pair.privateKey }
}
const lagos = rsa()
const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
const jwt = (
  data: string,
  { header = { alg: 'RS256' } as object, key = lagos.privateKey, iss = 'https://lago.example' } = {},
) => {
  const content = `${encode(header)}.${encode({ data, iss })}`
  return `${content}.${createSign('RSA-SHA256').update(content).sign(key, 'base64url')}`
}
const mac = (payload: string, key = 'key of the organization') =>
  createHmac('sha256', key).update(payload).digest('base64')

function verify(
  webhook: LagoSignature,
  signature: string | null,
  given: { body?: string | Uint8Array; key?: string | null; algorithm?: string } = {},
) {
  const raw = given.body ?? body
  const headers = new Map<string, string>()
  if (signature !== null) headers.set('x-lago-signature', signature)
  if (given.key !== null) headers.set('x-lago-unique-key', given.key ?? 'unique_1')
  headers.set('x-lago-signature-algorithm', given.algorithm ?? webhook.algorithm)
  const rawBody = typeof raw === 'string' ? new TextEncoder().encode(raw) : raw
  return lagoProvider({ client: api, webhook }).webhooks.verify({ rawBody, headers }, 0)
}
const jwtKey: LagoSignature = { algorithm: 'jwt', publicKey: lagos.base64 }

describe('a signature of Lago', () => {
  it('C4 G7 is accepted over the raw bytes, by HMAC and as a JWT, and the event is the unique key', async () => {
    const event = { eventId: 'unique_1', type: 'invoice.created', payload: body }
    expect(await verify(hmac, mac(body))).toEqual(event)
    expect(await verify(jwtKey, jwt(body))).toEqual(event)
    expect(await verify({ algorithm: 'jwt', publicKey: lagos.pem }, jwt(body))).toEqual(event)
    const mine = { ...jwtKey, issuer: 'https://lago.example', organizationId: 'o' }
    expect(await verify(mine, jwt(body))).toEqual(event)
  })

  it('C4 G7 by the algorithm of the endpoint alone, whatever the header says', async () => {
    // The public key is no secret: taken for the key of an HMAC it would let anybody sign.
    const forged = mac(body, lagos.pem)
    for (const [webhook, signature, algorithm] of [
      [jwtKey, forged, 'hmac'],
      [jwtKey, jwt(body, { header: { alg: 'none' } }), 'jwt'],
      [jwtKey, `${encode({ alg: 'none' })}.${encode({ data: body })}.`, 'jwt'],
      [jwtKey, hs256(body, lagos.pem), 'jwt'],
      [hmac, jwt(body), 'jwt'],
    ] as const)
      await expect(verify(webhook, signature, { algorithm })).rejects.toMatchObject({
        code: 'webhook_signature_invalid',
      })
    // And a header that lies does no harm to what is right.
    expect((await verify(hmac, mac(body), { algorithm: 'jwt' })).eventId).toBe('unique_1')
  })

  const other = rsa()
  const bad: readonly (readonly [string, LagoSignature, string | null])[] = [
    ['no header', hmac, null],
    ['an empty header', hmac, ''],
    ['what is no base64', hmac, '%%%'],
    ['another key', hmac, mac(body, 'other')],
    ['another body', hmac, mac('{}')],
    ['hex instead of base64', hmac, createHmac('sha256', 'key of the organization').update(body).digest('hex')],
    ['a signature cut short', hmac, mac(body).slice(0, 20)],
    ['a JWT of two parts', jwtKey, jwt(body).split('.').slice(0, 2).join('.')],
    ['a JWT of four parts', jwtKey, `${jwt(body)}.x`],
    ['a JWT of another key', jwtKey, jwt(body, { key: other.privateKey })],
    ['a JWT for another body', jwtKey, jwt('{}')],
    ['a JWT of another Lago', { ...jwtKey, issuer: 'https://mine.example' }, jwt(body)],
    ['a JWT of another organization at that Lago', { ...jwtKey, organizationId: 'mine' }, jwt(body)],
    ['a JWT of no JSON', jwtKey, 'a.b.c'],
  ]
  for (const [what, webhook, signature] of bad)
    it(`C4 G7 is refused for ${what}`, async () => {
      await expect(verify(webhook, signature)).rejects.toMatchObject({
        code: 'webhook_signature_invalid',
        httpStatus: 400,
      })
    })

  it('C4 G7 every byte of the body is signed, a mark before it too; a key that is none is config_invalid', async () => {
    const marked = verify(jwtKey, jwt(body), { body: `\ufeff${body}` })
    await expect(marked).rejects.toMatchObject({ code: 'webhook_signature_invalid' })
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString()
    for (const given of [pem, pem.replaceAll(/[A-Za-z0-9+/=]{20,}/g, 'AAAA'), 'no key'])
      await expect(verify({ algorithm: 'jwt', publicKey: given }, jwt(body))).rejects.toMatchObject({
        code: 'config_invalid',
      })
  })

  it('C4 a webhook without a unique key, or with one that is too long, is refused', async () => {
    await expect(verify(hmac, mac(body), { key: null })).rejects.toMatchObject({ code: 'webhook_payload_invalid' })
    await expect(verify(hmac, mac(body), { key: 'x'.repeat(256) })).rejects.toMatchObject({ code: 'header_too_large' })
  })

  it('C4 bytes that are no text, and none that were asked for, are refused', async () => {
    const bytes = new Uint8Array([0xff, 0xfe])
    const signature = createHmac('sha256', 'key of the organization').update(bytes).digest('base64')
    await expect(verify(hmac, signature, { body: bytes })).rejects.toMatchObject({ code: 'webhook_payload_invalid' })
    const none = lagoProvider({ client: api }).webhooks
    await expect(none.verify({ rawBody: new Uint8Array(), headers: new Map() }, 0)).rejects.toMatchObject({
      code: 'webhook_not_configured',
    })
  })

  for (const algorithm of ['hmac', 'jwt'] as const)
    it(`C4 is accepted as Lago sends it by ${algorithm}; the public key is asked of Lago`, async () => {
      const hooks = await receiver()
      const { data } = await api.webhookEndpoints.createWebhookEndpoint({
        webhook_endpoint: { webhook_url: hooks.url, signature_algo: algorithm },
      })
      await api.customers.createCustomer({ customer: { external_id: `signed_${algorithm}` } })
      await box.flushWebhooks()
      const [letter] = hooks.letters
      const webhook = algorithm === 'hmac' ? ({ algorithm, key: box.lago.hmacKey } as const) : ({ algorithm } as const)
      const verified = await verify(webhook, letter?.signature ?? '', {
        body: letter?.body ?? '',
        key: letter?.key ?? '',
      })
      expect(verified).toMatchObject({ type: 'customer.created', eventId: letter?.key })
      await api.webhookEndpoints.destroyWebhookEndpoint(data.webhook_endpoint.lago_id)
      await hooks.close()
    })
})

function hs256(data: string, key: string): string {
  const content = `${encode({ alg: 'HS256' })}.${encode({ data })}`
  return `${content}.${createHmac('sha256', key).update(content).digest('base64url')}`
}

describe('what a webhook of Lago points at', () => {
  const { webhooks } = lagoProvider({ client: api, webhook: hmac })
  const interpret = (webhook_type: string, object_type: string, object: object | null) =>
    webhooks.interpret(
      {
        eventId: 'e',
        type: webhook_type,
        payload: JSON.stringify({ webhook_type, object_type, [object_type]: object }),
      },
      {},
    )

  const table: readonly (readonly [string, string, object, object])[] = [
    ['invoice.created', 'invoice', { lago_id: 'i' }, { kind: 'invoice', externalId: 'i' }],
    ['invoice.payment_status_updated', 'invoice', { lago_id: 'i' }, { kind: 'invoice', externalId: 'i' }],
    [
      'invoice.payment_failure',
      'payment_provider_invoice_payment_error',
      { lago_invoice_id: 'i' },
      { kind: 'invoice', externalId: 'i' },
    ],
    [
      'subscription.started',
      'subscription',
      { external_id: 's', plan_code: 'pro' },
      { kind: 'subscription', externalId: 's' },
    ],
    ['payment.requires_action', 'payment', { lago_id: 'p' }, { kind: 'payment', externalId: 'p' }],
    [
      'customer.payment_provider_created',
      'customer',
      { external_id: 'c' },
      { kind: 'payment_method', customerId: 'c' },
    ],
    [
      'payment_method.updated',
      'payment_method',
      { external_customer_id: 'c' },
      { kind: 'payment_method', customerId: 'c' },
    ],
    [
      'payment_method.updated',
      'payment_method',
      { customer: { external_id: 'c' } },
      { kind: 'payment_method', customerId: 'c' },
    ],
    [
      'events.errors',
      'events_errors',
      { invalid_code: ['a', 'b'], missing_aggregation_property: ['b'], invalid_filter_values: [] },
      {
        kind: 'usage_refused',
        refused: {
          count: 2,
          reasons: ['invalid_code (2)', 'missing_aggregation_property (1)'],
          identifiers: ['a', 'b'],
        },
      },
    ],
    [
      'event.error',
      'event_error',
      { message: { external_subscription_id: ['subscription_not_found'] }, event: { transaction_id: 'a' } },
      {
        kind: 'usage_refused',
        refused: {
          count: 1,
          reasons: ['{"external_subscription_id":["subscription_not_found"]}'],
          identifiers: ['a'],
        },
      },
    ],
  ]
  for (const [type, name, object, subject] of table)
    it(`S0.5 G8 ${type} with ${JSON.stringify(object)}`, async () => {
      expect(await interpret(type, name, object)).toEqual(subject)
    })

  it('C4 of a subscription that only counts usage it is nothing: nothing was sold', async () => {
    const object = { external_id: 's', plan_code: 'billfold_usage:usd' }
    expect(await interpret('subscription.started', 'subscription', object)).toMatchObject({ kind: 'ignored' })
  })

  it('C4 what names nothing is ignored, and what has no object is refused', async () => {
    for (const type of lagoWebhookTypes.filter((each) => each !== 'events.errors'))
      expect(await interpret(type, 'thing', {}), type).toMatchObject({ kind: 'ignored' })
    await expect((async () => interpret('invoice.created', 'invoice', null))()).rejects.toMatchObject({
      code: 'webhook_payload_invalid',
    })
  })

  it('C4 a credit note is of the payment that paid its invoice', async () => {
    const { lago, begin } = lagoAt(box, api, { paymentProvider: { type: 'stripe', code: 'main' } })
    const { externalId: customerId } = await lago.customers.create({ accountId: 'noted', email: null, name: null }, {})
    await leaveCard(api, customerId)
    await begin(customerId, planPrice(dollars(20n)))
    box.advance(1000)
    const [payment] = (await lago.payments.list({ customerId, limit: 1 }, {})).items
    const refund = await lago.payments.refund({ paymentId: payment?.externalId ?? '', amount: null, reason: 'r' }, {})
    const subject = { kind: 'payment', externalId: payment?.externalId }
    const failure = { lago_credit_note_id: refund.externalId }
    expect(await interpret('credit_note.created', 'credit_note', { lago_id: refund.externalId })).toEqual(subject)
    expect(await interpret('credit_note.refund_failure', 'credit_note_payment_provider_refund_error', failure)).toEqual(
      subject,
    )
  })
})

describe('a service that takes Lago’s webhooks', () => {
  const catalog = defineCatalog({
    meters: { tokens: { unit: 'token', rate: { mode: 'per_unit', sparks: '1', per: '1' } } },
    plans: { free: {}, pro: { price: { amount: '20' }, credits: { sparks: '1000' }, overage: true } },
  })

  const open = async () => {
    const { lago, begin } = lagoAt(box, api, {
      webhook: { algorithm: 'hmac', key: box.lago.hmacKey },
      paymentProvider: { type: 'stripe', code: 'main' },
    })
    const store = memoryStore({ now: box.now })
    const errors: unknown[] = []
    const environment = { now: box.now, onError: (error: unknown) => void errors.push(error) }
    const billing = createBilling({ catalog, store, providers: { default: lago }, environment })
    closing.push(() => billing.close())
    const accountId = `acct_${crypto.randomUUID()}`
    await billing.accounts.ensure({ accountId })
    await billing.catalog.apply()
    const hooks = await receiver()
    closing.push(() => hooks.close())
    const { data } = await api.webhookEndpoints.createWebhookEndpoint({
      webhook_endpoint: { webhook_url: hooks.url, signature_algo: 'hmac' },
    })
    closing.push(() => api.webhookEndpoints.destroyWebhookEndpoint(data.webhook_endpoint.lago_id))
    let seen = 0
    /** Hands over what Lago has sent since, each as often as asked. */
    const relay = async (times = 1) => {
      box.advance(0)
      await box.flushWebhooks()
      const fresh = hooks.letters.slice(seen)
      seen = hooks.letters.length
      for (const { body: payload, key } of fresh)
        for (let time = 0; time < times; time += 1) {
          const { rawBody, headers } = lagoRequest(box, payload, key)
          const handled = await billing.webhooks.handle('lago', { rawBody, headers: Object.fromEntries(headers) })
          expect(handled.duplicate).toBe(time > 0)
          await handled.applied
        }
      return fresh.map((letter) => (JSON.parse(letter.body) as { webhook_type: string }).webhook_type)
    }
    return { lago, begin, billing, accountId, relay, errors, letters: hooks.letters }
  }

  /** A customer of Lago behind the account, with a card. */
  const known = async ({ billing, accountId }: Awaited<ReturnType<typeof open>>) => {
    await billing.recordUsage({ accountId, meter: 'tokens', quantity: '1', idempotencyKey: 'u0' })
    await billing.sync.flush()
    await leaveCard(api, accountId)
    return accountId
  }

  it('S1.5 S3.12 the plan and its credits come when Lago says that its invoice is paid, once however often it says so', async () => {
    const app = await open()
    const customerId = await known(app)
    await app.begin(customerId, planOfPro())
    const told: string[] = []
    app.billing.on('watch', 'invoice.paid', ({ data }) => void told.push(String(data.total)))
    box.advance(1000)
    expect(await app.relay(3)).toContain('invoice.payment_status_updated')
    expect(await app.billing.accounts.get({ accountId: app.accountId })).toMatchObject({ plan: 'pro' })
    const { available } = await app.billing.credits.balance({ accountId: app.accountId })
    // A thousand came with the period; one was used before.
    expect(available).toBe(999_000_000n)
    await app.billing.sync.flush()
    expect(told).toEqual(['20'])
    expect(app.errors).toEqual([])
    const { items } = await app.billing.listInvoices({ accountId: app.accountId })
    expect(items.map(({ status, actions }) => [status, actions])).toEqual([['paid', ['download']]])
    expect((await app.billing.reconcile({ accountId: app.accountId })).differences).toEqual([])
    expect((await app.billing.verifyLedger()).findings).toEqual([])
  })

  it('G8 usage that Lago took and could not count afterwards is parked', async () => {
    const app = await open()
    await known(app)
    const parked: string[] = []
    app.billing.on('watch', 'delivery.parked', ({ data }) => void parked.push(String(data.reason)))
    const [report] = (await api.events.findAllEvents({ external_subscription_id: app.accountId })).data.events
    const transaction = report?.transaction_id ?? ''
    const object = {
      invalid_code: [transaction],
      missing_aggregation_property: [],
      invalid_filter_values: [],
      missing_group_key: [],
    }
    const payload = {
      webhook_type: 'events.errors',
      object_type: 'events_errors',
      organization_id: 'o',
      events_errors: object,
    }
    const { rawBody, headers } = lagoRequest(box, JSON.stringify(payload))
    await (await app.billing.webhooks.handle('lago', { rawBody, headers: Object.fromEntries(headers) })).applied
    await app.billing.sync.flush()
    expect(parked).toEqual(['lago could not count it: invalid_code (1)'])
    expect((await app.billing.sync.status()).deliveries).toContainEqual({
      destination: 'lago',
      status: 'parked',
      count: 1,
    })
  })

  it('G7 one that was recorded is taken once, however late it comes again', async () => {
    const app = await open()
    await known(app)
    await app.relay()
    const [letter] = app.letters
    box.advance(400 * 86_400_000)
    const { rawBody, headers } = lagoRequest(box, letter?.body ?? '', letter?.key)
    const again = await app.billing.webhooks.handle('lago', { rawBody, headers: Object.fromEntries(headers) })
    expect(again.duplicate).toBe(true)
  })

  it('S0.5 a payment method that has changed is told, by the name that the app knows', async () => {
    const app = await open()
    const customerId = await known(app)
    const told: unknown[] = []
    app.billing.on('watch', 'payment_method.updated', ({ data }) => void told.push(data))
    await app.relay()
    await app.billing.sync.flush()
    expect(told).toContainEqual({ provider: 'lago', customerId })
    const methods = await app.billing.paymentMethods.list({ accountId: app.accountId })
    expect(methods.map(({ type, isDefault }) => [type, isDefault])).toEqual([['stripe', true]])
  })

  function planOfPro() {
    return { ...planPrice(dollars(20n), 'pro'), title: 'pro', overage: [{ meter: 'tokens', sparkPrice: '0.00004' }] }
  }
})
