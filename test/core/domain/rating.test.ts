import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Decimal, decimal, formatDecimal, normalize } from '../../../src/core/domain/decimal.js'
import { priceOfTotal } from '../../../src/core/domain/rating/price-of-total.js'
import { isPeriodRated, type PeriodRate, type Rate, type RateTier } from '../../../src/core/domain/rating/rate.js'
import { rateUsage } from '../../../src/core/domain/rating/rate-usage.js'
import type { CostDiscount } from '../../../src/core/domain/rating/spark-price.js'
import { formatSparks, parseSparks } from '../../../src/core/domain/sparks.js'

const spark = { price: decimal('0.00004'), margin: decimal('1.2') }
const units = (text: string) => parseSparks(text)

describe('an event', () => {
  const perUnit = (sparks: string, per: string) =>
    ({ mode: 'per_unit', sparks: decimal(sparks), per: decimal(per) }) as const
  const rated = (quantity: string, rate: Parameters<typeof rateUsage>[1], cost?: string) =>
    formatSparks(
      rateUsage({ quantity: units(quantity), costUsd: cost === undefined ? undefined : decimal(cost) }, rate, spark),
    )

  it('S1.2 costs what the rate card says: 1,000 tokens 100 Sparks, a minute 50, a gigabyte-month 500', () => {
    expect(rated('1000', perUnit('100', '1000'))).toBe('100')
    expect(rated('1', perUnit('50', '1'))).toBe('50')
    expect(rated('0.5', perUnit('500', '1'))).toBe('250')
  })

  it('S1.2 is rated by cost × 1.2 ÷ $0.00004, the price of one of 500,000 Sparks for $20', () => {
    expect(rated('1', { mode: 'by_cost' }, '1')).toBe('30000')
    expect(rated('1', { mode: 'by_cost' }, '0.000000000000000001')).toBe('0')
  })

  it('S1.2 is rounded once, half to even, at the millionth of a Spark', () => {
    // A half of a micro-spark each, beside an even and an odd one.
    expect(rated('0.000001', perUnit('0.5', '1'))).toBe('0')
    expect(rated('0.000003', perUnit('0.5', '1'))).toBe('0.000002')
    expect(rated('1', perUnit('1', '3'))).toBe('0.333333')
    expect(rated('2', perUnit('1', '3'))).toBe('0.666667')
  })

  it('S1.2 of a flat rate costs the same whatever its quantity, and nothing when nothing was used', () => {
    const flat = { mode: 'flat', sparks: decimal('5') } as const
    expect([rated('1', flat), rated('900', flat), rated('0.000001', flat), rated('0', flat)]).toEqual([
      '5',
      '5',
      '5',
      '0',
    ])
    expect(rateUsage({ quantity: undefined, costUsd: decimal('0') }, flat, spark)).toBe(units('5'))
  })

  it('S1.2 costs at least the minimum in every mode, but nothing when nothing was used', () => {
    const minimum = decimal('2')
    const rates = [
      { ...perUnit('1', '1'), minimum },
      { mode: 'flat', sparks: decimal('1'), minimum },
      { mode: 'by_cost', minimum },
      { ...perUnit('1', '1'), mode: 'larger', minimum },
    ] as const
    for (const rate of rates) {
      expect(rated('1', rate, '0.00004'), rate.mode).toBe('2')
      expect(rated('0', rate, '0'), rate.mode).toBe('0')
    }
    expect(rated('2', rates[0])).toBe('2')
    expect(rated('2.000001', rates[0])).toBe('2.000001')
    // A search without a token was used all the same.
    expect(rated('0', rates[2], '0.00001')).toBe('2')
  })

  it('S1.2 without what its mode needs is refused', () => {
    const missing = { quantity: undefined, costUsd: undefined }
    for (const rate of [perUnit('1', '1'), { mode: 'by_cost' }, { ...perUnit('1', '1'), mode: 'larger' }] as const)
      expect(() => rateUsage(missing, rate, spark)).toThrow(expect.objectContaining({ code: 'invalid_request' }))
  })

  it('S1.2 drifts by at most half a millionth of a Spark from the exact price, by units and by cost', () => {
    const amount = fc.bigInt(1n, 10n ** 12n)
    fc.assert(
      fc.property(amount, amount, amount, fc.nat(12), (quantity, sparks, per, scale) => {
        const rate = { mode: 'per_unit', sparks: normalize(sparks, scale), per: normalize(per, 3) } as const
        const got = rateUsage({ quantity, costUsd: undefined }, rate, spark)
        // Both sides × 2 × per: |got − quantity × sparks ÷ per| ≤ ½.
        const exact = quantity * sparks * 10n ** 3n
        const off = got * per * 10n ** BigInt(scale) - exact
        expect((off < 0n ? -off : off) * 2n <= per * 10n ** BigInt(scale)).toBe(true)
      }),
    )
    fc.assert(
      fc.property(amount, fc.nat(18), (cost, scale) => {
        const got = rateUsage({ quantity: undefined, costUsd: normalize(cost, scale) }, { mode: 'by_cost' }, spark)
        // cost × 1.2 ÷ 0.00004 × 10⁶ micro-sparks = cost × 3 × 10¹⁰.
        const off = got * 10n ** BigInt(scale) - cost * 3n * 10n ** 10n
        expect((off < 0n ? -off : off) * 2n <= 10n ** BigInt(scale)).toBe(true)
      }),
    )
  })
})

