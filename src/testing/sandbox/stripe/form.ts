import * as z from 'zod'
import { currencies, isCurrency } from './currencies.js'
import { invalidRequest, type StripeFailure } from './errors.js'

/** Decoded parameters: text, or parameters within parameters. Lists arrive as `{ '0': …, '1': … }`. */
export interface FormFields {
  [name: string]: string | FormFields
}

/** Reads `line_items[0][price]=…&metadata[order]=7`, Stripe's encoding of v1 bodies and query strings. */
export function parseForm(encoded: string): FormFields {
  const fields = emptyFields()
  for (const [key, value] of new URLSearchParams(encoded)) place(fields, key, value)
  return fields
}

function place(fields: FormFields, key: string, value: string): void {
  const head = key.indexOf('[')
  const names =
    head < 1
      ? [key]
      : [key.slice(0, head), ...[...key.slice(head).matchAll(/\[([^\]]*)\]/g)].map((part) => part[1] ?? '')]
  let target = fields
  for (const [index, given] of names.entries()) {
    // `expand[]=a&expand[]=b` numbers itself.
    const name = given === '' ? String(Object.keys(target).length) : given
    if (index === names.length - 1) {
      if (typeof target[name] === 'object') throw invalidRequest(`Invalid hash: ${key}`, { param: key })
      target[name] = value
      return
    }
    const next = target[name] ?? emptyFields()
    if (typeof next === 'string') throw invalidRequest(`Invalid hash: ${key}`, { param: key })
    target[name] = next
    target = next
  }
}

/** No prototype: `__proto__` is a parameter like any other. */
function emptyFields(): FormFields {
  return Object.create(null) as FormFields
}

// The kinds of parameter. Values are text on the wire whatever their type.

export const text = z
  .string()
  .min(1, 'You passed an empty string for this parameter; it cannot be unset.')
  .max(5000, 'Invalid string: at most 5000 characters.')
export const integer = z
  .string()
  .regex(/^-?\d{1,15}$/, 'Invalid integer')
  .transform(Number)
export const count = z
  .string()
  .regex(/^\d{1,12}$/, 'Invalid non-negative integer')
  .transform(Number)
export const decimal = z.string().regex(/^-?\d{1,15}(\.\d{1,12})?$/, 'Invalid decimal')
export const flag = z.enum(['true', 'false'], 'Invalid boolean').transform((value) => value === 'true')
export const webUrl = text.regex(/^https?:\/\/[^\s/]+/i, 'Not a valid URL')
export const currency = text
  .transform((value) => value.toLowerCase())
  .refine(isCurrency, {
    error: ({ input }) =>
      `Invalid currency: ${String(input)}. Stripe currently supports these currencies: ${currencies.join(', ')}`,
    params: {},
  })
export const email = text.max(512).refine((value) => /^[^\s@]+@[^\s@.]+(\.[^\s@.]+)*$/.test(value), {
  error: ({ input }) => `Invalid email address: ${String(input)}`,
  params: { code: 'email_invalid' },
})

/** Empty text takes a value away. */
export const clearable = <Value extends z.ZodType>(value: Value) =>
  z.union([z.literal('').transform(() => null), value])

export const list = <Item extends z.ZodType>(item: Item) =>
  z.preprocess((value) => (isFields(value) ? Object.values(value) : value), z.array(item))

export const metadata = z
  .preprocess(
    // All is taken away. A union with empty text would not say what is wrong with a label.
    (value) => (value === '' ? {} : value),
    z.record(z.string(), z.string()).check(({ value, issues }) => {
      const message = metadataProblem(value)
      if (message !== undefined) issues.push({ code: 'custom', input: value, message, params: { param: 'metadata' } })
    }),
  )
  .optional()

const mostKeys = 50

function metadataProblem(labels: Readonly<Record<string, string>>): string | undefined {
  const count = Object.keys(labels).length
  if (count > mostKeys) return `Metadata can have up to ${mostKeys} keys, but you've set ${count}.`
  for (const [key, value] of Object.entries(labels)) {
    if (key.length > 40)
      return `Metadata keys can have up to 40 characters, but you passed in a key that is ${key.length} characters. Invalid key: ${key}`
    if (value.length > 500)
      return `Metadata values can have up to 500 characters, but you passed in a value that is ${value.length} characters. Invalid value: ${value}`
  }
  return undefined
}

