import type { BillingContext } from '../context.js'
import type { EntryPage } from '../ports/store.js'

/** Rows of an account, newest first, page by page. */
export async function* rowsOf(
  { store }: BillingContext,
  accountId: string,
  filter: Pick<EntryPage, 'operation' | 'grantId'> = {},
) {
  let before: string | undefined
  for (;;) {
    const rows = await store.ledger.entries(accountId, {
      limit: 100,
      ...filter,
      ...(before !== undefined && { before }),
    })
    yield* rows
    if (rows.length < 100) return
    before = rows.at(-1)?.cursor
  }
}
