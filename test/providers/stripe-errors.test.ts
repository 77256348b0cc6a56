import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import Stripe from 'stripe'
import { describe, expect, it } from 'vitest'
import { parseRetryAfter } from '../../src/providers/door/fault.js'
import { stripeCall } from '../../src/providers/stripe/call.js'
import { stripeFault, toBillingError } from '../../src/providers/stripe/errors.js'

const answered = (statusCode: number, extra: object = {}) =>
  Object.assign(new Error('No.'), { type: 'StripeInvalidRequestError', statusCode, requestId: 'req_1', ...extra })

const connection = (detail: unknown, message = 'An error occurred with our connection to Stripe.') =>
  Object.assign(new Error(message), { type: 'StripeConnectionError', detail })

describe('an error of the SDK', () => {
  const table: readonly (readonly [string, unknown, string, string])[] = [
    ['a wrong key', answered(401), 'provider_authentication', 'provider_authentication'],
    ['a key without the permission', answered(403), 'provider_authentication', 'provider_authentication'],
    ['a rate limit', answered(429), 'provider_unavailable', 'provider_unavailable'],
    ['an old rate limit', answered(400, { code: 'rate_limit' }), 'provider_unavailable', 'provider_unavailable'],
    [
      'an object that is locked',
      answered(409, { code: 'lock_timeout' }),
      'provider_unavailable',
      'provider_unavailable',
    ],
    [
      'a key still at work',
      answered(409, { code: 'idempotency_key_in_use' }),
      'provider_unavailable',
      'outcome_unknown',
    ],
    ['an unknown id in the address', answered(404, { code: 'resource_missing' }), 'not_found', 'not_found'],
    ['an unknown address', answered(404), 'provider_rejected', 'provider_rejected'],
    [
      'an unknown id in the parameters',
      answered(400, { code: 'resource_missing' }),
      'provider_rejected',
      'provider_rejected',
    ],
    ['a declined card', answered(402), 'provider_rejected', 'provider_rejected'],
    ['a server error', answered(500), 'provider_unavailable', 'outcome_unknown'],
    ['a bad gateway', answered(502), 'provider_unavailable', 'outcome_unknown'],
    [
      'unreadable JSON',
      Object.assign(new Error('Invalid JSON'), { type: 'StripeAPIError' }),
      'provider_unavailable',
      'outcome_unknown',
    ],
    ['a refused connection', connection({ code: 'ECONNREFUSED' }), 'provider_unavailable', 'provider_unavailable'],
    [
      'a host without an address',
      connection({ cause: { code: 'ENOTFOUND' } }),
      'provider_unavailable',
      'provider_unavailable',
    ],
    ['a timeout', connection({ code: 'ETIMEDOUT' }), 'provider_unavailable', 'outcome_unknown'],
    ['a reset', connection({ code: 'ECONNRESET' }), 'provider_unavailable', 'outcome_unknown'],
    ['half a body', connection({}), 'provider_unavailable', 'outcome_unknown'],
    [
      'a refused connection after a repeat',
      connection({ code: 'ECONNREFUSED' }, 'An error occurred. Request was retried 1 times.'),
      'provider_unavailable',
      'outcome_unknown',
    ],
    ['something else', 'boom', 'provider_unavailable', 'outcome_unknown'],
  ]
  for (const [what, error, read, write] of table) {
    it(`C4 for ${what} is ${read} on a read and ${write} on a write`, () => {
      expect(toBillingError(error, 'read').code).toBe(read)
      const mapped = toBillingError(error, 'write')
      expect(mapped.code).toBe(write)
      expect(mapped.outcome).toBe(write === 'outcome_unknown' ? 'unknown' : 'not_applied')
      expect(mapped.retryable).toBe(['provider_unavailable', 'outcome_unknown'].includes(write))
    })
  }

  it('C4 keeps what may be shown, for support', () => {
    const error = answered(429, { code: 'rate_limit', headers: { 'retry-after': '5' } })
    expect(toBillingError(error, 'write').details).toEqual({
      provider: 'stripe',
      reason: 'rate_limited',
      status: 429,
      code: 'rate_limit',
      requestId: 'req_1',
      retryAfterMs: 5000,
    })
  })

  it('C4 is passed on when it is ours already', () => {
    const ours = toBillingError(answered(400), 'write')
    expect(toBillingError(ours, 'read')).toBe(ours)
  })
})

