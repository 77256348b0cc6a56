import * as z from 'zod'
import type { BillingContext } from '../context.js'
import { BillingError } from '../errors.js'
import type { LedgerVerification } from '../ports/ledger-verification.js'
import { accountId, parse } from './fields.js'

/** Which books to verify. */
export interface VerifyLedgerInput {
  /** Only this account's; default all. */
  readonly accountId?: string
  /** How many findings are enough, 1 to 1,000; default 100. */
  readonly limit?: number
}

const verifySchema = z.strictObject({
  accountId: accountId.optional(),
  limit: z.number().int().min(1).max(1_000).default(100),
})

/**
 * Works out all that is kept as a sum from the rows it is a sum of, on one state of the books and by code that has no part in writing
 * them, and answers every difference. Changes nothing. The whole ledger is read: for large books, one account at a time.
 *
 * @throws BillingError `not_found`, `invalid_request`, `invalid_id`
 * @example const { findings } = await billing.verifyLedger()
 * @see docs/storage.md#verifying-the-books
 */
export async function verifyLedger(ctx: BillingContext, input: VerifyLedgerInput = {}): Promise<LedgerVerification> {
  const { accountId: id, limit } = parse(verifySchema, input)
  const verification = await ctx.store.ledger.verify({ limit, ...(id === undefined ? {} : { accountId: id }) })
  const { accounts, entries } = verification.checked
  if (id !== undefined && accounts === 0 && entries === 0 && verification.findings.length === 0)
    throw new BillingError('not_found', `No account ${id}: call accounts.ensure first.`, { details: { accountId: id } })
  return verification
}
