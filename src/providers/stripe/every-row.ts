import * as z from 'zod'
import { parseAnswer } from './call.js'

/** Where a page of a list begins: after the last row of the one before. */
export interface PageStart {
  readonly limit: number
  readonly starting_after?: string
}

/**
 * All rows of a list, page by page.
 *
 * @see https://docs.stripe.com/api/pagination
 */
export async function everyRow<Row extends { readonly id: string }>(
  schema: z.ZodType<Row>,
  list: (start: PageStart) => Promise<unknown>,
): Promise<readonly Row[]> {
  const pageSchema = z.object({ data: z.array(schema), has_more: z.boolean() })
  const rows: Row[] = []
  let start: PageStart | undefined = { limit: 100 }
  while (start !== undefined) {
    const page: z.output<typeof pageSchema> = parseAnswer(pageSchema, await list(start))
    rows.push(...page.data)
    const last = page.data.at(-1)
    start = page.has_more && last !== undefined ? { limit: 100, starting_after: last.id } : undefined
  }
  return rows
}
