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

/** The most that up to so many units may cost from any total between two, looked for at every end of a tier or package. */
export function dearestOf(rate: Rate, from: bigint, to: bigint, units: bigint): bigint {
  const ends: bigint[] = []
  if (rate.mode === 'package') {
    // Whole packages of whole units are all that these tests use.
    const size = rate.per.coefficient * micro
    for (let end = 0n; end <= to; end += size) ends.push(end)
  }
  if (rate.mode === 'graduated' || rate.mode === 'volume')
    for (const { upTo } of rate.tiers) if (upTo !== null) ends.push(upTo, upTo + 1n)
  const starts = [from, to, ...ends, ...(rate.mode === 'package' ? [] : ends.map((end) => end - units))]
  let most = 0n
  for (const start of starts) {
    if (start < from || start > to) continue
    const parts = rate.mode === 'volume' ? ends.map((end) => end - start) : []
    for (const part of [units, ...parts]) {
      if (part < 0n || part > units) continue
      const price = priceOf(rate, start + part) - priceOf(rate, start)
      if (price > most) most = price
    }
  }
  return most
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
