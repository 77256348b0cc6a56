import type { Context } from 'hono'
import type { Page } from '../index.js'
import type { AppEnv } from './app.js'

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
 * empty only at the end or after a long way.
 */
export async function filtered<T, R>(
  read: (cursor: string | undefined) => Promise<Page<T>>,
  cursor: string | undefined,
  pick: (item: T) => R | null,
): Promise<Page<R>> {
  let place = cursor
  for (let pages = 1; ; pages += 1) {
    const page = await read(place)
    const items = page.items.map(pick).filter((item) => item !== null)
    if (items.length > 0 || page.nextCursor === null || pages === 20) return { items, nextCursor: page.nextCursor }
    place = page.nextCursor
  }
}

/** What a page asks the service for. */
export function placeOf(
  accountId: string,
  { limit, cursor }: { readonly limit?: number | undefined; readonly cursor?: string | undefined },
): { readonly accountId: string; readonly limit: number; readonly cursor?: string } {
  return { accountId, limit: limit ?? 20, ...(cursor === undefined ? {} : { cursor }) }
}

/** A list as S3 has it. */
export function resultsOf<T>(
  context: Context<AppEnv>,
  { items, nextCursor }: Page<T>,
): { results: T[]; next: string | null; previous: null } {
  return { results: [...items], next: nextUrl(context, nextCursor), previous: null }
}
