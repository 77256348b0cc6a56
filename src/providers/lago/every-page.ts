import * as z from 'zod'
import { parseAnswer } from './call.js'

/** Which page of a list is asked for; pages are counted from 1. */
export interface PageNumber {
  readonly page: number
  readonly per_page: number
}

const perPage = 100

/** A page of a list. */
export interface Page<Row> {
  readonly rows: readonly Row[]
  /** The number of the next one; `null` on the last. */
  readonly next: number | null
}

/** What Lago answers for a page of a list, which lies under the list's name. @throws BillingError `provider_response_invalid` */
export function readPage<Row>(name: string, schema: z.ZodType<Row>, answer: unknown): Page<Row> {
  const { meta, [name]: rows } = parseAnswer(
    z.object({ [name]: z.array(schema), meta: z.object({ next_page: z.number().nullish() }) }),
    answer,
  ) as { readonly meta: { readonly next_page?: number | null } } & Readonly<Record<string, readonly Row[]>>
  return { rows: rows ?? [], next: meta.next_page ?? null }
}

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
  const rows: Row[] = []
  const seen = new Set<string>()
  for (let page: number | null = 1; page !== null; ) {
    const found: Page<Row> = readPage(name, schema, await list({ page, per_page: perPage }))
    for (const row of found.rows) {
      const id = idOf(row)
      if (id !== null && seen.has(id)) continue
      if (id !== null) seen.add(id)
      rows.push(row)
    }
    page = found.next
  }
  return rows
}