describe('the discount of large events', () => {
  const discount = (order: CostDiscount['order']) => ({
    ...spark,
    discount: { above: decimal('10000'), percent: decimal('5'), order },
  })
  const sparksOf = (
    rate: Parameters<typeof rateUsage>[1],
    cost: string,
    order: CostDiscount['order'],
    quantity = '1',
  ) => formatSparks(rateUsage({ quantity: units(quantity), costUsd: decimal(cost) }, rate, discount(order)))
  const larger = { mode: 'larger', sparks: decimal('1'), per: decimal('1') } as const

  it('S1.2 comes off the whole of what is above the threshold, and off nothing that only reaches it', () => {
    for (const order of ['before_margin', 'after_margin'] as const) {
      // $1 is 30,000 Sparks.
      expect(sparksOf({ mode: 'by_cost' }, '1', order)).toBe('28500')
      expect(sparksOf({ mode: 'by_cost' }, '0.333333333333333333', order)).toBe('10000')
      expect(sparksOf({ mode: 'by_cost' }, '0.4', order)).toBe('11400')
    }
    const third = { ...spark, price: decimal('0.00012'), discount: discount('before_margin').discount }
    const rated = (cost: string) =>
      rateUsage({ quantity: undefined, costUsd: decimal(cost) }, { mode: 'by_cost' }, third)
    expect([rated('1'), rated('1.000000001')]).toEqual([10_000_000_000n, 9_500_000_010n])
  })

  it('S1.2 before the margin leaves the price of the units as a floor; after it, it comes off the larger of the two', () => {
    // By cost 30,000, less 5 % 28,500; by units 29,000.
    expect(sparksOf(larger, '1', 'before_margin', '29000')).toBe('29000')
    expect(sparksOf(larger, '1', 'after_margin', '29000')).toBe('28500')
    // By units 40,000, by cost 30,000.
    expect(sparksOf(larger, '1', 'before_margin', '40000')).toBe('40000')
    expect(sparksOf(larger, '1', 'after_margin', '40000')).toBe('38000')
    // By cost below the threshold, by units above.
    expect(sparksOf(larger, '0.1', 'before_margin', '20000')).toBe('20000')
    expect(sparksOf(larger, '0.1', 'after_margin', '20000')).toBe('19000')
  })

  it('S1.2 never goes below the minimum, in either order', () => {
    for (const order of ['before_margin', 'after_margin'] as const)
      expect(sparksOf({ mode: 'by_cost', minimum: decimal('29000') }, '1', order)).toBe('29000')
  })

  it('S1.2 is not rounded in between: the orders agree on every cost', () => {
    fc.assert(
      fc.property(
        fc.bigInt(1n, 10n ** 15n),
        fc.nat(18),
        fc.integer({ min: 1, max: 10_000 }),
        (cost, scale, percent) => {
          const usage = { quantity: undefined, costUsd: normalize(cost, scale) }
          const sparks = (['before_margin', 'after_margin'] as const).map((order) => {
            const terms = { above: decimal('1'), percent: normalize(BigInt(percent), 2), order }
            return rateUsage(usage, { mode: 'by_cost' }, { ...spark, discount: terms })
          })
          expect(sparks[0]).toBe(sparks[1])
        },
      ),
    )
  })
})

