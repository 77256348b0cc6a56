import type { BillingContext } from '../context.js'
import type { IdPrefix } from '../domain/ids.js'
import type { LedgerCommand } from '../domain/ledger/command.js'
import { dedupeOf, fingerprintOf } from '../domain/ledger/key.js'
import type { LedgerOutcome } from '../domain/ledger/outcome.js'
import type { LedgerSnapshot } from '../domain/ledger/view.js'
import { BillingError } from '../errors.js'
import type { AccountRecord } from '../ports/store.js'
import { errorOf } from './refusal.js'

/** The account, which must be there. @throws BillingError `not_found` */
export async function requireAccount(ctx: BillingContext, accountId: string): Promise<AccountRecord> {
  const account = await ctx.store.accounts.get(accountId)
  if (account) return account
  throw new BillingError('not_found', `No account ${accountId}: call accounts.ensure first.`, {
    details: { accountId },
  })
}

/** How the account stands now; it must be there. @throws BillingError `not_found` */
export async function requireSnapshot(ctx: BillingContext, accountId: string): Promise<LedgerSnapshot> {
  const snapshot = await ctx.store.ledger.snapshot(accountId)
  if (snapshot) return snapshot
  throw new BillingError('not_found', `No account ${accountId}: call accounts.ensure first.`, {
    details: { accountId },
  })
}

/** What a command carries to be repeatable. */
export function keyed(
  ctx: BillingContext,
  operation: string,
  prefix: IdPrefix,
  request: { readonly accountId: string; readonly idempotencyKey: string },
  body: Readonly<Record<string, unknown>>,
) {
  const { accountId, idempotencyKey: key } = request
  return {
    accountId,
    id: ctx.newId(prefix),
    key,
    dedupe: dedupeOf(accountId, operation, key),
    fingerprint: fingerprintOf(body),
  }
}

/** Sends a command; a refusal becomes the error it names. */
export async function submit(
  ctx: BillingContext,
  command: LedgerCommand,
): Promise<Exclude<LedgerOutcome, { status: 'refused' }>> {
  return accepted(ctx, await ctx.ledger.submit(command))
}

/** An outcome that is no refusal. @throws BillingError what the refusal names */
export function accepted(ctx: BillingContext, outcome: LedgerOutcome): Exclude<LedgerOutcome, { status: 'refused' }> {
  if (outcome.status === 'refused') throw errorOf(outcome)
  ctx.wake()
  return outcome
}
