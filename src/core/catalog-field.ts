import * as z from 'zod'
import { type Decimal, parseDecimal, toScaledExactly } from './domain/decimal.js'
import { type Money, parseMoney } from './domain/money.js'
import { maximumStored, parseSparks } from './domain/sparks.js'
import { BillingError } from './errors.js'

/** An object of named fields. Zod takes a `Map` or a `Date` for one without any. */
export function fields<T extends z.ZodType>(schema: T) {
  const isPlain = (given: unknown) => Object.prototype.toString.call(given) === '[object Object]'
  return z.unknown().refine(isPlain, 'must be a plain object').pipe(schema)
}

/** A record by name. Zod leaves a name `__proto__` out without a word, so that one is refused before. */
export function named<T extends z.ZodType>(value: T) {
  const hasProto = (given: unknown) => typeof given === 'object' && given !== null && Object.hasOwn(given, '__proto__')
  return z
    .unknown()
    .refine((given) => !hasProto(given), 'must not have the name __proto__')
    .pipe(fields(z.record(z.string(), value)))
}

/** @throws BillingError `config_invalid` naming the place */
export function positive(text: string, path: string): Decimal {
  const value = parseDecimal(text)
  if (value && value.coefficient > 0n) return value
  throw invalid(path, `must be a decimal above zero, not ${JSON.stringify(text)}`)
}

/** @throws BillingError `config_invalid` naming the place */
export function nonNegative(text: string, path: string): Decimal {
  const value = parseDecimal(text)
  if (value && !text.startsWith('-')) return value
  throw invalid(path, `must be a decimal of at least zero, not ${JSON.stringify(text)}`)
}

/** Micro-units. @throws BillingError `config_invalid` naming the place */
export function quantity(text: string, path: string): bigint {
  const micro = toScaledExactly(nonNegative(text, path), 6)
  if (micro !== undefined && micro <= maximumStored) return micro
  throw invalid(path, 'must have at most 6 decimals and be below 9.2 × 10¹²')
}

/** A list that is read in order by its `upTo`: rising, and open at its end. @throws BillingError `config_invalid` naming the place */
export function checkBounds(bounds: readonly (bigint | null)[], path: string): void {
  bounds.forEach((bound, index) => {
    const place = `${path}.${index}.upTo`
    const previous = bounds[index - 1] ?? 0n
    const isLast = index === bounds.length - 1
    if (isLast && bound !== null) throw invalid(place, 'of the last one must be null: it has no end')
    if (!isLast && bound === null) throw invalid(place, 'is null before the last one')
    if (bound !== null && bound <= previous) throw invalid(place, 'must be above the one before it')
  })
}

export function invalid(path: string, problem: string): BillingError {
  return new BillingError('config_invalid', `Catalog: ${path} ${problem}.`, { details: { path } })
}

const ownNames = {
  pattern: /^[a-z][a-z0-9_.:-]{0,59}$/i,
  grammar: '1 to 60 of A-Z a-z 0-9 _ . : - beginning with a letter',
}
const reserved: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype'])

/** Entries by name. @throws BillingError `config_invalid` naming the place */
export function mapNames<T, U>(
  path: string,
  record: Readonly<Record<string, T>>,
  parse: (name: string, value: T, path: string) => U,
  names = ownNames,
): Map<string, U> {
  const entries = Object.entries(record).map(([name, value]): [string, U] => {
    if (!names.pattern.test(name) || reserved.has(name)) {
      throw invalid(`${path}.${name}`, `is not a name: use ${names.grammar}`)
    }
    return [name, parse(name, value, `${path}.${name}`)]
  })
  return new Map(entries)
}

/** @throws BillingError `config_invalid` naming the place */
export function readPrice(amount: string, currency: string, path: string): Money {
  positive(amount, path)
  const money = inPlace(path, () => parseMoney(amount, currency))
  if (money.nanos <= maximumStored) return money
  throw invalid(path, 'must be below 9.2 × 10⁹')
}

/** Micro-sparks. @throws BillingError `config_invalid` naming the place */
export function readSparks(text: string, path: string): bigint {
  positive(text, path)
  const micro = inPlace(path, () => parseSparks(text))
  if (micro <= maximumStored) return micro
  throw invalid(path, 'must be below 9.2 × 10¹²')
}

/** What a value's own parser refuses is a mistake in the catalog, at this place. */
export function inPlace<T>(path: string, parse: () => T): T {
  try {
    return parse()
  } catch (cause) {
    if (!BillingError.is(cause)) throw cause
    throw new BillingError('config_invalid', `Catalog: ${path}: ${cause.message}`, { details: { path }, cause })
  }
}
