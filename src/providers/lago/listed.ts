import type * as z from 'zod'
import type { Listed, ListPage } from '../../core/ports/page.js'
import { type PageNumber, readPage } from './every-page.js'

/** One page of a list. Lago counts its pages, so `after` is the number of the next one. */
export async function listed<Row, Item>(
  name: string,
  schema: z.ZodType<Row>,
  { limit, after }: ListPage,
  list: (page: PageNumber) => Promise<unknown>,
  map: (row: Row) => Item | Promise<Item>,
): Promise<Listed<Item>> {
  const page = after === undefined ? 1 : Number(after)
  const { rows, next } = readPage(name, schema, await list({ page, per_page: limit }))
  return { items: await Promise.all(rows.map(map)), next: next === null ? null : String(next) }
}
