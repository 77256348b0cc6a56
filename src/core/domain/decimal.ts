/** An exact decimal: `coefficient / 10^scale`, without trailing zeros in the fraction. */
export interface Decimal {
  readonly coefficient: bigint
  readonly scale: number
}

/** How a result that does not fit its unit is rounded; always named at the call. */
export type Rounding = 'half_even' | 'floor' | 'ceiling'

const grammar = /^(-?)(\d{1,40})(?:\.(\d{1,40}))?$/

/** Reads `-?digits[.digits]` in ASCII, up to 40 digits each side; `undefined` for anything else (exponents, spaces, separators). */
export function parseDecimal(text: string): Decimal | undefined {
  return parseShort(text) ?? parseLong(text)
}

/** Most amounts have so few digits that a double holds them exactly. */
const shortest = 15

/** Reads `digits[.digits]` of few digits; `undefined` for what needs a closer look. */
function parseShort(text: string): Decimal | undefined {
  const { length } = text
  if (length === 0 || length > shortest) return undefined
  let digits = 0
  let scale = -1
  for (let place = 0; place < length; place += 1) {
    const digit = text.charCodeAt(place) - 48
    if (digit >= 0 && digit <= 9) {
      digits = digits * 10 + digit
      if (scale >= 0) scale += 1
    } else if (digit === -2 && scale < 0 && place > 0) scale = 0
    else return undefined
  }
  return scale === 0 ? undefined : normalizeSmall(BigInt(digits), digits, Math.max(scale, 0))
}

function parseLong(text: string): Decimal | undefined {
  const match = grammar.exec(text)
  if (!match) return undefined
  const fraction = match[3] ?? ''
  const digits = BigInt((match[2] ?? '') + fraction)
  return normalize(match[1] === '-' ? -digits : digits, fraction.length)
}

/** A decimal that the code itself wrote; a malformed one is a mistake in the program. */
export function decimal(text: string): Decimal {
  const parsed = parseDecimal(text)
  if (!parsed) throw new RangeError(`not a decimal: ${JSON.stringify(text)}`)
  return parsed
}

/** `coefficient / 10^scale` without trailing zeros in the fraction. */
export function normalize(coefficient: bigint, scale: number): Decimal {
  const small = Number(coefficient)
  return Number.isSafeInteger(small) ? normalizeSmall(coefficient, small, scale) : normalizeLarge(coefficient, scale)
}

/** The same by arithmetic on a double, which holds it exactly and is several times as fast. */
function normalizeSmall(coefficient: bigint, small: number, scale: number): Decimal {
  if (small === 0) return { coefficient: 0n, scale: 0 }
  if (scale === 0 || small % 10 !== 0) return { coefficient, scale }
  let trimmed = small
  let digits = scale
  while (digits > 0 && trimmed % 10 === 0) {
    trimmed /= 10
    digits -= 1
  }
  return { coefficient: BigInt(trimmed), scale: digits }
}

function normalizeLarge(coefficient: bigint, scale: number): Decimal {
  let trimmed = coefficient
  let digits = scale
  while (digits > 0 && trimmed % 10n === 0n) {
    trimmed /= 10n
    digits -= 1
  }
  return { coefficient: trimmed, scale: digits }
}

export function formatDecimal(value: Decimal): string {
  const negative = value.coefficient < 0n
  const digits = (negative ? -value.coefficient : value.coefficient).toString().padStart(value.scale + 1, '0')
  const whole = digits.slice(0, digits.length - value.scale)
  const fraction = value.scale === 0 ? '' : `.${digits.slice(digits.length - value.scale)}`
  return `${negative ? '-' : ''}${whole}${fraction}`
}

export function addDecimal(left: Decimal, right: Decimal): Decimal {
  const scale = Math.max(left.scale, right.scale)
  return normalize(raise(left, scale) + raise(right, scale), scale)
}

export function multiplyDecimal(left: Decimal, right: Decimal): Decimal {
  return normalize(left.coefficient * right.coefficient, left.scale + right.scale)
}

/** Negative, zero or positive as `left` is below, equal to or above `right`. */
export function compareDecimal(left: Decimal, right: Decimal): number {
  const scale = Math.max(left.scale, right.scale)
  const difference = raise(left, scale) - raise(right, scale)
  return difference < 0n ? -1 : difference > 0n ? 1 : 0
}

/** The value as an integer count of `10^-scale`, rounded as named. */
export function toScaled(value: Decimal, scale: number, rounding: Rounding): bigint {
  if (value.scale <= scale) return raise(value, scale)
  return divide(value.coefficient, tenTo(value.scale - scale), rounding)
}

/** The value as an integer count of `10^-scale`, or `undefined` when it has more fraction digits than that. */
export function toScaledExactly(value: Decimal, scale: number): bigint | undefined {
  return value.scale <= scale ? raise(value, scale) : undefined
}

/** Integer division with a named rounding; the denominator is positive. */
export function divide(numerator: bigint, denominator: bigint, rounding: Rounding): bigint {
  if (denominator <= 0n) throw new RangeError('the denominator must be positive')
  let quotient = numerator / denominator
  let remainder = numerator % denominator
  if (remainder < 0n) {
    quotient -= 1n
    remainder += denominator
  }
  if (remainder === 0n || rounding === 'floor') return quotient
  if (rounding === 'ceiling') return quotient + 1n
  const twice = remainder * 2n
  return twice > denominator || (twice === denominator && quotient % 2n !== 0n) ? quotient + 1n : quotient
}

function raise(value: Decimal, scale: number): bigint {
  return scale === value.scale ? value.coefficient : value.coefficient * tenTo(scale - value.scale)
}

const powersOfTen = Array.from({ length: 81 }, (_, power) => 10n ** BigInt(power))

/** Ten to a power of at least zero. */
export function tenTo(power: number): bigint {
  return powersOfTen[power] ?? 10n ** BigInt(power)
}
