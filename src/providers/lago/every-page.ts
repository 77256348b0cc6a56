import * as z from 'zod'
import { parseAnswer } from './call.js'

/** Which page of a list is asked for; pages are counted from 1. */
export interface PageNumber {
  readonly page: number
  readonly per_page: number
}

const perPage = 100

/**
 * All rows of a list, page by page. Lago's pages are counted, so that what is added meanwhile moves rows on: one that comes twice is
 * taken once.
 *
 * @see https://docs.getlago.com/api-reference/intro#pagination
 */
export async function everyPage<Row>(
  name: string,
  schema: z.ZodType<Row>,
  idOf: (row: Row) => string | null,
  list: (page: PageNumber) => Promise<unknown>,
): Promise<readonly Row[]> {
  const pageSchema = z.object({
    [name]: z.array(schema),
    meta: z.object({ next_page: z.number().nullish() }),
  }) as unknown as z.ZodType<Record<string, Row[]> & { readonly meta: { readonly next_page?: number | null } }>
  const rows: Row[] = []
  const seen = new Set<string>()
  for (let page: number | null = 1; page !== null; ) {
    const answer: Record<string, Row[]> & { readonly meta: { readonly next_page?: number | null } } = parseAnswer(
      pageSchema,
      await list({ page, per_page: perPage }),
    )
    for (const row of answer[name] ?? []) {
      const id = idOf(row)
      if (id !== null && seen.has(id)) continue
      if (id !== null) seen.add(id)
      rows.push(row)
    }
    page = answer.meta.next_page ?? null
  }
  return rows
}
