import type { Decimal } from '../../src/core/domain/decimal.js'
import type { Rate } from '../../src/core/domain/rating/rate.js'

/** A quotient of integers; the second is above zero. */
type Quotient = readonly [bigint, bigint]

const micro = 1_000_000n

/** What so many micro-units of one period cost together, in micro-sparks, by the rates that these tests use. */
export function priceOf(rate: Rate, units: bigint): bigint {
  if (units === 0n) return 0n
  switch (rate.mode) {
    case 'per_unit':
      return sparks(over(times([units, micro], rate.sparks), rate.per))
    case 'flat':
      return sparks(times([1n, 1n], rate.sparks))
    case 'package': {
      const [a, b] = over([units, micro], rate.per)
      return sparks(times([a % b === 0n ? a / b : a / b + 1n, 1n], rate.sparks))
    }
    case 'graduated': {
      let total: Quotient = [0n, 1n]
      let from = 0n
      for (const tier of rate.tiers) {
        const to = tier.upTo === null || units < tier.upTo ? units : tier.upTo
        total = plus(total, plus(times([1n, 1n], tier.flat), over(times([to - from, micro], tier.sparks), tier.per)))
        from = to
        if (from === units) break
      }
      return sparks(total)
    }
    case 'volume': {
      const tier = rate.tiers.find(({ upTo }) => upTo === null || units <= upTo)
      if (!tier) throw new Error('no tier holds so much')
      return sparks(plus(times([1n, 1n], tier.flat), over(times([units, micro], tier.sparks), tier.per)))
    }
    default:
      throw new Error(`no sequence uses the rate ${rate.mode}`)
  }
}

/** The nearest integer, of two equally near ones the even. */
export function nearest(numerator: bigint, denominator: bigint): bigint {
  const floor = (numerator - (((numerator % denominator) + denominator) % denominator)) / denominator
  const twice = 2n * (numerator - floor * denominator)
  if (twice === denominator) return floor % 2n === 0n ? floor : floor + 1n
  return twice > denominator ? floor + 1n : floor
}

function sparks([a, b]: Quotient): bigint {
  return nearest(a * micro, b)
}

function times([a, b]: Quotient, { coefficient, scale }: Decimal): Quotient {
  return [a * coefficient, b * 10n ** BigInt(scale)]
}

function over([a, b]: Quotient, { coefficient, scale }: Decimal): Quotient {
  return [a * 10n ** BigInt(scale), b * coefficient]
}

function plus([a, b]: Quotient, [c, d]: Quotient): Quotient {
  return [a * d + c * b, b * d]
}
