import * as z from 'zod'
import type { Listed, ListPage } from '../../core/ports/page.js'
import { parseAnswer } from './call.js'
import type { PageStart } from './every-row.js'

/** How a list is read. */
export interface PageSource<Row, Item> {
  list(start: PageStart): Promise<unknown>
  map(row: Row): Item
  /** What Stripe's own filters cannot say. */
  fits(item: Item): boolean
}

/** A page of those rows that fit: Stripe's pages are read on until it is full. */
export async function pageWhere<Row extends { readonly id: string }, Item>(
  { limit, after }: ListPage,
  schema: z.ZodType<Row>,
  { list, map, fits }: PageSource<Row, Item>,
): Promise<Listed<Item>> {
  const pageSchema = z.object({ data: z.array(schema), has_more: z.boolean() })
  const items: Item[] = []
  let last = after
  for (;;) {
    const start = { limit, ...(last === undefined ? {} : { starting_after: last }) }
    const { data, has_more: more }: z.output<typeof pageSchema> = parseAnswer(pageSchema, await list(start))
    for (const [index, row] of data.entries()) {
      last = row.id
      const item = map(row)
      if (!fits(item)) continue
      items.push(item)
      if (items.length < limit) continue
      return { items, next: more || index < data.length - 1 ? row.id : null }
    }
    if (!more || data.length === 0) return { items, next: null }
  }
}
