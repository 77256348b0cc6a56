import type { BillingHandler } from 'billfold/http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { stores } from '../core/operations/stores.js'
import { closeHosts, hosts } from './hosts.js'
import { accountId, openWorld, people, scopes, site, type World } from './world.js'

/** What is sent: a body as JSON, or its text or bytes as they are. */
interface Sent {
  readonly body?: unknown
  readonly raw?: string | Uint8Array<ArrayBuffer>
  readonly headers?: Readonly<Record<string, string>>
}

type Case = readonly [what: string, route: string, sent: Sent, status: number, code: string]

const event = { meter: 'workflows', quantity: '1', idempotency_key: 'u-1' }
const usage = (what: string, change: object, code: string, status = 400): Case => {
  return [what, 'POST /usage/events', { body: { ...event, ...change } }, status, code]
}
const rawUsage = (what: string, raw: string, code: string): Case => [what, 'POST /usage/events', { raw }, 400, code]
const page = { kind: 'package', package: 'small', success_url: `${site}/ok`, cancel_url: `${site}/no` }
const checkout = (what: string, change: object, code: string, status = 400): Case => {
  return [what, 'POST /checkout', { body: { ...page, ...change } }, status, code]
}
const list = (what: string, question: string, code: string): Case => [what, `GET /invoices?${question}`, {}, 400, code]
const cookie = (headers: Readonly<Record<string, string>>) => ({
  authorization: '',
  cookie: 'session=cookie',
  ...headers,
})
const webhook = (what: string, signature: string | null, code: string, raw = '{"id":"evt_1"}'): Case => {
  const headers = signature === null ? {} : { 'stripe-signature': signature }
  return [what, 'POST /webhooks/stripe', { raw, headers: { authorization: '', ...headers } }, 400, code]
}

