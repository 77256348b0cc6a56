import type { ErrorCode } from 'billfold'

/** What is wrong, and the value that is. */
export type BadValue = readonly [what: string, value: unknown]
/** What is wrong, how a good input is changed for it, and the code that answers. */
export type BadInput = readonly [what: string, change: Readonly<Record<string, unknown>>, code: ErrorCode]

const circular: Record<string, unknown> = {}
circular.self = circular

/** An object that reads as text where something converts it. */
const stringLike = (text: string) => ({ toString: () => text, valueOf: () => text, toJSON: () => text })

export const badQuantities: readonly BadValue[] = [
  ['minus zero', -0],
  ['zero', '0'],
  ['zero with decimals', '0.000000'],
  ['the number zero', 0],
  ['the bigint zero', 0n],
  ['negative text', '-1'],
  ['a negative number', -1],
  ['a negative bigint', -1n],
  ['not a number', Number.NaN],
  ['infinity', Number.POSITIVE_INFINITY],
  ['minus infinity', Number.NEGATIVE_INFINITY],
  ['exponent notation', '1e308'],
  ['a number beyond all bounds', 1e21],
  ['an unsafe whole number', Number('9007199254740993')],
  ['the first unsafe whole number', Number.MAX_SAFE_INTEGER + 1],
  ['a fraction as a number', 0.1 + 0.2],
  ['too many decimals', '0.0000000000001'],
  ['seven decimals', '1.0000001'],
  ['a separator', '1,000'],
  ['spaces around it', ' 5 '],
  ['a line break after it', '5\n'],
  ['hexadecimal text', '0x10'],
  ['digits of another script', '\u0663'],
  ['a boolean', true],
  ['an array', ['5']],
  ['an object that reads as a number', stringLike('5')],
  ['a boxed number', Object(5)],
  ['null', null],
  ['empty text', ''],
  ['blank text', '   '],
  ['a plus sign', '+5'],
  ['no digit before the point', '.5'],
  ['no digit after the point', '5.'],
  ['two points', '1.2.3'],
  ['two to the 63rd', 2n ** 63n],
  ['ten to the 30th', 10n ** 30n],
  ['text of a hundred thousand digits', '9'.repeat(100_000)],
  ['more than ten to the 12th', '1000000000001'],
  ['a symbol', Symbol('5')],
  ['a function', () => 5],
  ['a date', new Date(5)],
  ['an emoji', '5️⃣'],
  ['text with a NUL', '5\0'],
]

/** Amounts of Sparks that are no amounts; what is one, but too large, is another matter. */
export const badAmounts: readonly BadValue[] = badQuantities
  .filter(([, value]) => value !== '1000000000001' && value !== 2n ** 63n && value !== 10n ** 30n)
  .concat([['the smallest negative bigint', -(2n ** 63n)]])

export const hugeAmounts: readonly BadValue[] = [
  ['two to the 63rd Sparks', '9223372036854775808'],
  ['one micro-spark more than is stored', 2n ** 63n],
  ['ten to the 30th', 10n ** 30n],
  ['the largest safe number of Sparks', Number.MAX_SAFE_INTEGER],
]

export const badIds: readonly BadValue[] = [
  ['null', null],
  ['empty', ''],
  ['blank', '   '],
  ['a path', '../acct_b'],
  ['only dots', '..'],
  ['an SQL fragment', "acct_a' OR '1'='1"],
  ['longer than 128 characters', 'a'.repeat(129)],
  ['a NUL', 'acct_a\0'],
  ['a line break after it', 'acct_a\n'],
  ['a space before it', ' acct_a'],
  ['a percent sign', 'acct%5Fa'],
  ['a lone surrogate', 'acct_\ud800'],
  ['an emoji', 'acct_🙂'],
  ['right-to-left text', '\u202eacct_a'],
  ['a letter of another script', '\u0430cct_a'],
  ['a number', 5],
  ['a bigint', 5n],
  ['a boolean', true],
  ['an array', ['acct_a']],
  ['an object that reads as the id', stringLike('acct_a')],
  ['a boxed string', Object('acct_a')],
  ['a symbol', Symbol('acct_a')],
]

