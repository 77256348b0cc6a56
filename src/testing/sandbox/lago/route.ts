import * as z from 'zod'
import { invalid, missingParameter } from './errors.js'
import type { LagoWorld } from './world.js'

export interface LagoCall<Body> {
  readonly world: LagoWorld
  readonly body: Body
  /** Parts of the address, as `:code`. */
  readonly path: Readonly<Record<string, string>>
  readonly query: URLSearchParams
}

/** One operation of the API. What it returns is the answer's body; `undefined` is an empty one. */
export interface LagoRoute {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  match(path: string): Readonly<Record<string, string>> | undefined
  run(call: LagoCall<unknown>): unknown
}

/** An answer that is not JSON. */
export class LagoText {
  constructor(readonly text: string) {}
}

/** `path` begins after `/api/v1`. Fields that the schema does not name are ignored, as Lago does. */
export function route<Body>(
  operation: `${LagoRoute['method']} ${string}`,
  schema: z.ZodType<Body>,
  handle: (call: LagoCall<Body>) => unknown,
): LagoRoute {
  const [method, pattern = ''] = operation.split(' ') as [LagoRoute['method'], string]
  const expression = new RegExp(`^${pattern.replace(/:(\w+)/g, '(?<$1>[^/]+)')}$`)
  return {
    method,
    match(path) {
      const found = expression.exec(path)
      if (found === null) return undefined
      return Object.fromEntries(Object.entries(found.groups ?? {}).map(([name, part]) => [name, decode(part)]))
    },
    run: (call) => handle({ ...call, body: parseBody(schema, call.body) }),
  }
}

/** For operations without a body. */
export const noBody = z.unknown()

/** A body of one object under its own name: `{"customer": {…}}`. */
export function wrapped<Name extends string, Shape extends z.ZodType>(
  name: Name,
  shape: Shape,
): z.ZodType<Record<Name, z.output<Shape>>> {
  return z.object({ [name]: shape }) as unknown as z.ZodType<Record<Name, z.output<Shape>>>
}

/** A page of `rows`, which come in the order they are listed in. */
export function paged<Row, Name extends string>(
  name: Name,
  rows: readonly Row[],
  query: URLSearchParams,
): Record<Name, readonly Row[]> & { readonly meta: PageMeta } {
  const size = positive(query.get('per_page')) ?? 100
  const page = positive(query.get('page')) ?? 1
  const pages = Math.ceil(rows.length / size)
  const meta = {
    current_page: page,
    next_page: page < pages ? page + 1 : null,
    prev_page: page > 1 ? page - 1 : null,
    total_pages: pages,
    total_count: rows.length,
  }
  return { [name]: rows.slice((page - 1) * size, page * size), meta } as unknown as Record<Name, readonly Row[]> & {
    readonly meta: PageMeta
  }
}

export interface PageMeta {
  readonly current_page: number
  readonly next_page: number | null
  readonly prev_page: number | null
  readonly total_pages: number
  readonly total_count: number
}

function positive(text: string | null): number | undefined {
  const value = Number(text)
  return Number.isInteger(value) && value > 0 ? value : undefined
}

function parseBody<Body>(schema: z.ZodType<Body>, body: unknown): Body {
  const parsed = schema.safeParse(body)
  if (parsed.success) return parsed.data
  const details: Record<string, string[]> = {}
  for (const { path, code } of parsed.error.issues) {
    const [outer, ...inner] = path
    // The object itself is missing: that is no field's fault.
    if (inner.length === 0) throw missingParameter(String(outer ?? 'body'))
    const field = inner.map(String).join('.')
    details[field] = [...(details[field] ?? []), code === 'invalid_type' ? 'value_is_mandatory' : 'value_is_invalid']
  }
  throw invalid(details)
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}