describe('Retry-After', () => {
  const table: readonly (readonly [unknown, number | undefined])[] = [
    ['0', 0],
    ['5', 5000],
    [' 1.5 ', 1500],
    ['-5', 0],
    ['100000000', 3_600_000],
    ['Thu, 01 Jan 1970 00:00:00 GMT', 0],
    ['Fri, 31 Dec 9999 23:59:59 GMT', 3_600_000],
    ['soon', undefined],
    ['', undefined],
    [undefined, undefined],
    [7, undefined],
  ]
  for (const [header, waitMs] of table) {
    it(`C4 of ${JSON.stringify(header)} is a wait of ${waitMs} ms`, () => expect(parseRetryAfter(header)).toBe(waitMs))
  }
})

describe('the door to the SDK', () => {
  const client = new Stripe('sk_test_unused')
  const call = stripeCall(client)

  it('C4 creates nothing without a key: the SDK would invent one', async () => {
    let sent = 0
    const send = async () => {
      sent += 1
    }
    await expect(call.create({}, send)).rejects.toMatchObject({ code: 'idempotency_key_required' })
    await expect(call.create({ idempotencyKey: '' }, send)).rejects.toMatchObject({ code: 'idempotency_key_required' })
    expect(sent).toBe(0)
  })

  it('C4 passes the key on for writes only', async () => {
    const options = { idempotencyKey: 'k1' }
    expect(await call.create(options, async (_, request) => request)).toEqual({ idempotencyKey: 'k1' })
    expect(await call.read(options, async (_, request) => request)).toEqual({})
  })

  it('C4 sends nothing when it was aborted before', async () => {
    const signal = AbortSignal.abort()
    await expect(call.create({ idempotencyKey: 'k', signal }, async () => 1)).rejects.toMatchObject({
      code: 'provider_timeout',
      outcome: 'not_applied',
    })
  })

  it('C4 does not know what became of a write that was aborted on its way', async () => {
    const controller = new AbortController()
    const never = () => new Promise<never>(() => {})
    const write = call.create({ idempotencyKey: 'k', signal: controller.signal }, never)
    const read = call.read({ signal: controller.signal }, never)
    controller.abort()
    await expect(write).rejects.toMatchObject({ code: 'outcome_unknown' })
    await expect(read).rejects.toMatchObject({ code: 'provider_unavailable' })
  })

  it('C4 tells a connection that was never made from one that was lost, with both of the SDK’s HTTP clients', async () => {
    const { port, close } = await resettingServer()
    const port2 = await closedPort()
    for (const httpClient of [Stripe.createNodeHttpClient(), Stripe.createFetchHttpClient()]) {
      const settings = {
        host: '127.0.0.1',
        protocol: 'http',
        telemetry: false,
        maxNetworkRetries: 0,
        httpClient,
      } as const
      const lost = await failureOf(new Stripe('sk_test_x', { ...settings, port }))
      expect(stripeFault(lost).kind).toBe('lost')
      const refused = await failureOf(new Stripe('sk_test_x', { ...settings, port: port2 }))
      expect(stripeFault(refused).kind).toBe('not_sent')
    }
    close()
  })
})

async function failureOf(client: Stripe): Promise<unknown> {
  return client.customers.create({}).then(
    () => undefined,
    (error: unknown) => error,
  )
}

async function listening(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

async function resettingServer() {
  const server = createServer((request) => request.socket.destroy())
  return { port: await listening(server), close: () => server.close() }
}

async function closedPort(): Promise<number> {
  const server = createServer()
  const port = await listening(server)
  await new Promise((resolve) => server.close(resolve))
  return port
}
