import * as z from 'zod'
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

/** A place in the ledger: the number of a row. */
export const rowNumber = /^[1-9]\d{0,17}$/

/** A page out of one row more than it has: that there is one says that there is another page. */
export function pageOf<Row, T>(
  accountId: string,
  rows: readonly Row[],
  limit: number,
  { item, position }: { readonly item: (row: Row) => T; readonly position: (row: Row) => string },
): Page<T> {
  const page = rows.slice(0, limit)
  const last = page.at(-1)
  const nextCursor = rows.length > limit && last ? btoa(`${accountId}|${encodeURIComponent(position(last))}`) : null
  return { items: page.map(item), nextCursor }
}

/** A page of a provider's list, under a cursor that belongs to this account. */
export function providerPage<Row, T>(accountId: string, { items, next }: Listed<Row>, item: (row: Row) => T): Page<T> {
  const nextCursor = next === null ? null : btoa(`${accountId}|${encodeURIComponent(next)}`)
  return { items: items.map(item), nextCursor }
}

/** Which page of a provider's list is asked for. @throws BillingError `invalid_cursor` */
export function providerPlace(request: {
  readonly accountId: string
  readonly limit: number
  readonly cursor?: unknown
}): ListPage {
  const after = readCursor(request.cursor, request.accountId, /^[\w.:-]{1,255}$/)
  return { limit: request.limit, ...(after === undefined ? {} : { after }) }
}

/** The position that a cursor of this account names; absent without one. @throws BillingError `invalid_cursor` */
export function readCursor(cursor: unknown, account: string, pattern: RegExp): string | undefined {
  if (cursor === undefined) return undefined
  const { owner, position } = decodeCursor(cursor)
  if (owner === account && pattern.test(position)) return position
  throw new BillingError('invalid_cursor', 'cursor must be the nextCursor of a page of the same account.')
}

/** What is no cursor is answered like one of somebody else. */
function decodeCursor(cursor: unknown): { readonly owner: string; readonly position: string } {
  const nobody = { owner: '', position: '' }
  if (typeof cursor !== 'string' || cursor.length > 8_000) return nobody
  try {
    const [owner = '', position = '', ...rest] = atob(cursor).split('|')
    return rest.length === 0 ? { owner, position: decodeURIComponent(position) } : nobody
  } catch {
    return nobody
  }
}

function readLimit(value: unknown): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= 100) return value
  throw new BillingError('invalid_range', 'limit must be a whole number from 1 to 100.', {
    details: { field: 'limit' },
  })
}
