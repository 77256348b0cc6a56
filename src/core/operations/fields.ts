import * as z from 'zod'
import { formatDecimal, parseDecimal, toScaledExactly } from '../domain/decimal.js'
import { checkId, checkIdempotencyKey } from '../domain/ids.js'
import { type Money, parseMoney } from '../domain/money.js'
import { maximumStored, microPerUnit } from '../domain/sparks.js'
import { isStorable } from '../domain/storable-text.js'
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
/** Input that is an account and nothing else. */
export const accountSchema = z.strictObject({ accountId })
/** A field that is looked at later, but must be there. */
export const given = (name: string) => field(name, (value) => value)
export const idField = (name: string) => field(name, (value) => checkId(value, name))
/** Input that is one thing of an account. */
export const oneSchema = z.strictObject({ accountId, id: idField('id') })
export const meterName = field('meter', (value) => {
  if (typeof value === 'string') return value
  throw new BillingError('invalid_request', 'meter must be the name of a meter.', { details: { field: 'meter' } })
})
/** Text for people, or `''`. */
export const optionalText = (maximum: number) =>
  z.string().max(maximum).refine(isStorable, 'must be well-formed text without NUL')
/** Text for people that says something. */
export const text = (maximum: number) => optionalText(maximum).regex(/\S/, 'must not be blank')

/** Most units of one event. */
const maximumUnits = 1_000_000_000_000n

/** The least a number may be: work that was paid for in advance may turn out to have used nothing. */
export type Least = 'zero' | 'above_zero'

/** Micro-units of a quantity. @throws BillingError `invalid_quantity` */
export function readQuantity(value: unknown, least: Least = 'above_zero'): bigint {
  const micro = readDecimal(value, microPerUnit)
  if (micro !== undefined && reaches(micro, least) && micro <= maximumUnits * microPerUnit) return micro
  throw new BillingError(
    'invalid_quantity',
    `quantity must be ${wordOf[least]} and at most 10^12: decimal text with at most 6 decimals, a safe whole number, or a bigint.`,
  )
}

/** Micro-sparks of an amount. @throws BillingError `invalid_amount`, `amount_out_of_range` */
export function readSparks(value: unknown, least: Least = 'above_zero'): bigint {
  const micro = readDecimal(value, 1n)
  if (micro === undefined || !reaches(micro, least)) {
    const message = `amount must be ${wordOf[least]}: Sparks as decimal text with at most 6 decimals or a safe whole number; micro-sparks as bigint.`
    throw new BillingError('invalid_amount', message)
  }
  if (micro > maximumStored)
    throw new BillingError('amount_out_of_range', 'amount is more than can be stored (2^63 - 1 micro-sparks).')
  return micro
}

/** Micro-sparks of an amount that may be below zero, but is not zero. @throws BillingError `invalid_amount`, `amount_out_of_range` */
export function readSignedSparks(value: unknown): bigint {
  const size = isNegative(value) ? (typeof value === 'string' ? value.slice(1) : -value) : value
  try {
    const micro = readSparks(size)
    return size === value ? micro : -micro
  } catch (error) {
    if (!BillingError.is(error) || error.code !== 'invalid_amount') throw error
    const message =
      'amount must be Sparks other than zero: decimal text with at most 6 decimals or a safe whole number, micro-sparks as bigint; with - it takes.'
    throw new BillingError('invalid_amount', message, { cause: error })
  }
}

function isNegative(value: unknown): value is string | number | bigint {
  if (typeof value === 'string') return value.startsWith('-')
  return (typeof value === 'number' || typeof value === 'bigint') && value < 0
}

/** A cost before margin as decimal text. @throws BillingError `invalid_amount` */
export function readCost(value: unknown): string {
  const cost = typeof value === 'string' && !value.startsWith('-') ? parseDecimal(value) : undefined
  if (cost && cost.scale <= 18) return shortest.test(value as string) ? (value as string) : formatDecimal(cost)
  throw new BillingError('invalid_amount', 'costUsd must be decimal text of at least zero with at most 18 decimals.')
}

/** A decimal as it is written back. */
const shortest = /^(?:0|[1-9]\d*)(?:\.\d*[1-9])?$/

