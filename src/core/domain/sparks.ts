import { BillingError } from '../errors.js'
import { formatDecimal, normalize, parseDecimal, toScaledExactly } from './decimal.js'

/** Credit, in micro-sparks: millionths of a Spark. 1 Spark is `1_000_000n`. */
export type MicroSparks = bigint

/** A quantity of usage, in micro-units of its meter: millionths of a token, minute, gigabyte. */
export type MicroUnits = bigint

export const microPerUnit = 1_000_000n

/** The largest amount, balance or counter a store keeps: 2⁶³ − 1, what a 64-bit integer column holds. */
export const maximumStored = 2n ** 63n - 1n

/** The least: as far below zero, so that a sign can always be turned. */
export const minimumStored = -maximumStored

/** The smaller of two. */
export function least(left: bigint, right: bigint): bigint {
  return left < right ? left : right
}

/**
 * Micro-sparks of an amount written in Sparks.
 *
 * @example parseSparks('37.5') // 37_500_000n
 * @throws BillingError `invalid_amount` for more than six decimals or anything that is not a plain decimal
 */
export function parseSparks(sparks: string): MicroSparks {
  const value = parseDecimal(sparks)
  const micro = value && toScaledExactly(value, 6)
  if (micro !== undefined) return micro
  throw new BillingError(
    'invalid_amount',
    `${JSON.stringify(sparks)} is not an amount of Sparks: write digits with at most 6 decimals.`,
  )
}

/**
 * Sparks as the shortest exact decimal.
 *
 * @example formatSparks(37_500_000n) // '37.5'
 */
export function formatSparks(micro: MicroSparks): string {
  return formatMillionths(micro)
}

/** A quantity as the shortest exact decimal in the meter's unit. */
export function formatQuantity(quantity: MicroUnits): string {
  return formatMillionths(quantity)
}

function formatMillionths(micro: bigint): string {
  const small = Number(micro)
  // What a double holds exactly is divided several times as fast.
  if (Number.isSafeInteger(small))
    return small % 1_000_000 === 0 ? (small / 1_000_000).toString() : formatDecimal(normalize(micro, 6))
  const whole = micro / microPerUnit
  return whole * microPerUnit === micro ? whole.toString() : formatDecimal(normalize(micro, 6))
}
