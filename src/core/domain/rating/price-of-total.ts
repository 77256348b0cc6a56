import { BillingError } from '../../errors.js'
import { divide } from '../decimal.js'
import {
  addFraction,
  divideFraction,
  type Fraction,
  fraction,
  fractionOf,
  multiplyFraction,
  roundFraction,
} from '../fraction.js'
import { type MicroSparks, type MicroUnits, microPerUnit } from '../sparks.js'
import type { PeriodRate, RateTier } from './rate.js'

/**
 * What `units` of one period cost together: exact up to the last step, then rounded once, half to even. No units cost nothing.
 *
 * An event's own price is what it adds: `priceOfTotal(rate, after) - priceOfTotal(rate, before)`. Summed over a period that is the
 * price of the total, however the usage was split, so that no rounding adds up. With `volume` it may be negative: reaching a cheaper
 * tier lowers the price of the units before it.
 *
 * @throws BillingError `invariant_violated` for units below zero, or tiers without an open end (`defineCatalog` makes none)
 */
export function priceOfTotal(rate: PeriodRate, units: MicroUnits): MicroSparks {
  if (units < 0n) throw new BillingError('invariant_violated', `A period has a total of ${units} micro-units.`)
  if (units === 0n) return 0n
  return roundFraction(multiplyFraction(sparksOf(rate, units), fraction(microPerUnit)), 'half_even')
}

/**
 * The most that up to `units` more may cost, wherever between `from` and `to` the total stands by then: what must be reserved for them
 * while nobody knows how much of what others have reserved will be used.
 */
export function dearestPrice(rate: PeriodRate, from: MicroUnits, to: MicroUnits, units: MicroUnits): MicroSparks {
  if (from === to && rate.mode !== 'volume') return priceOfTotal(rate, from + units) - priceOfTotal(rate, from)
  let most = 0n
  for (const start of startsWithin(rate, from, to, units)) {
    const before = priceOfTotal(rate, start)
    for (const more of partsOf(rate, start, units)) {
      const price = priceOfTotal(rate, start + more) - before
      if (price > most) most = price
    }
  }
  return most
}

/** Between these the price of what is added changes evenly, so that it is dearest at one of them. */
function startsWithin(rate: PeriodRate, from: MicroUnits, to: MicroUnits, units: MicroUnits): readonly MicroUnits[] {
  const starts = rate.mode === 'package' ? [lastFull(rate, to)] : boundsOf(rate).flatMap((end) => [end, end + 1n])
  const ends = rate.mode === 'package' ? [] : starts.map((start) => start - units)
  return [from, to, ...[...starts, ...ends].filter((start) => start > from && start < to)]
}

/** With `volume` fewer units may cost more, up to the end of a dearer tier. */
function partsOf(rate: PeriodRate, start: MicroUnits, units: MicroUnits): readonly MicroUnits[] {
  if (rate.mode !== 'volume') return [units]
  const ends = boundsOf(rate).flatMap((end) => [end - start, end + 1n - start])
  return [units, ...ends.filter((part) => part > 0n && part < units)]
}

function boundsOf({ tiers }: Exclude<PeriodRate, { mode: 'package' }>): readonly MicroUnits[] {
  return tiers.flatMap(({ upTo }) => upTo ?? [])
}

/** The largest total of whole packages that is at most so many units. */
function lastFull({ per }: Extract<PeriodRate, { mode: 'package' }>, units: MicroUnits): MicroUnits {
  const size = multiplyFraction(fractionOf(per), fraction(microPerUnit))
  const count = (units * size.denominator) / size.numerator
  return divide(count * size.numerator, size.denominator, 'ceiling')
}

/** Units of a period, or of one event in it, that the plan did not give, and what was charged for them. */
export interface RatedUnits {
  readonly units: MicroUnits
  readonly sparks: MicroSparks
}

/** Whether all of a period was rated by this rate: not where its prices changed within the period. */
export function isPriceOfTotal(rate: PeriodRate, { units, sparks }: RatedUnits): boolean {
  return priceOfTotal(rate, units) === sparks
}

/**
 * What an event costs once it is of `units`: what it cost, and what that changes the price of its period's total by. Where the period
 * was rated by several rates it has no such price: fewer units cost their share of what the event cost, and more of them what they add.
 */
export function amendedPrice(rate: PeriodRate, period: RatedUnits, own: RatedUnits, units: MicroUnits): MicroSparks {
  const more = priceOfTotal(rate, period.units + units - own.units) - priceOfTotal(rate, period.units)
  if (isPriceOfTotal(rate, period)) return own.sparks + more
  if (units < own.units) return divide(own.sparks * units, own.units, 'half_even')
  return own.sparks + (more > 0n ? more : 0n)
}

function sparksOf(rate: PeriodRate, units: MicroUnits): Fraction {
  switch (rate.mode) {
    case 'package':
      return packages(rate, units)
    case 'graduated':
      return graduated(rate.tiers, units)
    case 'volume':
      return tierPrice(tierOf(rate.tiers, units), units)
    default:
      return unreachable(rate)
  }
}

function packages(rate: PeriodRate & { readonly mode: 'package' }, units: MicroUnits): Fraction {
  const size = multiplyFraction(fractionOf(rate.per), fraction(microPerUnit))
  const begun = divide(units * size.denominator, size.numerator, 'ceiling')
  return multiplyFraction(fraction(begun), fractionOf(rate.sparks))
}

/** The units of each tier at its own price, up to and with the tier that the total ends in. */
function graduated(tiers: readonly RateTier[], units: MicroUnits): Fraction {
  const last = tierOf(tiers, units)
  let total = fraction(0n)
  let below = 0n
  for (const tier of tiers) {
    const end = tier === last ? units : (tier.upTo ?? units)
    total = addFraction(total, tierPrice(tier, end - below))
    if (tier === last) break
    below = end
  }
  return total
}

function tierPrice(tier: RateTier, units: MicroUnits): Fraction {
  const counted = multiplyFraction(fraction(units, microPerUnit), fractionOf(tier.sparks))
  return addFraction(fractionOf(tier.flat), divideFraction(counted, fractionOf(tier.per)))
}

function tierOf(tiers: readonly RateTier[], units: MicroUnits): RateTier {
  const tier = tiers.find(({ upTo }) => upTo === null || units <= upTo)
  if (tier) return tier
  throw new BillingError('invariant_violated', `No tier of the rate holds ${units} micro-units.`)
}

function unreachable(rate: never): never {
  throw new BillingError(
    'invariant_violated',
    `Unknown rating mode ${String((rate as { readonly mode?: unknown }).mode)}.`,
  )
}