export const badKeys: readonly BadValue[] = [
  ['null', null],
  ['empty', ''],
  ['blank', '   '],
  ['longer than 255 characters', 'k'.repeat(256)],
  ['a NUL', 'a\0b'],
  ['line breaks', 'k\r\nX-Evil: 1'],
  ['an e-mail address', 'alice@example.com:2026-11'],
  ['a lone surrogate', 'k\udfff'],
  ['an emoji', 'k🙂'],
  ['right-to-left text', '\u05d0'],
  ['a number', 5],
  ['an array', ['k']],
  ['an object that reads as text', stringLike('k')],
  ['a symbol', Symbol('k')],
]

export const badTimes: readonly (readonly [what: string, value: unknown, code: ErrorCode])[] = [
  ['30 February', '2026-02-30', 'invalid_timestamp'],
  ['30 February with a time', '2026-02-30T10:00:00Z', 'invalid_timestamp'],
  ['29 February of a common year', '2025-02-29T10:00:00Z', 'invalid_timestamp'],
  ['no zone', '2026-11-21T10:00:00', 'invalid_timestamp'],
  ['a local order of day and month', '11/21/2026', 'invalid_timestamp'],
  ['not a number', Number.NaN, 'invalid_timestamp'],
  ['an invalid Date', new Date(Number.NaN), 'invalid_timestamp'],
  ['seconds since the epoch', 1795255200, 'invalid_timestamp'],
  ['milliseconds since the epoch', 1795255200000, 'invalid_timestamp'],
  ['a bigint', 1795255200000n, 'invalid_timestamp'],
  ['seconds as text', '1795255200', 'invalid_timestamp'],
  ['a Date made of seconds', new Date(1795255200), 'timestamp_out_of_range'],
  ['the largest date', '+275760-09-13T00:00:00.000Z', 'timestamp_out_of_range'],
  ['the largest Date', new Date(8.64e15), 'timestamp_out_of_range'],
  ['more than the largest date', '+275760-09-14T00:00:00.000Z', 'invalid_timestamp'],
  ['an expanded year and then nothing', '+275760-', 'invalid_timestamp'],
  ['before the year 0', '-000001-01-01T00:00:00Z', 'timestamp_out_of_range'],
  ['the zero date', '0000-00-00T00:00:00Z', 'invalid_timestamp'],
  ['the year 1', '0001-01-01T00:00:00Z', 'timestamp_out_of_range'],
  ['the epoch', '1970-01-01T00:00:00Z', 'timestamp_out_of_range'],
  ['the year 2200', '2200-01-01T00:00:00Z', 'timestamp_out_of_range'],
  ['hour 24', '2026-11-20T24:00:00Z', 'invalid_timestamp'],
  ['hour 25', '2026-11-20T25:00:00Z', 'invalid_timestamp'],
  ['minute 60', '2026-11-20T10:60:00Z', 'invalid_timestamp'],
  ['a leap second', '2016-12-31T23:59:60Z', 'invalid_timestamp'],
  ['an offset of 24 hours', '2026-11-20T10:00:00+24:00', 'invalid_timestamp'],
  ['an offset of 60 minutes', '2026-11-20T10:00:00+00:60', 'invalid_timestamp'],
  ['a space before it', ' 2026-11-20T10:00:00Z', 'invalid_timestamp'],
  ['a line break after it', '2026-11-20T10:00:00Z\n', 'invalid_timestamp'],
  ['digits of another script', '\u0662026-11-20T10:00:00Z', 'invalid_timestamp'],
  ['null', null, 'invalid_timestamp'],
  ['empty', '', 'invalid_timestamp'],
  ['a boolean', true, 'invalid_timestamp'],
  ['an array', ['2026-11-20T10:00:00Z'], 'invalid_timestamp'],
  ['an object that reads as a time', stringLike('2026-11-20T10:00:00Z'), 'invalid_timestamp'],
  ['an object that only looks like a Date', Object.create(Date.prototype), 'invalid_timestamp'],
]

