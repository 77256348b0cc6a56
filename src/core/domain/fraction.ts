import { type Decimal, divide, type Rounding } from './decimal.js'

/** An exact quotient, for what a decimal cannot hold: a price per three of something. The denominator is above zero. */
export interface Fraction {
  readonly numerator: bigint
  readonly denominator: bigint
}

export function fraction(numerator: bigint, denominator = 1n): Fraction {
  if (denominator <= 0n) throw new RangeError('the denominator must be positive')
  return { numerator, denominator }
}

export function fractionOf(value: Decimal): Fraction {
  return fraction(value.coefficient, 10n ** BigInt(value.scale))
}

export function addFraction(left: Fraction, right: Fraction): Fraction {
  return fraction(
    left.numerator * right.denominator + right.numerator * left.denominator,
    left.denominator * right.denominator,
  )
}

export function multiplyFraction(left: Fraction, right: Fraction): Fraction {
  return fraction(left.numerator * right.numerator, left.denominator * right.denominator)
}

/** Division by something above zero. */
export function divideFraction(left: Fraction, right: Fraction): Fraction {
  return fraction(left.numerator * right.denominator, left.denominator * right.numerator)
}

/** Negative, zero or positive as `left` is below, equal to or above `right`. */
export function compareFraction(left: Fraction, right: Fraction): number {
  const difference = left.numerator * right.denominator - right.numerator * left.denominator
  return difference < 0n ? -1 : difference > 0n ? 1 : 0
}

export function largerFraction(left: Fraction, right: Fraction): Fraction {
  return compareFraction(left, right) < 0 ? right : left
}

/** The nearest integer by the named rounding. */
export function roundFraction(value: Fraction, rounding: Rounding): bigint {
  return divide(value.numerator, value.denominator, rounding)
}
