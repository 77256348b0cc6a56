import { BillingError } from '../errors.js'

/** A value as JSON text; `bigint` is written so that it is read back as `bigint`. */
export function encodeExact(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) => (typeof part === 'bigint' ? { $bigint: part.toString() } : part))
}

/** A value out of the text that `encodeExact` made. @throws BillingError `invariant_violated` for another text */
export function decodeExact(text: string): unknown {
  try {
    return JSON.parse(text, (_, part: unknown) => {
      if (typeof part === 'object' && part !== null && '$bigint' in part) return BigInt(part.$bigint as string)
      return part
    })
  } catch (error) {
    throw new BillingError('invariant_violated', 'A stored value cannot be read.', { cause: error })
  }
}