/** Text for people that cannot be kept alike by every store, or says nothing. */
export const badTexts = (maximum: number): readonly BadValue[] => [
  ['null', null],
  ['blank', ' \t\n'],
  [`longer than ${maximum} characters`, 'x'.repeat(maximum + 1)],
  ['a NUL', 'a\0b'],
  ['a lone surrogate', 'a\ud800b'],
  ['half a pair at the end', '🙂'.slice(0, 1)],
  ['a number', 5],
  ['an array', ['text']],
  ['an object that reads as text', stringLike('text')],
]

export const badMetadata: readonly BadValue[] = [
  ['null', null],
  ['text', 'a=b'],
  ['an array', [['a', 'b']]],
  ['a Map', new Map([['a', 'b']])],
  ['a Date', new Date(0)],
  ['the name __proto__', JSON.parse('{"__proto__":{"isAdmin":true}}')],
  ['the name __proto__ with text', JSON.parse('{"__proto__":"admin"}')],
  ['another prototype', { __proto__: { isAdmin: 'true' }, a: 'b' }],
  ['the name constructor', { constructor: 'x' }],
  ['the name prototype', { prototype: 'x' }],
  ['a nested object', { a: { b: 1 } }],
  ['a number', { a: 1 }],
  ['null in it', { a: null }],
  ['undefined in it', { a: undefined }],
  ['text that is an object', { a: Object('b') }],
  ['51 names', Object.fromEntries(Array.from({ length: 51 }, (_, index) => [`k${index}`, 'v']))],
  ['a name of 41 characters', { ['k'.repeat(41)]: 'v' }],
  ['a value of 501 characters', { k: 'v'.repeat(501) }],
  ['itself', circular],
  ['an empty name', { '': 'v' }],
  ['a line break in a name', { 'a\n': 'v' }],
  ['an emoji in a name', { '🙂': 'v' }],
  ['a NUL in a value', { a: 'v\0' }],
  ['a lone surrogate in a value', { a: '\ud800' }],
  ['a reserved name', { billfold_intent_id: 'x' }],
]

const throwing = {
  get accountId(): string {
    throw new TypeError('a getter threw')
  },
}

/** What is no input at all, for any operation. */
export const badInputs: readonly BadValue[] = [
  ['undefined', undefined],
  ['null', null],
  ['text', 'acct_a'],
  ['a number', 5],
  ['an array', [{ accountId: 'acct_a' }]],
  ['a function', () => ({ accountId: 'acct_a' })],
  ['an empty object', {}],
  ['a getter that throws', throwing],
  [
    'a proxy that throws',
    new Proxy(
      {},
      {
        get() {
          throw new RangeError('a proxy threw')
        },
        ownKeys() {
          throw new RangeError('a proxy threw')
        },
      },
    ),
  ],
  ['a proxy that was revoked', revoked()],
]

/** Throws whatever is asked of it, even what it is. */
export function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}

/** Fields that are not the caller's to set, whatever the operation. */
export const foreignFields: readonly (readonly [what: string, fields: Readonly<Record<string, unknown>>])[] = [
  ['balance', { balance: '999999', billed: true, unitPrice: '0' }],
  ['customerId', { customerId: 'cus_of_acct_b' }],
  ['a tenant', { tenantId: 'acct_b' }],
  ['__proto__', JSON.parse('{"__proto__":{"accountId":"acct_b"}}')],
  ['constructor', { constructor: 'x' }],
  ['a field whose name has no end', { ['x'.repeat(100_000)]: 1 }],
]