/** The reverse of `wanted`: what each of these is answered, and that nothing came of it. */
const cases: readonly Case[] = [
  usage('B003 zero', { quantity: '0' }, 'invalid_quantity'),
  usage('B008 exponent notation', { quantity: '1e308' }, 'invalid_quantity'),
  rawUsage(
    'B010 an unsafe whole number',
    '{"meter":"workflows","quantity":9007199254740993,"idempotency_key":"u-1"}',
    'invalid_quantity',
  ),
  rawUsage('B002 minus zero', '{"meter":"workflows","quantity":-0,"idempotency_key":"u-1"}', 'invalid_quantity'),
  usage('B013 too many decimals', { quantity: '0.0000000000001' }, 'invalid_quantity'),
  usage('B014 a separator', { quantity: '1,000' }, 'invalid_quantity'),
  usage('B015 spaces', { quantity: ' 5 ' }, 'invalid_quantity'),
  usage('B017 hexadecimal', { quantity: '0x10' }, 'invalid_quantity'),
  usage('B018 digits of another script', { quantity: '\u0663' }, 'invalid_quantity'),
  usage('B020 a boolean', { quantity: true }, 'invalid_quantity'),
  usage('B021 a list', { quantity: ['5'] }, 'invalid_quantity'),
  usage('B023 null', { quantity: null }, 'invalid_quantity'),
  usage('B024 none', { quantity: undefined }, 'invalid_request'),
  usage('text of a hundred thousand digits', { quantity: '9'.repeat(100_000) }, 'invalid_quantity'),
  usage('B026 an empty key', { idempotency_key: '' }, 'invalid_idempotency_key'),
  usage('B027 a blank key', { idempotency_key: '   ' }, 'invalid_idempotency_key'),
  usage('B028 a key of 256', { idempotency_key: 'k'.repeat(256) }, 'invalid_idempotency_key'),
  usage('B029 a key with NUL', { idempotency_key: 'a\0b' }, 'invalid_idempotency_key'),
  usage('B030 a key with a line break', { idempotency_key: 'k\r\nX-Evil: 1' }, 'invalid_idempotency_key'),
  usage('B031 an e-mail as a key', { idempotency_key: 'alice@example.com:2026-11' }, 'invalid_idempotency_key'),
  usage('no key', { idempotency_key: undefined }, 'idempotency_key_required'),
  usage('B044 an unknown meter', { meter: 'nope' }, 'invalid_request'),
  usage('B045 a meter of the prototype', { meter: '__proto__' }, 'invalid_request'),
  usage('B046 another one', { meter: 'constructor' }, 'invalid_request'),
  usage('a meter that is a number', { meter: 5 }, 'invalid_request'),
  usage('B047 30 February', { occurred_at: '2026-02-30' }, 'invalid_timestamp'),
  usage('B048 no zone', { occurred_at: '2026-11-21T10:00:00' }, 'invalid_timestamp'),
  usage('B049 American', { occurred_at: '11/21/2026' }, 'invalid_timestamp'),
  usage('B051 a number', { occurred_at: 1_795_255_200 }, 'invalid_timestamp'),
  usage('B054 the last moment', { occurred_at: '+275760-09-13T00:00:00.000Z' }, 'timestamp_out_of_range'),
  usage('B055 no moment', { occurred_at: '0000-00-00T00:00:00Z' }, 'invalid_timestamp'),
  rawUsage(
    'B056 a prototype',
    '{"meter":"workflows","quantity":"1","idempotency_key":"u-1","dimensions":{"__proto__":{"isAdmin":true}}}',
    'invalid_metadata',
  ),
  usage('B058 nested dimensions', { dimensions: { a: { b: 1 } } }, 'invalid_metadata'),
  usage('B060 a long name', { dimensions: { ['k'.repeat(41)]: 'v' } }, 'invalid_metadata'),
  usage('B061 a long value', { dimensions: { k: 'v'.repeat(501) } }, 'invalid_metadata'),
  usage('dimensions that are a list', { dimensions: [] }, 'invalid_metadata'),
  usage('negative tokens', { quantity: undefined, tokens: { input: -5 }, model: 'gpt-5' }, 'invalid_quantity'),
  usage('B066 unknown fields', { balance: '999999', billed: true, unitPrice: '0' }, 'unknown_field'),
  usage('B117 another account', { accountId: 'acct_b' }, 'unknown_field'),
  ['B067 an empty batch', 'POST /usage/events', { body: { events: [] } }, 400, 'invalid_request'],
  ['B068 1,001 events', 'POST /usage/events', { body: { events: Array(1_001).fill(event) } }, 413, 'batch_too_large'],
  ['events that are no list', 'POST /usage/events', { body: { events: 'all' } }, 400, 'invalid_request'],

  checkout('B151 another site', { success_url: 'https://evil.com/' }, 'redirect_not_allowed'),
  checkout('B152 no scheme', { success_url: '//evil.com/' }, 'redirect_not_allowed'),
  checkout('B155 a longer host', { success_url: `${site}.evil.com/` }, 'redirect_not_allowed'),
  checkout('B156 a user', { success_url: `${site}@evil.com/` }, 'redirect_not_allowed'),
  checkout('B159 not encrypted', { success_url: 'http://app.example/' }, 'redirect_not_allowed'),
  checkout('B160 another port', { success_url: `${site}:444/` }, 'redirect_not_allowed'),
  checkout('B162 a letter of another script', { success_url: 'https://\u0430pp.example/' }, 'redirect_not_allowed'),
  checkout('B163 script', { success_url: 'javascript:alert(1)' }, 'redirect_not_allowed'),
  checkout('B164 script with a tab', { success_url: 'java\tscript:alert(1)' }, 'redirect_not_allowed'),
  checkout('B166 blob', { success_url: `blob:${site}/uuid` }, 'redirect_not_allowed'),
  checkout('B168 a line break', { success_url: `${site}/\r\nSet-Cookie: a=b` }, 'redirect_not_allowed'),
  checkout('B170 a long address', { success_url: `${site}/${'a'.repeat(2_100)}` }, 'invalid_url'),
  checkout('an address that is a number', { success_url: 5 }, 'invalid_url'),
  checkout('B171 back to another site', { cancel_url: 'https://evil.com/' }, 'redirect_not_allowed'),
  checkout('B174 a price', { amount: '0' }, 'unknown_field'),
  checkout('B177 nothing', { kind: 'credits', package: undefined, amount: '0' }, 'invalid_amount'),
  checkout('a number for money', { kind: 'credits', package: undefined, amount: 10 }, 'invalid_amount'),
  checkout('too much', { kind: 'credits', package: undefined, amount: '1000.01' }, 'amount_out_of_range'),
  checkout('B178 a price id', { price_id: 'price_attackers_cheap_price' }, 'unknown_field'),
  checkout('B179 a package that is not sold', { package: 'hidden' }, 'not_found', 404),
  checkout('B180 less than one', { quantity: -1 }, 'invalid_quantity'),
  checkout('B181 a billion', { quantity: 1_000_000_000 }, 'amount_out_of_range'),
  checkout('B182 a customer', { customer_id: 'cus_of_acct_b' }, 'unknown_field'),
  checkout('B185 a trial', { trial_days: 3_650 }, 'unknown_field'),
  checkout('a kind that is not there', { kind: 'gift' }, 'invalid_request'),
  checkout('no kind', { kind: undefined }, 'invalid_request'),
  ['B190 a session of nobody', 'GET /checkout/cs_of_acct_b', {}, 404, 'not_found'],
  [
    'B196 a portal that leads away',
    'POST /account/acme/portal',
    { body: { return_url: 'https://evil.com' } },
    400,
    'redirect_not_allowed',
  ],
  [
    'B198 a portal of a customer',
    'POST /account/acme/portal',
    { body: { customer_id: 'cus_b' } },
    400,
    'unknown_field',
  ],
  ['B199 a portal without a customer', 'POST /account/acme/portal', { body: {} }, 409, 'invalid_state'],
  [
    'more money than is taken',
    'POST /account/acme/credits/checkout',
    { body: { amount_usd: 1_000.01 } },
    400,
    'invalid_request',
  ],

  ['B200 an invoice of nobody', 'GET /invoices/in_of_acct_b', {}, 404, 'not_found'],
  ['B201 its PDF', 'GET /invoices/in_of_acct_b/pdf', {}, 404, 'not_found'],
  ['B202 its payment', 'POST /invoices/in_of_acct_b/pay', { body: {} }, 404, 'not_found'],
  ['B203 an id that is none', 'GET /invoices/1%20OR%201=1', {}, 400, 'invalid_id'],
  ['B304 a way out', 'GET /invoices/%2e%2e%2fadmin', {}, 404, 'not_found'],
  ['B305 an id with NUL', 'GET /invoices/%00', {}, 400, 'invalid_id'],
  ['B306 an id that is no text', 'GET /invoices/%E0%A4%A', {}, 400, 'invalid_id'],
  list('B211 less than none', 'limit=-1', 'invalid_range'),
  list('B212 more than there may be', 'limit=100000', 'invalid_range'),
  list('B213 half a number', 'limit=10abc', 'invalid_range'),
  list('B214 a cursor of another account', 'cursor=eyJhY2NvdW50IjoiYWNjdF9iIn0=', 'invalid_cursor'),
  list('a cursor of a thousand and more', `cursor=${'a'.repeat(1_500)}`, 'invalid_cursor'),
  list('B217 another account', 'accountId=acct_b', 'unknown_field'),
  list('an unknown state', 'status=nonsense', 'invalid_request'),
  ['B218 backwards', 'GET /usage?from=2026-11-21&to=2026-11-01', {}, 400, 'invalid_range'],
  ['more days than are summed', 'GET /usage?from=2000-01-01&to=2100-01-01', {}, 400, 'invalid_range'],
  ['days that are none', 'GET /usage?from=2026-02-30', {}, 400, 'invalid_timestamp'],
  [
    'B223 a card number',
    'POST /payment-methods',
    { body: { cardNumber: '4242424242424242', cvc: '123' } },
    400,
    'unknown_field',
  ],
  ['B226 a method of nobody', 'DELETE /payment-methods/pm_of_acct_b', {}, 404, 'not_found'],
  ['B126 as default', 'POST /payment-methods/pm_of_acct_b/set_default', { body: {} }, 404, 'not_found'],
  ['B131 a package that is not there', 'POST /credit-packages/inactive/purchase', { body: {} }, 404, 'not_found'],
  [
    'B132 credits by the caller',
    'POST /credit-packages/small/purchase',
    { body: { credits: '1000000' } },
    400,
    'unknown_field',
  ],
  [
    'B230 not a yes or no',
    'POST /account/acme/subscription/cancel',
    { body: { at_period_end: 'yes' } },
    400,
    'invalid_request',
  ],
  ['B233 a price', 'POST /subscription/change', { body: { plan: 'pro', price: '0' } }, 400, 'unknown_field'],

  webhook('B235 no signature', null, 'webhook_signature_invalid'),
  webhook('B237 a time alone', 't=1795255200', 'webhook_signature_invalid'),
  webhook('B238 no time', 'v1=deadbeef', 'webhook_signature_invalid'),
  ['B275 a webhook that is asked for', 'GET /webhooks/stripe', {}, 405, 'method_not_allowed'],

  ['B285 nobody', 'GET /invoices', { headers: { authorization: '' } }, 401, 'unauthenticated'],
  [
    'B291 a form with a cookie',
    'POST /usage/events',
    { raw: '{}', headers: cookie({ 'content-type': 'text/plain', 'sec-fetch-site': 'same-origin' }) },
    415,
    'unsupported_media_type',
  ],
  [
    'B292 a cookie from another site',
    'POST /usage/events',
    { raw: '{}', headers: cookie({ origin: 'https://evil.com' }) },
    403,
    'csrf_failed',
  ],
  [
    'B293 a cookie from nowhere',
    'POST /usage/events',
    { raw: '{}', headers: cookie({ origin: 'null' }) },
    403,
    'csrf_failed',
  ],
  ['a cookie alone', 'POST /usage/events', { raw: '{}', headers: cookie({}) }, 403, 'csrf_failed'],
  ['B298 a comma too many', 'POST /usage/events', { raw: '{"a":1,}' }, 400, 'invalid_json'],
  [
    'B300 a hundred thousand lists',
    'POST /usage/events',
    { raw: '['.repeat(100_000) + ']'.repeat(100_000) },
    400,
    'invalid_json',
  ],
  ['B301 a byte too many', 'POST /usage/events', { raw: new Uint8Array(1_048_577).fill(32) }, 413, 'payload_too_large'],
  ['no UTF-8', 'POST /usage/events', { raw: new Uint8Array([0x22, 0xff, 0x22]) }, 400, 'invalid_json'],
  ['a list for an object', 'POST /usage/events', { raw: '[]' }, 400, 'invalid_request'],
  ['text for an object', 'POST /usage/events', { raw: '"x"' }, 400, 'invalid_request'],
  [
    'B307 two keys',
    'POST /usage/events',
    { body: { meter: 'workflows', quantity: '1' }, headers: { 'idempotency-key': 'a, b' } },
    400,
    'invalid_idempotency_key',
  ],
  [
    'a body that is packed',
    'POST /usage/events',
    { raw: '{}', headers: { 'content-encoding': 'gzip' } },
    415,
    'unsupported_media_type',
  ],
]

