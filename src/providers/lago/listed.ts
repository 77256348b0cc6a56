import * as z from 'zod'
import type { Listed, ListPage } from '../../core/ports/page.js'
import { parseAnswer } from './call.js'
import type { PageNumber } from './every-page.js'

/** One page of a list. Lago counts its pages, so `after` is the number of the next one. */
export async function listed<Row, Item>(
  name: string,
  schema: z.ZodType<Row>,
  { limit, after }: ListPage,
  list: (page: PageNumber) => Promise<unknown>,
  map: (row: Row) => Item | Promise<Item>,
): Promise<Listed<Item>> {
  const pageSchema = z.object({
    [name]: z.array(schema),
    meta: z.object({ next_page: z.number().nullish() }),
  }) as unknown as z.ZodType<Record<string, Row[]> & { readonly meta: { readonly next_page?: number | null } }>
  const page = after === undefined ? 1 : Number(after)
  const answer = parseAnswer(pageSchema, await list({ page, per_page: limit }))
  const items = await Promise.all((answer[name] ?? []).map(map))
  return { items, next: answer.meta.next_page == null ? null : String(answer.meta.next_page) }
}
