import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  addDecimal,
  compareDecimal,
  decimal,
  divide,
  formatDecimal,
  parseDecimal,
  toScaled,
} from '../../../src/core/domain/decimal.js'
import { decodeExact, encodeExact } from '../../../src/core/domain/exact-json.js'
import {
  addMoney,
  allocate,
  compareMoney,
  formatMoney,
  fromMinor,
  parseMoney,
  toMinor,
} from '../../../src/core/domain/money.js'
import { periodAt } from '../../../src/core/domain/period.js'
import { afterRefusal, afterUsage, type QuotaStatus } from '../../../src/core/domain/quota.js'
import { rateUsage } from '../../../src/core/domain/rating/rate-usage.js'
import { checkRedirect, parseAllowedOrigins } from '../../../src/core/domain/redirect.js'
import { parseSparks } from '../../../src/core/domain/sparks.js'

const spark = { price: decimal('0.00004'), margin: decimal('1.2') }
const at = (text: string) => Date.parse(text)

describe('decimals', () => {
  it('reads back what it wrote and refuses every other grammar', () => {
    fc.assert(
      fc.property(fc.bigInt(-(10n ** 20n), 10n ** 20n), fc.nat(12), (coefficient, scale) => {
        const text = formatDecimal(addDecimal({ coefficient, scale }, decimal('0')))
        expect(formatDecimal(decimal(text))).toBe(text)
      }),
    )
    for (const text of ['', ' 5 ', '1e3', '0x10', '1,000', '.5', '5.', '٣', '+1', '--1', 'NaN'])
      expect(parseDecimal(text)).toBeUndefined()
  })

  it('rounds half to even, down and up by name', () => {
    expect([divide(5n, 2n, 'half_even'), divide(7n, 2n, 'half_even'), divide(-5n, 2n, 'half_even')]).toEqual([
      2n,
      4n,
      -2n,
    ])
    expect([divide(-5n, 2n, 'floor'), divide(5n, 2n, 'ceiling')]).toEqual([-3n, 3n])
    expect(toScaled(decimal('1.2345'), 2, 'half_even')).toBe(123n)
    expect(compareDecimal(decimal('0.1'), decimal('0.10'))).toBe(0)
  })
})

describe('money', () => {
  it('takes no more digits than a currency has, and counts its minor units', () => {
    expect(toMinor(parseMoney('18.600', 'kwd'), 'half_even')).toBe(18_600n)
    expect(toMinor(parseMoney('80', 'JPY'), 'half_even')).toBe(80n)
    expect(() => parseMoney('80.00', 'JPY')).toThrow(expect.objectContaining({ code: 'invalid_amount' }))
    expect(() => parseMoney('1.005', 'USD')).toThrow(expect.objectContaining({ code: 'invalid_amount' }))
    expect(() => parseMoney('1', 'ZZZ')).toThrow(expect.objectContaining({ code: 'invalid_currency' }))
    expect(formatMoney(addMoney(fromMinor(150n, 'USD'), parseMoney('0.5', 'USD')))).toBe('2')
    expect(() => compareMoney(fromMinor(1n, 'USD'), fromMinor(1n, 'EUR'))).toThrow(
      expect.objectContaining({ code: 'currency_mismatch' }),
    )
  })

  it('splits without losing a cent', () => {
    expect(allocate(100n, [1n, 1n, 1n])).toEqual([34n, 33n, 33n])
    const weights = fc
      .array(fc.bigInt(0n, 1_000n), { minLength: 1, maxLength: 9 })
      .filter((list) => list.some((weight) => weight > 0n))
    fc.assert(
      fc.property(fc.bigInt(0n, 10n ** 15n), weights, (total, list) => {
        expect(allocate(total, list).reduce((sum, part) => sum + part, 0n)).toBe(total)
      }),
    )
  })
})

