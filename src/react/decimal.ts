/** An exact decimal: `coefficient` × 10^-`scale`. */
interface Exact {
  readonly coefficient: bigint
  readonly scale: number
}

/**
 * Reads decimal text, or a number of the wire, which was made once from decimal text and is written as that again.
 *
 * @throws SyntaxError for what is no decimal
 */
function exact(value: string | number): Exact {
  const [mantissa = '0', exponent = '0'] = String(value).toLowerCase().split('e')
  const [whole = '0', fraction = ''] = mantissa.split('.')
  const scale = fraction.length - Number(exponent)
  const coefficient = BigInt(whole + fraction)
  return scale >= 0 ? { coefficient, scale } : { coefficient: coefficient * 10n ** BigInt(-scale), scale: 0 }
}

function aligned(left: Exact, right: Exact): { readonly left: bigint; readonly right: bigint; readonly scale: number } {
  const scale = Math.max(left.scale, right.scale)
  const at = ({ coefficient, scale: own }: Exact) => coefficient * 10n ** BigInt(scale - own)
  return { left: at(left), right: at(right), scale }
}

/** The exact sum, as decimal text. */
export function sumOf(values: readonly (string | number)[]): string {
  const total = values.map(exact).reduce(
    (sum, value) => {
      const { left, right, scale } = aligned(sum, value)
      return { coefficient: left + right, scale }
    },
    { coefficient: 0n, scale: 0 },
  )
  return textOf(total)
}

/** The exact product, as decimal text. */
export function product(left: string | number, right: string | number): string {
  const [a, b] = [exact(left), exact(right)]
  return textOf({ coefficient: a.coefficient * b.coefficient, scale: a.scale + b.scale })
}

/** How often one is in another, cut off after six decimals; `0` for a divisor of nothing. */
export function quotient(dividend: string | number, divisor: string | number): string {
  const { left, right } = aligned(exact(dividend), exact(divisor))
  return right === 0n ? '0' : textOf({ coefficient: (left * 1_000_000n) / right, scale: 6 })
}

/** -1, 0 or 1, as the first is less than, equal to or more than the second. */
export function compare(left: string | number, right: string | number): -1 | 0 | 1 {
  const sides = aligned(exact(left), exact(right))
  return sides.left === sides.right ? 0 : sides.left < sides.right ? -1 : 1
}

/** What part one is of another, in thousandths, rounded down; 0 of nothing. For bars and heights, never for an amount. */
export function permille(part: string | number, whole: string | number): number {
  const { left, right } = aligned(exact(part), exact(whole))
  return right === 0n ? 0 : Number((left * 1_000n) / right)
}

function textOf({ coefficient, scale }: Exact): string {
  if (scale === 0) return String(coefficient)
  const digits = String(coefficient < 0n ? -coefficient : coefficient).padStart(scale + 1, '0')
  const fraction = digits.slice(-scale).replace(/0+$/, '')
  const text = `${digits.slice(0, -scale)}${fraction === '' ? '' : `.${fraction}`}`
  return coefficient < 0n ? `-${text}` : text
}
