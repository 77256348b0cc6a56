import { type Decimal, divide, formatDecimal, normalize, type Rounding, tenTo } from './decimal.js'

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
  return { numerator: value.coefficient, denominator: tenTo(value.scale) }
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

/** The value as the shortest exact decimal, or where no decimal holds it as a quotient in lowest terms: "33.5", "100/3". */
export function formatFraction({ numerator, denominator }: Fraction): string {
  const divisor = greatestCommonDivisor(numerator < 0n ? -numerator : numerator, denominator)
  const [above, below] = [numerator / divisor, denominator / divisor]
  let scale = 0
  for (let rest = below; rest > 1n; scale += 1) {
    if (rest % 10n === 0n) rest /= 10n
    else if (rest % 5n === 0n) rest /= 5n
    else if (rest % 2n === 0n) rest /= 2n
    else return `${above}/${below}`
  }
  return formatDecimal(normalize((above * 10n ** BigInt(scale)) / below, scale))
}

function greatestCommonDivisor(left: bigint, right: bigint): bigint {
  return right === 0n ? left : greatestCommonDivisor(right, left % right)
}
