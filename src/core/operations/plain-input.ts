import type * as z from 'zod'
import { checkId, checkIdempotencyKey } from '../domain/ids.js'
import type { ServiceTier } from '../domain/rating/price-book.js'
import { isStorable } from '../domain/storable-text.js'
import { parse, readCost, readDimensions, readQuantity, readTokens } from './fields.js'
import { isLeaseToken } from './lease-token.js'

/** Reads a field that is plainly right. For one that needs a closer look it answers `undefined` or throws. */
type ReadField = (value: unknown) => unknown

interface PlainInput {
  /** Of the fields that are read otherwise here, or nowhere else. */
  readonly readers?: Readonly<Record<string, ReadField>>
  readonly required: readonly string[]
  readonly defaults?: Readonly<Record<string, unknown>>
}

/** Parses an input as `parse` does. */
export interface PlainParse<T> {
  (input: unknown): T
  readonly schema: z.ZodType<T>
  /** Reads what is plainly right; `null` for whatever needs a closer look. */
  plain(input: unknown): T | null
}

/**
 * What parses the input of an operation that is called often. What is plainly right, which is nearly all of it, is read field by field;
 * everything else goes through the schema, which takes several times as long and says what is wrong with it. Both read alike.
 */
export function plainly<T>(
  schema: z.ZodType<T> & Pick<z.ZodObject, 'shape'>,
  { readers = {}, required, defaults = {} }: PlainInput,
): PlainParse<T> {
  const all: PlainInput['readers'] = { ...common, ...readers }
  // In the order of their names, as fingerprints have them.
  const names = Object.keys(schema.shape).sort()
  const known = new Set(names)
  const fields = names.map((name) => {
    return { name, read: all[name] ?? never, isRequired: required.includes(name), usual: defaults[name] }
  })
  const plain = (input: unknown): T | null => {
    if (typeof input !== 'object' || input === null) return null
    const request: Record<string, unknown> = {}
    try {
      if (Object.getPrototypeOf(input) !== Object.prototype) return null
      for (const name in input) if (!known.has(name)) return null
      for (const { name, read, isRequired, usual } of fields) {
        const value: unknown = input[name as keyof typeof input]
        const field = value === undefined ? usual : read(value)
        if (field !== undefined) request[name] = field
        else if (value !== undefined || isRequired) return null
      }
    } catch {
      return null
    }
    return request as T
  }
  return Object.assign((input: unknown) => plain(input) ?? parse(schema, input), { schema, plain })
}

/** Reads one of several words. */
export function oneOf(...words: readonly string[]): ReadField {
  return (value) => (words.includes(value as string) ? value : undefined)
}

const plainText = /^[\x21-\x7e][\x20-\x7e]{0,59}$/
const tiers: ReadonlySet<unknown> = new Set<ServiceTier>(['standard', 'batch', 'priority'])

const idOf = (name: string) => (value: unknown) => checkId(value, name)
const nameOf = (value: unknown) => (typeof value === 'string' && plainText.test(value) ? value : undefined)
const never = () => undefined

/** Fields that are read alike wherever they are. */
const common = {
  accountId: idOf('accountId'),
  apiKeyId: idOf('apiKeyId'),
  costUsd: readCost,
  dimensions: readDimensions,
  holdId: idOf('holdId'),
  idempotencyKey: checkIdempotencyKey,
  leaseToken: (value: unknown) => (isLeaseToken(value) ? value : undefined),
  meter: nameOf,
  model: nameOf,
  provider: nameOf,
  quantity: (value: unknown) => readQuantity(value),
  reason: (value: unknown) =>
    typeof value === 'string' && value.length <= 500 && isStorable(value) ? value : undefined,
  serviceTier: (value: unknown) => (tiers.has(value) ? value : undefined),
  tokens: (value: unknown) => readTokens(value),
  userId: idOf('userId'),
}

/** How much was used, where that may be nothing. */
export const measureFromZero = {
  quantity: (value: unknown) => readQuantity(value, 'zero'),
  tokens: (value: unknown) => readTokens(value, 'zero'),
}

export const noDimensions: Readonly<Record<string, string>> = Object.freeze({})
