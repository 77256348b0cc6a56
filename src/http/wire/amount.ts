/** Exact decimal text × exact decimal text, as the number that is nearest to the product. */
export function times(left: string, right: string): number {
  const [a, b] = [exact(left), exact(right)]
  return numberOf(a.coefficient * b.coefficient, a.scale + b.scale)
}

/** The sum of exact decimal texts, as the number that is nearest to it. */
export function sum(texts: readonly string[]): number {
  const parts = texts.map(exact)
  const scale = Math.max(0, ...parts.map((part) => part.scale))
  const coefficient = parts.reduce((total, part) => total + part.coefficient * 10n ** BigInt(scale - part.scale), 0n)
  return numberOf(coefficient, scale)
}

/** The first less the second. */
export function less(left: string, right: string): number {
  return sum([left, right.startsWith('-') ? right.slice(1) : `-${right}`])
}

function exact(text: string): { readonly coefficient: bigint; readonly scale: number } {
  const [mantissa = '0', exponent = '0'] = text.split('e')
  const [whole = '0', fraction = ''] = mantissa.split('.')
  return { coefficient: BigInt(whole + fraction), scale: fraction.length - Number(exponent) }
}

/** Read from text, so that it is rounded once. */
function numberOf(coefficient: bigint, scale: number): number {
  return Number(`${coefficient}e${-scale}`)
}
