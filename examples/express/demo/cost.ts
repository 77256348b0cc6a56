const digits = 18

/** Dollars as a whole number of 10⁻¹⁸ dollars, so that sums are exact. @throws RangeError for more digits than that */
export function parseCost(text: string): bigint {
  const match = /^(\d+)(?:\.(\d+))?(?:e([-+]?\d+))?$/i.exec(text)
  const fraction = match?.[2] ?? ''
  const shift = digits - fraction.length + Number(match?.[3] ?? 0)
  if (!match || shift < 0) throw new RangeError(`Not a cost of at most ${digits} decimals: ${text}`)
  return BigInt(`${match[1]}${fraction}`) * 10n ** BigInt(shift)
}

/** Dollars as the shortest exact decimal. */
export function formatCost(cost: bigint): string {
  const text = cost.toString().padStart(digits + 1, '0')
  return `${text.slice(0, -digits)}.${text.slice(-digits)}`.replace(/\.?0+$/, '')
}
