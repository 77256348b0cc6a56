import * as z from 'zod'
import { parseDecimal, toScaledExactly } from '../domain/decimal.js'
import { checkId, checkIdempotencyKey } from '../domain/ids.js'
import { maximumStored, microPerUnit } from '../domain/sparks.js'
import { BillingError, type ErrorCode } from '../errors.js'

/** An amount of Sparks as callers write it: text or a whole number in Sparks, `bigint` in micro-sparks. */
export type SparksInput = string | number | bigint
/** A quantity of usage: decimal text, a whole number, or a `bigint` of whole units. */
export type QuantityInput = string | number | bigint
/** A moment: a `Date`, or RFC 3339 text with a zone. */
export type TimeInput = Date | string

/** A field read by a function of its own, which throws the error the field deserves; missing is `invalid_request`. */
function field<T>(name: string, read: (value: unknown) => T) {
  return z
    .unknown()
    .optional()
    .transform((value): T => {
      if (value === undefined)
        throw new BillingError('invalid_request', `${name} is missing.`, { details: { field: name } })
      return read(value)
    })
}

export const accountId = field('accountId', (value) => checkId(value, 'accountId'))
export const idempotencyKey = z.unknown().optional().transform(checkIdempotencyKey)
export const idField = (name: string) => field(name, (value) => checkId(value, name))
export const meterName = field('meter', (value) => {
  if (typeof value === 'string') return value
  throw new BillingError('invalid_request', 'meter must be the name of a meter.', { details: { field: 'meter' } })
})
export const text = (maximum: number) => z.string().min(1).max(maximum)

const maximumQuantity = 1_000_000_000_000n * microPerUnit

/** Micro-units of a positive quantity. @throws BillingError `invalid_quantity` */
export function readQuantity(value: unknown): bigint {
  const micro = readDecimal(value, microPerUnit)
  if (micro !== undefined && micro > 0n && micro <= maximumQuantity) return micro
  throw new BillingError(
    'invalid_quantity',
    'quantity must be above zero and at most 10^12: decimal text with at most 6 decimals, a safe whole number, or a bigint.',
  )
}

/** Micro-sparks of a positive amount. @throws BillingError `invalid_amount`, `amount_out_of_range` */
export function readSparks(value: unknown): bigint {
  const micro = readDecimal(value, 1n)
  if (micro === undefined || micro <= 0n) {
    const message =
      'amount must be above zero: Sparks as decimal text with at most 6 decimals or a safe whole number; micro-sparks as bigint.'
    throw new BillingError('invalid_amount', message)
  }
  if (micro > maximumStored)
    throw new BillingError('amount_out_of_range', 'amount is more than can be stored (2^63 - 1 micro-sparks).')
  return micro
}

/** Decimal text or a safe whole number in millionths; a `bigint` counts what `perBigint` says. */
function readDecimal(value: unknown, perBigint: bigint): bigint | undefined {
  if (typeof value === 'bigint') return value * perBigint
  if (typeof value === 'number')
    return Number.isSafeInteger(value) && !Object.is(value, -0) ? BigInt(value) * microPerUnit : undefined
  const parsed = typeof value === 'string' ? parseDecimal(value) : undefined
  return parsed && toScaledExactly(parsed, 6)
}

const rfc3339 = /^(\d{4})-(\d{2})-(\d{2})[Tt](\d{2}):(\d{2}):(\d{2})(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})$/
const earliest = Date.UTC(2000, 0, 1)
const latest = Date.UTC(2200, 0, 1)

/** Milliseconds since the epoch. @throws BillingError `invalid_timestamp`, `timestamp_out_of_range` */
export function readTime(value: unknown, name: string): number {
  const time = value instanceof Date ? value.getTime() : typeof value === 'string' ? parseTime(value) : Number.NaN
  if (Number.isNaN(time)) {
    throw new BillingError(
      'invalid_timestamp',
      `${name} must be a valid Date, or RFC 3339 text with a zone such as 2026-11-21T10:00:00Z.`,
    )
  }
  if (time >= earliest && time < latest) return Math.floor(time)
  throw new BillingError('timestamp_out_of_range', `${name} must lie between the years 2000 and 2200.`)
}

function parseTime(value: string): number {
  if (/^[+-]\d{6}-/.test(value)) return Number.POSITIVE_INFINITY
  const match = rfc3339.exec(value)
  if (!match) return Number.NaN
  const [, year, month, day] = match
  const lastDay = new Date(Date.UTC(Number(year), Number(month), 0)).getUTCDate()
  // The built-in parser turns 30 February into 2 March.
  return Number(day) > lastDay || Number(day) === 0 || Number(month) === 0 ? Number.NaN : new Date(value).getTime()
}

const reservedNames: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype'])

/** A flat map of text. Limits are Stripe's for metadata: 50 names of 40 characters, values of 500. @throws BillingError `invalid_metadata` */
export function readDimensions(value: unknown): Readonly<Record<string, string>> {
  const isPlain = typeof value === 'object' && value !== null && !Array.isArray(value)
  const entries = isPlain ? Object.entries(value) : []
  const fits = ([name, content]: [string, unknown]) =>
    /^[\x20-\x7e]{1,40}$/.test(name) &&
    !reservedNames.has(name) &&
    !name.startsWith('billfold_') &&
    typeof content === 'string' &&
    content.length <= 500 &&
    !content.includes('\0') &&
    !/\p{Surrogate}/u.test(content)
  if (isPlain && entries.length <= 50 && entries.every(fits))
    return Object.fromEntries(entries) as Record<string, string>
  throw new BillingError(
    'invalid_metadata',
    'dimensions must be a flat map of text: at most 50 names of 1 to 40 printable characters, values of at most 500; "billfold_" is reserved.',
  )
}

/** Counts by token pool. @throws BillingError `invalid_quantity` */
export function readTokens(value: unknown): Readonly<Record<string, number>> {
  const entries = typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.entries(value) : []
  const counts = entries.every(
    ([, count]) => typeof count === 'number' && Number.isSafeInteger(count) && count >= 0 && count <= 1e12,
  )
  const named = entries.every(([name]) => /^[a-z][a-zA-Z0-9_]{0,39}$/.test(name) && !reservedNames.has(name))
  if (counts && named && entries.length > 0 && entries.some(([, count]) => Number(count) > 0))
    return Object.fromEntries(entries) as Record<string, number>
  throw new BillingError(
    'invalid_quantity',
    'tokens must be whole numbers by pool, such as { input: 900, output: 300 }, and one above zero.',
  )
}

/** Parses an operation's input: strict, with one error for the first thing that is wrong. */
export function parse<T>(schema: z.ZodType<T>, input: unknown): T {
  const result = schema.safeParse(input)
  if (result.success) return result.data
  const issue = result.error.issues[0]
  const path = issue?.path.join('.') ?? ''
  const code: ErrorCode = issue?.code === 'unrecognized_keys' ? 'unknown_field' : 'invalid_request'
  const where = path === '' ? 'The input' : path
  throw new BillingError(code, `${where}: ${issue?.message ?? 'is malformed'}.`, { details: { field: path } })
}