/** `created=123` or `created[gte]=123`. */
export const timeRange = z.union([
  count.transform((at) => ({ gte: at, lte: at }) as TimeRange),
  z.strictObject({ gt: count.optional(), gte: count.optional(), lt: count.optional(), lte: count.optional() }),
])

export interface TimeRange {
  readonly gt?: number | undefined
  readonly gte?: number | undefined
  readonly lt?: number | undefined
  readonly lte?: number | undefined
}

export function isWithin(range: TimeRange | undefined, at: number): boolean {
  if (range === undefined) return true
  const { gt, gte, lt, lte } = range
  return (
    (gt === undefined || at > gt) &&
    (gte === undefined || at >= gte) &&
    (lt === undefined || at < lt) &&
    (lte === undefined || at <= lte)
  )
}

export const paging = { limit: count.optional(), starting_after: text.optional(), ending_before: text.optional() }

/** Parameters Stripe has and the sandbox takes without acting on them. */
export function tolerated<const Name extends string>(...names: readonly Name[]) {
  return Object.fromEntries(names.map((name) => [name, z.unknown().optional()])) as {
    [Key in Name]: z.ZodOptional<z.ZodUnknown>
  }
}

/** Empty values take keys away, others are added. */
export function mergeMetadata(
  before: Readonly<Record<string, string>>,
  change: Readonly<Record<string, string>> | undefined,
): Record<string, string> {
  if (change === undefined) return { ...before }
  if (Object.keys(change).length === 0) return {}
  const after = Object.fromEntries(Object.entries({ ...before, ...change }).filter(([, value]) => value !== ''))
  const problem = metadataProblem(after)
  if (problem !== undefined) throw invalidRequest(problem, { param: 'metadata' })
  return after
}

/** Parses parameters, or refuses them as Stripe would. */
export function parseParameters<Value>(schema: z.ZodType<Value>, fields: unknown): Value {
  const result = schema.safeParse(fields)
  if (result.success) return result.data
  throw refusal(result.error.issues, fields)
}

function refusal(issues: readonly z.core.$ZodIssue[], fields: unknown): StripeFailure {
  for (const issue of issues) {
    if (issue.code !== 'unrecognized_keys') continue
    const param = parameterName([...issue.path, issue.keys[0] ?? ''])
    return invalidRequest(`Received unknown parameter: ${param}`, { code: 'parameter_unknown', param })
  }
  const missing = issues.find((issue) => valueAt(fields, issue.path) === undefined)
  if (missing !== undefined) {
    const param = parameterName(missing.path)
    return invalidRequest(`Missing required param: ${param}.`, { code: 'parameter_missing', param })
  }
  const issue = issues[0]
  const param = parameterName(issue?.path ?? [])
  // In Stripe's own words.
  if (issue?.code === 'custom' && issue.params !== undefined) {
    return invalidRequest(issue.message, { param, ...(issue.params as { code?: string; param?: string }) })
  }
  if (valueAt(fields, issue?.path ?? []) === '') {
    const message = `You passed an empty string for '${param}'. We assume empty values are an attempt to unset a parameter; however '${param}' cannot be unset.`
    return invalidRequest(message, { code: 'parameter_invalid_empty', param })
  }
  const message = issue?.message ?? 'Invalid parameter'
  const code = message.includes('integer')
    ? 'parameter_invalid_integer'
    : message.includes('URL')
      ? 'url_invalid'
      : undefined
  return invalidRequest(`${message} (${param})`, { param, ...(code === undefined ? {} : { code }) })
}

function parameterName(path: readonly PropertyKey[]): string {
  return path.map((part, index) => (index === 0 ? String(part) : `[${String(part)}]`)).join('')
}

function valueAt(fields: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((value, part) => (isFields(value) ? value[String(part)] : undefined), fields)
}

function isFields(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