/** Addresses that a customer must not be sent to, for any field that takes one. */
export const badRedirects: readonly (readonly [what: string, address: unknown, code: ErrorCode])[] = [
  ['another origin', 'https://evil.com/', 'redirect_not_allowed'],
  ['no scheme', '//evil.com/', 'redirect_not_allowed'],
  ['backslashes', '/\\evil.com/', 'redirect_not_allowed'],
  ['only backslashes', '\\\\evil.com', 'redirect_not_allowed'],
  ['an origin that begins like ours', 'https://app.example.com.evil.com/', 'redirect_not_allowed'],
  ['our host as a user', 'https://app.example.com@evil.com/', 'redirect_not_allowed'],
  ['a user and password', 'https://user:pw@app.example.com/', 'redirect_not_allowed'],
  ['no encryption', 'http://app.example.com/', 'redirect_not_allowed'],
  ['another port', 'https://app.example.com:444/', 'redirect_not_allowed'],
  ['a dot after the host', 'https://app.example.com./', 'redirect_not_allowed'],
  ['a letter of another script', 'https://app.ex\u0430mple.com/', 'redirect_not_allowed'],
  ['a script', 'javascript:alert(1)', 'redirect_not_allowed'],
  ['a script with a tab', 'java\tscript:alert(1)', 'redirect_not_allowed'],
  ['data', 'data:text/html,x', 'redirect_not_allowed'],
  ['a blob of our origin', 'blob:https://app.example.com/uuid', 'redirect_not_allowed'],
  ['a scheme without slashes', 'https:evil.com', 'redirect_not_allowed'],
  ['line breaks', 'https://app.example.com/\r\nSet-Cookie: a=b', 'redirect_not_allowed'],
  ['a NUL', '/ok\0', 'redirect_not_allowed'],
  ['a space before it', ' https://app.example.com/', 'redirect_not_allowed'],
  ['a path without a slash', 'ok', 'redirect_not_allowed'],
  ['more than 2,048 characters', `https://app.example.com/${'a'.repeat(2_048)}`, 'invalid_url'],
  ['empty', '', 'invalid_url'],
  ['null', null, 'invalid_url'],
  ['a number', 5, 'invalid_url'],
  ['an array', ['https://app.example.com/'], 'invalid_url'],
  ['a URL object', new URL('https://app.example.com/'), 'invalid_url'],
]

/** What no operation on an account takes for its account. */
export const badAccounts: readonly BadInput[] = [
  ...badIds.map(([what, id]): BadInput => [`accountId: ${what}`, { accountId: id }, 'invalid_id']),
  ['accountId: missing', { accountId: undefined }, 'invalid_request'],
  ['accountId: unknown', { accountId: 'acct_missing' }, 'not_found'],
  ...foreignFields.map(([what, fields]): BadInput => [`fields of ours: ${what}`, fields, 'unknown_field']),
]

/** The same for those that write. */
export const badWrites: readonly BadInput[] = [
  ...badAccounts,
  ...badKeys.map(([what, key]): BadInput => [`key: ${what}`, { idempotencyKey: key }, 'invalid_idempotency_key']),
  ['key: missing', { idempotencyKey: undefined }, 'idempotency_key_required'],
]

/** What is no reason, for operations that want one. */
export const badReasons: readonly BadInput[] = [
  ...badTexts(500).map(([what, reason]): BadInput => [`reason: ${what}`, { reason }, 'invalid_request']),
  ['reason: missing', { reason: undefined }, 'invalid_request'],
]

/** What is no page, for operations that list. */
export const badPages: readonly BadInput[] = [
  ...[0, -1, 101, 1.5, Number.NaN, '10', null, 10n].map(
    (limit): BadInput => [`limit: ${String(limit)}`, { limit }, 'invalid_range'],
  ),
  ...[null, '', 'x', 5, btoa('acct_b|1'), btoa('acct_a'), btoa('acct_a|'), btoa('acct_a|%'), 'c'.repeat(9_000)].map(
    (cursor): BadInput => [`cursor: ${String(cursor).slice(0, 20)}`, { cursor }, 'invalid_cursor'],
  ),
]