it('S1.2 rates by unit, by cost and by the larger of the two, exactly', () => {
  const perUnit = { mode: 'per_unit', sparks: decimal('100'), per: decimal('1000') } as const
  expect(rateUsage({ quantity: parseSparks('1205'), costUsd: undefined }, perUnit, spark)).toBe(parseSparks('120.5'))
  expect(rateUsage({ quantity: undefined, costUsd: decimal('0.003') }, { mode: 'by_cost' }, spark)).toBe(
    parseSparks('90'),
  )
  const larger = { ...perUnit, mode: 'larger' } as const
  expect(rateUsage({ quantity: parseSparks('1000'), costUsd: decimal('0.003') }, larger, spark)).toBe(
    parseSparks('100'),
  )
  expect(rateUsage({ quantity: parseSparks('10'), costUsd: decimal('0.003') }, larger, spark)).toBe(parseSparks('90'))
})

it('S0.6 a jump over both thresholds passes them in order, and a refusal throttles once', () => {
  const use = (status: QuotaStatus, before: bigint, used: bigint) =>
    afterUsage(status, { before, used }, { limit: 100n, nearPercent: 80 })
  expect(use('below_quota', 0n, 100n)).toEqual({ status: 'at_quota', transitions: ['near', 'reached'] })
  expect(use('below_quota', 0n, 80n).transitions).toEqual([])
  expect(use('below_quota', 80n, 81n).status).toBe('near_quota')
  expect(use('throttled', 0n, 85n)).toEqual({ status: 'throttled', transitions: ['near'] })
  expect(use('throttled', 85n, 100n)).toEqual({ status: 'throttled', transitions: ['reached'] })
  expect(afterRefusal('at_quota').transitions).toEqual(['throttled'])
  expect(afterRefusal('throttled').transitions).toEqual([])
})

it('anchored periods clamp to short months and come back to their day', () => {
  const month = (anchor: number) => ({ anchor, zone: 'UTC', interval: 'month' }) as const
  const starts = (anchor: string, moment: string) =>
    new Date(periodAt(at(moment), month(at(anchor))).startsAt).toISOString().slice(0, 10)
  expect(starts('2024-01-31T00:00:00Z', '2024-02-29T00:00:00Z')).toBe('2024-02-29')
  expect(starts('2024-01-31T00:00:00Z', '2024-03-31T00:00:00Z')).toBe('2024-03-31')
  expect(
    new Date(
      periodAt(at('2025-02-28T00:00:00Z'), { ...month(at('2024-02-29T00:00:00Z')), interval: 'year' }).startsAt,
    ).toISOString(),
  ).toBe('2025-02-28T00:00:00.000Z')
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 4e12 }), fc.integer({ min: 0, max: 4e12 }), (anchor, moment) => {
      const period = periodAt(moment, month(anchor))
      expect(period.startsAt <= moment && moment < period.endsAt).toBe(true)
      expect(periodAt(period.endsAt, month(anchor)).startsAt).toBe(period.endsAt)
    }),
  )
})

it('a stored result is read back with its bigints', () => {
  const balance = { balance: 2n ** 62n, held: 0n, available: 2n ** 62n, debt: 0n }
  const result = { kind: 'entry', id: 'ent_1', amount: -1n, balance } as const
  expect(decodeExact(encodeExact(result))).toEqual(result)
})

it('redirects go to configured origins and nowhere else', () => {
  const allowed = parseAllowedOrigins(['https://app.example.com'])
  expect(checkRedirect('/billing/ok', allowed, 'successUrl')).toBe('https://app.example.com/billing/ok')
  const foreign = [
    ...[
      'https://evil.com/',
      '//evil.com/',
      'https://app.example.com.evil.com/',
      'https://app.example.com@evil.com/',
      'https:evil.com',
    ],
    ...[
      'https://user:pw@app.example.com/',
      'http://app.example.com/',
      'https://app.example.com:444/',
      'https://app.example.com./',
    ],
    ...[
      'javascript:alert(1)',
      'java\tscript:alert(1)',
      'blob:https://app.example.com/x',
      'https://app.example.com/\r\nX: y',
      '/\\evil.com',
    ],
  ]
  for (const address of foreign) {
    expect(() => checkRedirect(address, allowed, 'successUrl'), address).toThrow(
      expect.objectContaining({ code: 'redirect_not_allowed' }),
    )
  }
  expect(() => parseAllowedOrigins(['*'])).toThrow(expect.objectContaining({ code: 'config_invalid' }))
  expect(() => parseAllowedOrigins(['https://*.example.com'])).toThrow(
    expect.objectContaining({ code: 'config_invalid' }),
  )
})