const tier = (upTo: string | null, sparks: string, per = '1', flat = '0'): RateTier => ({
  upTo: upTo === null ? null : units(upTo),
  sparks: decimal(sparks),
  per: decimal(per),
  flat: decimal(flat),
})
const total = (rate: PeriodRate, quantity: string) => formatSparks(priceOfTotal(rate, units(quantity)))

describe('the total of a period', () => {
  const tiers = [tier('1000', '2'), tier('5000', '1', '1', '10'), tier(null, '1', '3')]

  it('S1.2 in packages costs every begun one', () => {
    const rate = { mode: 'package', sparks: decimal('7'), per: decimal('100') } as const
    expect(['0', '0.000001', '100', '100.000001', '200', '201'].map((quantity) => total(rate, quantity))).toEqual([
      ...['0', '7', '7', '14', '14', '21'],
    ])
    expect(total({ ...rate, per: decimal('0.3') }, '0.9')).toBe('21')
  })

  it('S1.2 graduated costs each unit at the tier it falls in, the boundary belonging to the tier it ends', () => {
    const rate = { mode: 'graduated', tiers } as const
    expect(total(rate, '0')).toBe('0')
    expect(total(rate, '1')).toBe('2')
    expect(total(rate, '1000')).toBe('2000')
    expect(total(rate, '1000.000001')).toBe('2010.000001')
    expect(total(rate, '1001')).toBe('2011')
    expect(total(rate, '5000')).toBe('6010')
    expect(total(rate, '5001')).toBe('6010.333333')
    expect(total(rate, '5003')).toBe('6011')
  })

  it('S1.2 by volume costs all units at the tier of the total, which may cost less than a unit before', () => {
    const rate = { mode: 'volume', tiers } as const
    expect(total(rate, '0')).toBe('0')
    expect(total(rate, '1000')).toBe('2000')
    expect(total(rate, '1001')).toBe('1011')
    expect(total(rate, '5000')).toBe('5010')
    expect(total(rate, '5001')).toBe('1667')
  })

  it('S1.2 with a first tier that is free costs nothing in it', () => {
    const rate = { mode: 'graduated', tiers: [tier('100', '0'), tier(null, '3')] } as const
    expect([total(rate, '100'), total(rate, '101')]).toEqual(['0', '3'])
  })

  it('S1.2 that no tier holds, or below zero, is a fault and not a price', () => {
    const closed = { mode: 'graduated', tiers: [tier('1', '1')] } as const
    expect(() => priceOfTotal(closed, units('2'))).toThrow(expect.objectContaining({ code: 'invariant_violated' }))
    expect(() => priceOfTotal(closed, -1n)).toThrow(expect.objectContaining({ code: 'invariant_violated' }))
  })

  it('S1.2 is what package, graduated and volume look at, and nothing else', () => {
    const modes = ['per_unit', 'flat', 'by_cost', 'larger', 'package', 'graduated', 'volume']
    expect(modes.filter((mode) => isPeriodRated({ mode } as Rate))).toEqual(['package', 'graduated', 'volume'])
  })
})

