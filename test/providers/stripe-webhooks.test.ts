import { createHmac } from 'node:crypto'
import Stripe from 'stripe'
import { describe, expect, it } from 'vitest'
import { type StripeProviderOptions, stripeProvider } from '../../src/providers/stripe/index.js'
import { parseSignatureHeader } from '../../src/providers/stripe/signature.js'

const client = new Stripe('sk_test_unused')
const secret = 'whsec_of_the_endpoint'
const body = '{"id":"evt_1","type":"checkout.session.completed","data":{"object":{"id":"cs_1"}}}'
const at = 1_795_255_200
const nowMs = at * 1000

function hmac(payload: string, key = secret, timestamp: number | string = at): string {
  return createHmac('sha256', key).update(`${timestamp}.${payload}`).digest('hex')
}

const signed = (payload: string) => `t=${at},v1=${hmac(payload)}`

function verify(header: string | null, given: Partial<StripeProviderOptions> & { payload?: string | Uint8Array } = {}) {
  const { payload = body, ...options } = given
  const rawBody = typeof payload === 'string' ? new TextEncoder().encode(payload) : payload
  const headers = new Map(header === null ? [] : [['stripe-signature', header]])
  return stripeProvider({ client, webhookSecret: secret, ...options }).webhooks.verify({ rawBody, headers }, nowMs)
}

describe('a signature', () => {
  it('S1.4 is accepted over the raw bytes, as the SDK makes it', async () => {
    const header = Stripe.webhooks.generateTestHeaderString({ payload: body, secret, timestamp: at })
    expect(await verify(header)).toEqual({ eventId: 'evt_1', type: 'checkout.session.completed', payload: body })
  })

  const bad: readonly (readonly [string, string | null])[] = [
    ['no header', null],
    ['an empty header', ''],
    ['a timestamp without a signature', `t=${at}`],
    ['a signature without a timestamp', 'v1=deadbeef'],
    ['only the test scheme v0', `t=${at},v0=${hmac(body)}`],
    ['the signature of another body', `t=${at},v1=${hmac('{}')}`],
    ['a signature with something after it', `t=${at},v1=${hmac(body)}00`],
    ['a signature cut short', `t=${at},v1=${hmac(body).slice(0, 62)}`],
    ['an empty signature', `t=${at},v1=`],
    ['a signature in capitals', `t=${at},v1=${hmac(body).toUpperCase()}`],
    ['a signature of another time', `t=${at + 1},v1=${hmac(body)}`],
    ['two timestamps', `t=${at},t=${at + 4799},v1=${hmac(body)}`],
    ['the same timestamp twice', `t=${at},t=${at},v1=${hmac(body)}`],
    ['a timestamp that is no number', `t=soon,v1=${hmac(body, secret, 'soon')}`],
    ['a timestamp with an exponent', `t=1e9,v1=${hmac(body, secret, '1e9')}`],
    ['a negative timestamp', `t=-${at},v1=${hmac(body, secret, -at)}`],
    ['a padded timestamp', `t=0${at},v1=${hmac(body, secret, `0${at}`)}`],
    ['parts separated by spaces', `t=${at}, v1=${hmac(body)}`],
    ['a part without a value', `t=${at},v1=${hmac(body)},junk`],
    ['a signature made with no key', `t=${at},v1=${hmac(body, '')}`],
    ['a signature made with another secret', `t=${at},v1=${hmac(body, 'whsec_other')}`],
  ]
  for (const [what, header] of bad) {
    it(`S1.4 is refused for ${what}`, async () => {
      await expect(verify(header)).rejects.toMatchObject({ code: 'webhook_signature_invalid', httpStatus: 400 })
    })
  }

  it('S1.4 is valid for 300 seconds in both directions, and not one more', async () => {
    for (const distance of [-300, 300]) {
      const time = at + distance
      await expect(verify(`t=${time},v1=${hmac(body, secret, time)}`)).resolves.toMatchObject({ eventId: 'evt_1' })
    }
    for (const distance of [-301, 301]) {
      const time = at + distance
      await expect(verify(`t=${time},v1=${hmac(body, secret, time)}`)).rejects.toMatchObject({
        code: 'webhook_timestamp_out_of_tolerance',
      })
    }
  })

  it('S1.4 that is wrong says so, however old it is', async () => {
    await expect(verify(`t=5,v1=${hmac(body)}`)).rejects.toMatchObject({ code: 'webhook_signature_invalid' })
  })

  it('S1.4 keeps to the tolerance it was given', async () => {
    const time = at - 11
    const header = `t=${time},v1=${hmac(body, secret, time)}`
    await expect(verify(header, { webhookToleranceSeconds: 11 })).resolves.toBeDefined()
    await expect(verify(header, { webhookToleranceSeconds: 10 })).rejects.toMatchObject({
      code: 'webhook_timestamp_out_of_tolerance',
    })
  })

  it('S1.4 may be by any of several secrets, and any of several signatures, while one is rotated', async () => {
    const webhookSecret = ['whsec_new', secret]
    await expect(verify(signed(body), { webhookSecret })).resolves.toBeDefined()
    await expect(verify(`t=${at},v1=${hmac(body, 'whsec_new')}`, { webhookSecret })).resolves.toBeDefined()
    const both = `t=${at},v1=${hmac(body, 'whsec_old')},v1=${hmac(body)}`
    await expect(verify(both)).resolves.toBeDefined()
    await expect(verify(`t=${at},v1=${hmac(body, 'whsec_old')}`, { webhookSecret })).rejects.toBeDefined()
  })

  it('S1.4 lists that go on for ever are refused before anything is hashed', async () => {
    await expect(verify(`t=${at},${'v1=aa,'.repeat(20_000)}`)).rejects.toMatchObject({ code: 'header_too_large' })
    const many = (count: number) => `t=${at},${Array.from({ length: count }, () => `v1=${hmac(body)}`).join(',')}`
    await expect(verify(many(17))).rejects.toMatchObject({ code: 'header_too_large', httpStatus: 431 })
    await expect(verify(many(16))).resolves.toBeDefined()
  })

  it('S1.4 schemes that are not known are passed over', () => {
    expect(parseSignatureHeader('t=1,v0=00,v2=zz,v1=ab')).toEqual({ timestamp: '1', signatures: ['ab'] })
  })
})