const wordOf = { zero: 'at least zero', above_zero: 'above zero' } as const

function reaches(micro: bigint, least: Least): boolean {
  return least === 'zero' ? micro >= 0n : micro > 0n
}

/** Decimal text or a safe whole number in millionths; a `bigint` counts what `perBigint` says. */
function readDecimal(value: unknown, perBigint: bigint): bigint | undefined {
  if (typeof value === 'bigint') return value * perBigint
  if (typeof value === 'number')
    return Number.isSafeInteger(value) && !Object.is(value, -0) ? BigInt(value) * microPerUnit : undefined
  // No amount or quantity is negative, and "-0" is not zero written properly.
  const parsed = typeof value === 'string' && !value.startsWith('-') ? parseDecimal(value) : undefined
  return parsed && toScaledExactly(parsed, 6)
}

/** An amount of money that is paid or given: decimal text, above zero. @throws BillingError `invalid_amount` */
export function readMoney(value: unknown, currency: string): Money {
  if (typeof value !== 'string' || value.length > 60)
    throw new BillingError('invalid_amount', `amount must be decimal text in ${currency}, such as "10".`)
  const amount = parseMoney(value, currency)
  if (amount.nanos > 0n) return amount
  throw new BillingError('invalid_amount', 'amount must be above zero.')
}