describe('totals of random rates', () => {
  const amount = fc.tuple(fc.bigInt(0n, 5_000n), fc.nat(4)).map(([digits, scale]) => normalize(digits, scale))
  const above = fc.tuple(fc.bigInt(1n, 5_000n), fc.nat(2)).map(([digits, scale]) => normalize(digits, scale))
  /** Tiers of whole units, so that a loop can walk them. */
  const wholeTiers = fc
    .tuple(
      fc.uniqueArray(fc.integer({ min: 1, max: 60 }), { maxLength: 4 }),
      fc.array(fc.tuple(amount, above, amount), { minLength: 5, maxLength: 5 }),
    )
    .map(([bounds, prices]): readonly RateTier[] => {
      const ends = [...bounds.sort((left, right) => left - right), null]
      return ends.map((end, index) => {
        const [sparks, per, flat] = prices[index]!
        return { upTo: end === null ? null : BigInt(end) * 1_000_000n, sparks, per, flat }
      })
    })
  const rates = fc.oneof(
    wholeTiers.map((list): PeriodRate => ({ mode: 'graduated', tiers: list })),
    wholeTiers.map((list): PeriodRate => ({ mode: 'volume', tiers: list })),
    fc.tuple(above, above).map(([sparks, per]): PeriodRate => ({ mode: 'package', sparks, per })),
  )

  /** Sparks × 10^scale ÷ per, summed unit by unit over one common denominator. */
  function unitByUnit(tiers: readonly RateTier[], count: number): bigint {
    const product = tiers.reduce((all, { per }) => all * per.coefficient, 1n)
    const scaled = (value: Decimal) => value.coefficient * 10n ** BigInt(12 - value.scale)
    let sum = 0n
    let entered = -1
    for (let unit = 1; unit <= count; unit += 1) {
      const index = tiers.findIndex(({ upTo }) => upTo === null || BigInt(unit) * 1_000_000n <= upTo)
      for (; entered < index; entered += 1) sum += scaled(tiers[entered + 1]!.flat) * product
      const { sparks, per } = tiers[index]!
      sum += (scaled(sparks) * product * 10n ** BigInt(per.scale)) / per.coefficient
    }
    // From 10⁻¹² Sparks to micro-sparks, half to even.
    const denominator = product * 10n ** 6n
    const floor = sum / denominator
    const twice = (sum % denominator) * 2n
    return twice > denominator || (twice === denominator && floor % 2n === 1n) ? floor + 1n : floor
  }

  it('S1.2 graduated equals the sum over its units, one by one', () => {
    fc.assert(
      fc.property(wholeTiers, fc.integer({ min: 0, max: 90 }), (tiers, count) => {
        expect(priceOfTotal({ mode: 'graduated', tiers }, BigInt(count) * 1_000_000n)).toBe(unitByUnit(tiers, count))
      }),
      { numRuns: 500 },
    )
  })

  it('S1.2 by volume equals the rate of its tier on all units', () => {
    fc.assert(
      fc.property(wholeTiers, fc.integer({ min: 1, max: 90 }), (tiers, count) => {
        const own = tiers.find(({ upTo }) => upTo === null || BigInt(count) * 1_000_000n <= upTo)!
        const alone = unitByUnit([{ ...own, upTo: null }], count)
        expect(priceOfTotal({ mode: 'volume', tiers }, BigInt(count) * 1_000_000n)).toBe(alone)
      }),
    )
  })

  it('S1.2 never falls with more units, but by volume', () => {
    const micro = fc.bigInt(0n, 90_000_000n)
    fc.assert(
      fc.property(rates, micro, micro, (rate, one, other) => {
        const [less, more] = one < other ? [one, other] : [other, one]
        fc.pre(rate.mode !== 'volume')
        expect(priceOfTotal(rate, less) <= priceOfTotal(rate, more)).toBe(true)
      }),
    )
  })

  it('S1.2 is the same however the usage was split: what the events add up to is the price of the total', () => {
    fc.assert(
      fc.property(rates, fc.array(fc.bigInt(1n, 20_000_000n), { maxLength: 30 }), (rate, events) => {
        let used = 0n
        let posted = 0n
        for (const event of events) {
          used += event
          posted += priceOfTotal(rate, used) - posted
        }
        const inOne = events.reduce((sum, event) => sum + event, 0n)
        expect(posted).toBe(priceOfTotal(rate, inOne))
      }),
    )
  })

  it('S1.2 does not drift over a million events of a third of a micro-spark', () => {
    const rate: PeriodRate = { mode: 'graduated', tiers: [tier(null, '1', '3')] }
    let posted = 0n
    for (let used = 1n; used <= 1_000_000n; used += 1n) posted += priceOfTotal(rate, used) - posted
    expect(posted).toBe(333_333n)
    expect(formatDecimal(normalize(posted, 6))).toBe('0.333333')
  })
})