const callers = { ...people, cookie: { accountId, scopes, by: 'cookie' as const } }

/** By a bearer token, or by a cookie as browsers send it. */
const identify = (request: Request) => {
  const given = request.headers.get('authorization') || request.headers.get('cookie')?.replace('session=', 'Bearer ')
  return callers[given?.replace('Bearer ', '') as keyof typeof callers] ?? null
}

const surfaces: readonly (readonly [
  string,
  (handler: BillingHandler) => Promise<(path: string, init?: RequestInit) => Promise<Response>>,
])[] = [
  ['fetch', async (handler) => (path, init) => handler(new Request(`${site}${path}`, init))],
  ['express', hosts.express as (typeof hosts)[string]],
  ['next', hosts.next as (typeof hosts)[string]],
]

for (const store of stores) {
  describe(`bad input on a ${store.name} store`, () => {
    let world: World
    beforeAll(async () => {
      world = await openWorld({ open: store.open, identify })
    })
    afterAll(async () => {
      await closeHosts()
      await world.close()
    })
    const kept = () =>
      Promise.all([world.billing.usage.list({ accountId }), world.billing.credits.transactions({ accountId })])

    for (const [name, host] of surfaces) {
      it(`G19 S4.7 is answered by ${name} with its code, and nothing comes of it`, async () => {
        const ask = await host(world.handler)
        const before = await kept()
        const answered: (readonly [string, number, string])[] = []
        for (const [what, route, { body, raw, headers = {} }] of cases) {
          const [method = '', path = ''] = route.split(' ')
          const isWrite = method !== 'GET' && method !== 'DELETE'
          const sent = raw ?? JSON.stringify(body)
          const init: RequestInit = {
            method,
            headers: {
              authorization: 'Bearer owner',
              ...(isWrite && { 'content-type': 'application/json' }),
              ...headers,
            },
            ...(isWrite && { body: sent }),
          }
          const answer = await ask(`/api/billing${path}`, init)
          const text = await answer.text()
          const problem = JSON.parse(text) as { code: string; detail?: string }
          expect(text, what).not.toContain('4242424242424242')
          answered.push([what, answer.status, problem.detail ? problem.code : text.slice(0, 200)])
        }
        expect(answered).toEqual(cases.map(([what, , , status, code]) => [what, status, code]))
        expect(await kept()).toEqual(before)
      }, 60_000)
    }
  })
}
