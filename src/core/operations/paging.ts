import * as z from 'zod'
import type { BillingContext } from '../context.js'
import type { CursorList } from '../cursors.js'
import { BillingError } from '../errors.js'
import type { Listed, ListPage } from '../ports/page.js'

/** Which page of a list. */
export interface PageInput {
  /** 1 to 100; default 50. */
  readonly limit?: number
  /** The `nextCursor` of the page before. */
  readonly cursor?: string
}

/** A page of a list; `nextCursor` is `null` on the last one. */
export interface Page<T> {
  readonly items: readonly T[]
  readonly nextCursor: string | null
}

/** The fields of a page, for the operations that list. */
export const pageFields = {
  limit: z.unknown().transform(readLimit).default(50),
  cursor: z.unknown().optional(),
}

/**
 * A page out of one row more than it has: that there is one says that there is another page. The cursor to that one belongs to the list, which is
 * named with everything it was asked for with.
 */
export async function pageOf<Row, T>(
  { cursors }: Pick<BillingContext, 'cursors'>,
  list: CursorList,
  rows: readonly Row[],
  limit: number,
  { item, position }: { readonly item: (row: Row) => T; readonly position: (row: Row) => string },
): Promise<Page<T>> {
  const page = rows.slice(0, limit)
  const last = page.at(-1)
  const nextCursor = rows.length > limit && last ? await cursors.seal(list, position(last)) : null
  return { items: page.map(item), nextCursor }
}

/** A page of a provider's list, under a cursor that belongs to the list as it is asked for here. */
export async function providerPage<Row, T>(
  { cursors }: Pick<BillingContext, 'cursors'>,
  list: CursorList,
  { items, next }: Listed<Row>,
  item: (row: Row) => T,
): Promise<Page<T>> {
  return { items: items.map(item), nextCursor: next === null ? null : await cursors.seal(list, next) }
}

/** Which page of a provider's list is asked for. @throws BillingError `invalid_cursor` */
export async function providerPlace(
  ctx: Pick<BillingContext, 'cursors'>,
  list: CursorList,
  { limit, cursor }: { readonly limit: number; readonly cursor?: unknown },
): Promise<ListPage> {
  const after = await readCursor(ctx, list, cursor)
  return { limit, ...(after === undefined ? {} : { after }) }
}

/** The position that a cursor of this list names; absent without one. @throws BillingError `invalid_cursor` */
export async function readCursor(
  { cursors }: Pick<BillingContext, 'cursors'>,
  list: CursorList,
  cursor: unknown,
): Promise<string | undefined> {
  return cursor === undefined ? undefined : cursors.open(list, cursor)
}

function readLimit(value: unknown): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= 100) return value
  throw new BillingError('invalid_range', 'limit must be a whole number from 1 to 100.', {
    details: { field: 'limit' },
  })
}