describe('a body', () => {
  it('S1.4 of more than 5 MiB is refused before it is hashed', async () => {
    await expect(verify(signed(body), { payload: new Uint8Array(6_291_456) })).rejects.toMatchObject({
      code: 'payload_too_large',
      httpStatus: 413,
    })
  })

  for (const payload of [
    '{"id":"evt_1"',
    '[]',
    'null',
    '1',
    '""',
    '',
    '{}',
    '{"id":"evt_1"}',
    '{"id":1,"type":"a"}',
    '{"id":"","type":"a"}',
  ]) {
    it(`S1.4 that is signed but is no event is refused: ${JSON.stringify(payload)}`, async () => {
      await expect(verify(signed(payload), { payload })).rejects.toMatchObject({ code: 'webhook_payload_invalid' })
    })
  }

  it('S1.4 that is not UTF-8 is refused', async () => {
    const payload = new Uint8Array([0x7b, 0xff, 0x7d])
    const signature = createHmac('sha256', secret).update(`${at}.`).update(payload).digest('hex')
    await expect(verify(`t=${at},v1=${signature}`, { payload })).rejects.toMatchObject({
      code: 'webhook_payload_invalid',
    })
  })
})

describe('what an event points at', () => {
  const interpret = async (event: object, options: Partial<StripeProviderOptions> = {}) => {
    const payload = JSON.stringify({ id: 'evt_1', ...event })
    const type = 'type' in event ? String(event.type) : ''
    const { webhooks } = stripeProvider({ client, webhookSecret: secret, ...options })
    return webhooks.interpret({ eventId: 'evt_1', type, payload }, {})
  }
  const data = { object: { id: 'obj_1' } }

  for (const type of ['completed', 'async_payment_succeeded', 'async_payment_failed', 'expired']) {
    it(`S1.4 is the session for checkout.session.${type}`, async () => {
      expect(await interpret({ type: `checkout.session.${type}`, data })).toEqual({
        kind: 'checkout',
        externalId: 'obj_1',
      })
    })
  }

  for (const type of ['created', 'updated', 'deleted', 'paused', 'resumed']) {
    it(`S1.5 is the subscription for customer.subscription.${type}`, async () => {
      expect(await interpret({ type: `customer.subscription.${type}`, data })).toEqual({
        kind: 'subscription',
        externalId: 'obj_1',
      })
    })
  }

  for (const type of ['some.future.event', '__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
    it(`S1.4 is nothing for the type ${type}`, async () => {
      expect(await interpret({ type, data })).toMatchObject({ kind: 'ignored' })
    })
  }

  it('S1.4 is nothing for an event of the other mode', async () => {
    const event = { type: 'checkout.session.completed', data }
    expect(await interpret({ ...event, livemode: false }, { livemode: true })).toMatchObject({ kind: 'ignored' })
    expect(await interpret({ ...event, livemode: true }, { livemode: false })).toMatchObject({ kind: 'ignored' })
    expect(await interpret({ ...event, livemode: true }, { livemode: true })).toMatchObject({ kind: 'checkout' })
    expect(await interpret({ ...event, livemode: false })).toMatchObject({ kind: 'checkout' })
  })

  it('S1.4 is nothing for a thin event that is not known, with the reason', async () => {
    const type = 'v1.some.future.event'
    expect(await interpret({ type, object: 'v2.core.event' })).toEqual({
      kind: 'ignored',
      reason: `The thin event ${type} is not acted on.`,
    })
  })

  for (const [type, what] of Object.entries({
    'invoice.paid': { kind: 'invoice', externalId: 'obj_1' },
    'invoice_payment.paid': { kind: 'invoice', externalId: 'in_1' },
    'payment_intent.succeeded': { kind: 'payment', externalId: 'obj_1' },
    'charge.refunded': { kind: 'payment', externalId: 'pi_1' },
    'refund.failed': { kind: 'payment', externalId: 'pi_1' },
    'charge.dispute.closed': { kind: 'payment', externalId: 'pi_1' },
    'payment_method.attached': { kind: 'payment_method', customerId: 'cus_1' },
    'customer.updated': { kind: 'payment_method', customerId: 'obj_1' },
    'customer.deleted': { kind: 'customer_gone', customerId: 'obj_1' },
  })) {
    it(`S1.4 S2.5 is what has to be read again for ${type}, whether ids or objects are in it`, async () => {
      const ids = { id: 'obj_1', payment_intent: 'pi_1', invoice: 'in_1', customer: 'cus_1' }
      const objects = {
        id: 'obj_1',
        payment_intent: { id: 'pi_1' },
        invoice: { id: 'in_1' },
        customer: { id: 'cus_1' },
      }
      expect(await interpret({ type, data: { object: ids } })).toEqual(what)
      expect(await interpret({ type, data: { object: objects } })).toEqual(what)
    })
  }

  it('S1.4 is nothing for what belongs to nothing of ours', async () => {
    for (const type of ['charge.refunded', 'invoice_payment.paid', 'payment_method.attached'])
      expect(await interpret({ type, data })).toMatchObject({ kind: 'ignored' })
  })

  it('S1.4 is nothing for an event of another Stripe account', async () => {
    const event = { type: 'checkout.session.completed', data }
    expect(await interpret({ ...event, account: 'acct_x' })).toMatchObject({ kind: 'ignored' })
    expect(await interpret(event, { account: 'acct_x' })).toMatchObject({ kind: 'ignored' })
    expect(await interpret({ ...event, account: 'acct_x' }, { account: 'acct_x' })).toMatchObject({ kind: 'checkout' })
  })

  it('S1.4 must be there where the type promises it', async () => {
    for (const broken of [{}, { data: null }, { data: { object: {} } }, { data: { object: { id: 7 } } }]) {
      await expect(interpret({ type: 'checkout.session.completed', ...broken })).rejects.toMatchObject({
        code: 'webhook_payload_invalid',
      })
    }
  })
})

describe('the options', () => {
  for (const webhookSecret of ['', ' ', '\n', 'whsec_x\n', [], [''], [secret, '  ']]) {
    it(`S1.4 refuse the secret ${JSON.stringify(webhookSecret)}: with it anyone could sign`, () => {
      expect(() => stripeProvider({ client, webhookSecret })).toThrowError(
        expect.objectContaining({ code: 'config_invalid' }),
      )
    })
  }

  for (const webhookToleranceSeconds of [0, -1, 601, 1.5, Number.NaN]) {
    it(`S1.4 refuse a tolerance of ${webhookToleranceSeconds}: 0 would switch the check off`, () => {
      expect(() => stripeProvider({ client, webhookToleranceSeconds })).toThrowError(
        expect.objectContaining({ code: 'config_invalid' }),
      )
    })
  }

  it('S1.4 may leave the secret out; then every webhook is refused, whatever its signature', async () => {
    const { webhooks } = stripeProvider({ client })
    const headers = new Map([['stripe-signature', `t=${at},v1=${hmac(body, '')}`]])
    await expect(webhooks.verify({ rawBody: new TextEncoder().encode(body), headers }, nowMs)).rejects.toMatchObject({
      code: 'webhook_not_configured',
      httpStatus: 503,
    })
  })

  it('C4 must have a client, and never show a secret in the error', () => {
    const options = { client: undefined as unknown as Stripe, webhookSecret: secret }
    expect(() => stripeProvider(options)).toThrowError(expect.objectContaining({ code: 'config_invalid' }))
    expect(() => stripeProvider({ client, webhookSecret: ' whsec_secret' })).not.toThrowError(/whsec_secret/)
  })
})
