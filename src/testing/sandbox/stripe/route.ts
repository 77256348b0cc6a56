import * as z from 'zod'
import { invalidRequest } from './errors.js'
import { parseParameters } from './form.js'
import type { StripeWorld } from './world.js'

export interface StripeCall<Params> {
  readonly world: StripeWorld
  readonly params: Params
  /** Parts of the address, as `:id`. */
  readonly path: Readonly<Record<string, string>>
}

/** One operation of the API. */
export interface StripeRoute {
  readonly method: 'GET' | 'POST' | 'DELETE'
  match(path: string): Readonly<Record<string, string>> | undefined
  run(world: StripeWorld, path: Readonly<Record<string, string>>, fields: unknown): unknown
}

export function route<Params>(
  operation: `${StripeRoute['method']} ${string}`,
  schema: z.ZodType<Params>,
  handle: (call: StripeCall<Params>) => unknown,
): StripeRoute {
  const [method, pattern = ''] = operation.split(' ') as [StripeRoute['method'], string]
  const expression = new RegExp(`^${pattern.replace(/:(\w+)/g, '(?<$1>[^/]+)')}$`)
  return {
    method,
    match: (path) => {
      const found = expression.exec(path)
      return found === null ? undefined : { ...found.groups }
    },
    run: (world, path, fields) => handle({ world, path, params: parseParameters(schema, fields) }),
  }
}

/** An operation without parameters (`expand` is taken off before). */
export const noParameters = z.strictObject({})

export interface PageRequest {
  readonly limit?: number | undefined
  readonly starting_after?: string | undefined
  readonly ending_before?: string | undefined
}

export interface StripeList<Row> {
  readonly object: 'list'
  readonly url: string
  readonly has_more: boolean
  readonly data: readonly Row[]
}

/** One page of `rows`, which come oldest first and are listed newest first. */
export function listPage<Row extends { readonly id: string }>(
  url: string,
  rows: Iterable<Row>,
  page: PageRequest,
): StripeList<Row> {
  const limit = page.limit ?? 10
  if (limit < 1 || limit > 100) throw invalidRequest('Invalid limit: must be between 1 and 100.', { param: 'limit' })
  if (page.starting_after !== undefined && page.ending_before !== undefined) {
    throw invalidRequest('You may only specify one of these parameters: starting_after, ending_before.', {
      param: 'starting_after',
    })
  }
  const newestFirst = [...rows].reverse()
  if (page.ending_before !== undefined) {
    const stop = positionOf(newestFirst, page.ending_before, 'ending_before')
    const start = Math.max(0, stop - limit)
    return { object: 'list', url, has_more: start > 0, data: newestFirst.slice(start, stop) }
  }
  const start =
    page.starting_after === undefined ? 0 : positionOf(newestFirst, page.starting_after, 'starting_after') + 1
  const data = newestFirst.slice(start, start + limit)
  return { object: 'list', url, has_more: start + data.length < newestFirst.length, data }
}

export function wholeList<Row>(url: string, data: readonly Row[]): StripeList<Row> {
  return { object: 'list', url, has_more: false, data }
}

function positionOf(rows: readonly { readonly id: string }[], id: string, param: string): number {
  const position = rows.findIndex((row) => row.id === id)
  if (position < 0) throw invalidRequest(`No such object: '${id}'`, { code: 'resource_missing', param })
  return position
}