/** Hours and minutes are checked here: the built-in parser turns hour 24 into the next day. The expanded years of ISO 8601 are out of range. */
const rfc3339 =
  /^(?:\d{4}|[+-]\d{6})-\d{2}-\d{2}[Tt](?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?(?:[Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/
const earliest = Date.UTC(2000, 0, 1)
const latest = Date.UTC(2200, 0, 1)

/** Milliseconds since the epoch. @throws BillingError `invalid_timestamp`, `timestamp_out_of_range` */
export function readTime(value: unknown, name: string): number {
  const time = typeof value === 'string' ? parseTime(value) : timeOf(value)
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
  if (!rfc3339.test(value)) return Number.NaN
  const end = value.indexOf('-', 1)
  const month = twoDigits(value, end + 1)
  const day = twoDigits(value, end + 4)
  // Every month has 28 days.
  const isThere = month >= 1 && month <= 12 && day >= 1 && (day <= 28 || isDay(Number(value.slice(0, end)), month, day))
  return isThere ? Date.parse(value) : Number.NaN
}

function twoDigits(text: string, place: number): number {
  return 10 * (text.charCodeAt(place) - 48) + text.charCodeAt(place + 1) - 48
}

/** Also of a Date from another realm; what only looks like one has no time. */
function timeOf(value: unknown): number {
  try {
    return Date.prototype.getTime.call(value)
  } catch {
    return Number.NaN
  }
}

/** Whether the calendar has the day: the built-in parser turns 30 February into 2 March. */
function isDay(year: number, month: number, day: number): boolean {
  if (month < 1 || month > 12 || day < 1) return false
  if (day <= 28) return true
  // The calendar repeats every 400 years; taken from there because the built-in one reads years below 100 as 19xx.
  const lastDay = new Date(Date.UTC(2000 + (year % 400), month, 0)).getUTCDate()
  return day <= lastDay
}

/** A UTC day as `YYYY-MM-DD`. @throws BillingError `invalid_timestamp`, `timestamp_out_of_range` */
export function readDay(value: unknown, name: string): string {
  const match = typeof value === 'string' ? /^(\d{4})-(\d{2})-(\d{2})$/.exec(value) : null
  if (!match || !isDay(Number(match[1]), Number(match[2]), Number(match[3]))) {
    throw new BillingError('invalid_timestamp', `${name} must be a day such as 2026-11-21.`, {
      details: { field: name },
    })
  }
  readTime(`${match[0]}T00:00:00Z`, name)
  return match[0]
}

/** A moment, or a UTC day as `YYYY-MM-DD` for its beginning. @throws BillingError `invalid_timestamp`, `timestamp_out_of_range` */
export function readMoment(value: unknown, name: string): number {
  const isDay = typeof value === 'string' && /^\d{4}-\d{2}-\d{2}$/.test(value)
  return readTime(isDay ? `${readDay(value, name)}T00:00:00Z` : value, name)
}

const reservedNames: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype'])

/** A flat map of text. Limits are Stripe's for metadata: 50 names of 40 characters, values of 500. @throws BillingError `invalid_metadata` */
export function readDimensions(value: unknown): Readonly<Record<string, string>> {
  const entries = isPlain(value) ? Object.entries(value) : undefined
  const fits = ([name, content]: [string, unknown]) =>
    /^[\x20-\x7e]{1,40}$/.test(name) &&
    !reservedNames.has(name) &&
    !name.startsWith('billfold_') &&
    typeof content === 'string' &&
    content.length <= 500 &&
    !content.includes('\0') &&
    !/\p{Surrogate}/u.test(content)
  if (entries && entries.length <= 50 && entries.every(fits))
    return Object.fromEntries(entries) as Record<string, string>
  throw new BillingError(
    'invalid_metadata',
    'dimensions must be a flat map of text: at most 50 names of 1 to 40 printable characters, values of at most 500; "billfold_" is reserved.',
  )
}

/** Counts by token pool: at most 50 pools, and together at most 10^12. @throws BillingError `invalid_quantity` */
export function readTokens(value: unknown, least: Least = 'above_zero'): Readonly<Record<string, number>> {
  const tokens = countsOf(value, least)
  if (tokens) return tokens
  throw new BillingError(
    'invalid_quantity',
    `tokens must be whole numbers by pool, such as { input: 900, output: 300 }, together ${wordOf[least]} and at most 10^12.`,
  )
}

const poolName = /^[a-z][a-zA-Z0-9_]{0,39}$/

/** The counts, when they are as they have to be. */
function countsOf(value: unknown, least: Least): Readonly<Record<string, number>> | undefined {
  if (!isPlain(value)) return undefined
  const names = Object.keys(value)
  if (names.length === 0 || names.length > 50) return undefined
  const tokens: Record<string, number> = {}
  let total = 0
  for (const name of names) {
    const count = value[name]
    if (!poolName.test(name) || reservedNames.has(name) || !isCount(count)) return undefined
    tokens[name] = count
    // At most 50 numbers that a double holds exactly: what is too much stays too much.
    total += count
  }
  return total <= Number(maximumUnits) && (least === 'zero' || total > 0) ? tokens : undefined
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && !Object.is(value, -0)
}

/** Whether it is a plain object. A Map or a Date has no fields of its own, and what it holds would be lost without a word. */
function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

/** A caller's text in a message: enough of it to be recognised. */
export function quoted(value: string): string {
  return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value)
}

/** Parses an operation's input: strict, with one error for the first thing that is wrong. */
export function parse<T>(schema: z.ZodType<T>, input: unknown): T {
  const result = safeParse(schema, input)
  if (result.success) return result.data
  const issue = result.error.issues[0]
  const path = issue?.path.join('.') ?? ''
  const code: ErrorCode = issue?.code === 'unrecognized_keys' ? 'unknown_field' : 'invalid_request'
  const where = path === '' ? 'The input' : path
  // Names of fields come from the caller and can be of any length.
  const problem = (issue?.message ?? 'is malformed').slice(0, 300)
  throw new BillingError(code, `${where}: ${problem}.`, { details: { field: path } })
}

/** An object of the caller's as plain data, read once. @throws BillingError `invalid_request` */
export function copyOf<T extends object>(input: T): T {
  try {
    return { ...input }
  } catch (cause) {
    throw new BillingError('invalid_request', 'The input could not be read: reading it threw an error.', { cause })
  }
}

/** A getter or proxy of the caller's that throws is bad input like any other. */
function safeParse<T>(schema: z.ZodType<T>, input: unknown): z.ZodSafeParseResult<T> {
  try {
    const result = schema.safeParse(input)
    // What is wrong is looked at only when it is asked for, and looking can throw too.
    void result.error
    return result
  } catch (cause) {
    if (BillingError.is(cause)) throw cause
    throw new BillingError('invalid_request', 'The input could not be read: reading it threw an error.', { cause })
  }
}
