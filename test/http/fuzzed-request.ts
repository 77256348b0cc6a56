import { createRandom } from '../model/sequence.js'

type Schema = Readonly<Record<string, unknown>>

/** As much of an OpenAPI document as requests are made from. */
export interface Described {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> }
}

interface Operation {
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly schema: Schema }[]
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> }
}

const nasty: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  1e21,
  Number('9007199254740993'),
  0.1 + 0.2,
  '',
  ' ',
  '-0',
  '1e308',
  'NaN',
  '\0',
  '\ud800',
  '../../etc/passwd',
  "' OR 1=1 --",
  '<script>alert(1)</script>',
  'https://evil.example/',
  '2026-02-30',
  '9'.repeat(5_000),
  'ﷺ'.repeat(500),
  [],
  [[[[[]]]]],
  {},
  { toString: 'x', constructor: { prototype: {} } },
  JSON.parse('{"__proto__":{"isAdmin":true}}'),
]

const headerValues = [
  '',
  'a, b',
  'k'.repeat(300),
  '"',
  'text/plain',
  '99999999999999999999',
  '*/*',
  'gzip',
  'null',
  '\u00ff',
]
const headerNames = [
  'content-type',
  'content-encoding',
  'content-length',
  'idempotency-key',
  'origin',
  'accept',
  'cookie',
  'range',
]

/** Fields by whose values a request gets through. */
const fitting: Readonly<Record<string, readonly unknown[]>> = {
  meter: ['workflows', 'ai_tokens', 'storage_gb'],
  quantity: ['1', '2.5', 3],
  amount: ['5', '999.99'],
  amount_usd: [5],
  package: ['small', 'large'],
  plan: ['pro', 'starter', 'lifetime'],
  payment_method_id: ['pm_card_visa', 'pm_card_chargeDeclined'],
}

/** Requests that nobody meant, made from what a document says is wanted: the same ones for the same seed. */
export function fuzzedRequests({ paths, components }: Described, seed: number): () => Request {
  const next = createRandom(seed)
  const pick = <T>(from: readonly T[]): T => from[next(from.length)] as T
  const operations = Object.entries(paths).flatMap(([path, methods]) => {
    return Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation }))
  })

  const known = (schema: Schema): Schema => {
    const reference = schema.$ref as string | undefined
    return reference ? (components.schemas[reference.slice(reference.lastIndexOf('/') + 1)] ?? {}) : schema
  }
  /** One in so many values is not what is wanted; 0 for none. */
  let strangeOneIn = 5
  function value(wanted: Schema, depth = 0): unknown {
    if (depth > 6 || (strangeOneIn > 0 && next(strangeOneIn) === 0)) return pick(nasty)
    const schema = known(wanted)
    const options = (schema.oneOf ?? schema.anyOf ?? schema.enum) as readonly unknown[] | undefined
    if (options) return schema.enum ? pick(options) : value(pick(options) as Schema, depth)
    if ('const' in schema) return schema.const
    switch (schema.type) {
      case 'object': {
        const properties = Object.entries((schema.properties ?? {}) as Readonly<Record<string, Schema>>)
        const required = (schema.required ?? []) as readonly string[]
        const kept = properties.filter(([name]) => {
          const isWanted = required.includes(name) || name in fitting || name === 'idempotency_key'
          return isWanted ? next(20) > 0 : next(8) === 0
        })
        const extra =
          strangeOneIn > 0 && next(12) === 0 ? [[pick(['accountId', 'amount', '__proto__x', 'é']), pick(nasty)]] : []
        return Object.fromEntries([...kept.map(([name, each]) => [name, named(name, each, depth + 1)]), ...extra])
      }
      case 'array':
        return Array.from({ length: next(4) }, () => value((schema.items ?? {}) as Schema, depth + 1))
      case 'integer':
      case 'number':
        return next(200) - 20
      case 'boolean':
        return next(2) === 0
      default:
        return pick([
          '1',
          'workflows',
          'ai_tokens',
          'pro',
          'small',
          'acme',
          'gpt-5',
          '2026-11-21',
          `k${next(1_000_000)}`,
        ])
    }
  }
  function named(name: string, schema: Schema, depth: number): unknown {
    if (name === 'idempotency_key' && strangeOneIn !== 5) return `k${next(1_000_000)}`
    const fits = fitting[name]
    return fits && strangeOneIn !== 5 ? pick(fits) : value(schema, depth)
  }
  const text = (given: unknown) => (typeof given === 'string' ? given : JSON.stringify(given)) ?? ''
  const encoded = (given: unknown) => encodeURIComponent(text(given).replace(/\p{Surrogate}/gu, ''))

  function bodyOf(operation: Operation): BodyInit | undefined {
    const schema = operation.requestBody?.content['application/json']?.schema
    if (!schema) return next(3) === 0 ? text(pick(nasty)) : undefined
    const json = JSON.stringify(value(schema)) ?? ''
    if (next(10) > 0) return json
    // Bytes that were changed on the way.
    const bytes = new TextEncoder().encode(json)
    for (let times = next(4); times >= 0 && bytes.length > 0; times -= 1) bytes[next(bytes.length)] = next(256)
    return bytes.slice(0, next(bytes.length + 1))
  }

  return () => {
    const { path, method, operation } = pick(operations)
    strangeOneIn = pick([0, 0, 5, 20])
    const place = path.replace(/\{(\w+)\}/g, (_, name) =>
      name === 'organization_id' && next(8) > 0 ? 'acme' : encoded(value({})),
    )
    const asked = (operation.parameters ?? []).filter((each) => each.in === 'query' && next(3) === 0)
    const query = asked.map(({ name, schema }) => `${name}=${encoded(value(schema))}`)
    if (next(20) === 0) query.push(`${encoded(pick(nasty))}=${encoded(pick(nasty))}`)
    const headers = new Headers({ authorization: next(20) === 0 ? 'Bearer nobody' : 'Bearer owner' })
    const body = method === 'GET' ? undefined : bodyOf(operation)
    if (body !== undefined) headers.set('content-type', 'application/json')
    if (next(4) === 0) headers.set(pick(headerNames), pick(headerValues))
    const question = query.length === 0 ? '' : `?${query.join('&')}`
    return new Request(`https://app.example${place}${question}`, {
      method,
      headers,
      ...(body !== undefined && { body }),
    })
  }
}
