import type { Context } from 'hono'
import { BillingError, type Page } from '../index.js'
import type { AppEnv } from './app.js'
import { RequestError } from './request-error.js'

/** The address of the next page, or `null`. */
export function nextUrl(context: Context<AppEnv>, cursor: string | null): string | null {
  if (cursor === null) return null
  const url = new URL(context.req.url)
  url.searchParams.set('cursor', cursor)
  return `${url.pathname}${url.search}`
}

/** A list as S4 has it: the rows, and where the next are in a `Link` header (RFC 8288). */
export function linkNext(context: Context<AppEnv>, cursor: string | null): void {
  const url = nextUrl(context, cursor)
  if (url !== null) context.header('link', `<${url}>; rel="next"`)
}

/**
 * A page of what passes a filter that the service has not: pages without any are passed over, so that an answer may be short but is
 * empty only at the end or after a long way. `filter` names what is picked, `null` all: a place belongs to the list as it was asked for.
 *
 * @throws BillingError `invalid_cursor` for a place in a list of another filter
 */
export async function filtered<T, R>(
  read: (cursor: string | undefined) => Promise<Page<T>>,
  { cursor, filter }: { readonly cursor: string | undefined; readonly filter: string | null },
  pick: (item: T) => R | null,
): Promise<Page<R>> {
  const mark = filter === null ? '' : `${filter}.`
  if (cursor !== undefined && !cursor.startsWith(mark))
    throw new BillingError('invalid_cursor', 'cursor must be that of a page of the same list, with the same filters.')
  let place = cursor?.slice(mark.length)
  for (let pages = 1; ; pages += 1) {
    const page = await read(place)
    const items = page.items.map(pick).filter((item) => item !== null)
    if (items.length > 0 || page.nextCursor === null || pages === 20)
      return { items, nextCursor: page.nextCursor === null ? null : `${mark}${page.nextCursor}` }
    place = page.nextCursor
  }
}

/** The days that are asked for; one that is not given is left to the service. */
export function spanOf({ from, to }: { readonly from?: string | undefined; readonly to?: string | undefined }): {
  readonly from?: string
  readonly to?: string
} {
  return { ...(from && { from }), ...(to && { to }) }
}

/** Which page is asked for, as it came. */
export interface PageQuery {
  readonly limit?: string | undefined
  readonly cursor?: string | undefined
}

/** Which page the service is asked for. */
export interface Place {
  readonly accountId: string
  readonly limit: number
  readonly cursor?: string
}

/** A page of what stands in one of these states, or of all. One state alone the service looks for itself. */
export function inStates<Status, Item extends { readonly status: Status }, Row>(
  { accountId, limit, cursor }: PageQuery & { readonly accountId: string },
  states: readonly Status[] | null,
  read: (place: Place & { readonly status?: Status }) => Promise<Page<Item>>,
  show: (item: Item) => Row | null,
): Promise<Page<Row>> {
  const [only, ...others] = states ?? []
  const narrowed = only === undefined || others.length > 0 ? {} : { status: only }
  const filter = others.length > 0 ? `status=${states?.join('+')}` : null
  return filtered(
    (place) => read({ ...placeOf(accountId, { limit, cursor: place }), ...narrowed }),
    { cursor, filter },
    (item) => (states === null || states.includes(item.status) ? show(item) : null),
  )
}

export function placeOf(accountId: string, query: PageQuery): Place {
  return { accountId, ...pageOf(query) }
}

/** Which page is asked for. @throws RequestError `invalid_range` (the number of rows) */
export function pageOf({ limit = '20', cursor }: PageQuery): Omit<Place, 'accountId'> {
  const rows = /^[1-9]\d{0,2}$/.test(limit) ? Number(limit) : 0
  if (rows < 1 || rows > 100) throw new RequestError('invalid_range', 'limit: a whole number from 1 to 100.')
  return { limit: rows, ...(cursor === undefined ? {} : { cursor }) }
}

/** A list as S3 has it. */
export function resultsOf<T>(
  context: Context<AppEnv>,
  { items, nextCursor }: Page<T>,
): { results: T[]; next: string | null; previous: null } {
  return { results: [...items], next: nextUrl(context, nextCursor), previous: null }
}
