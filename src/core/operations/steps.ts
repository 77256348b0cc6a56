import type { BillingContext } from '../context.js'
import type { IdPrefix } from '../domain/ids.js'
import type { LedgerCommand } from '../domain/ledger/command.js'
import { dedupeOf, fingerprintOf } from '../domain/ledger/key.js'
import type { LedgerOutcome, Quota } from '../domain/ledger/outcome.js'
import type { QuotaStatus } from '../domain/quota.js'
import { formatQuantity } from '../domain/sparks.js'
import { BillingError } from '../errors.js'
import type { AccountRecord } from '../ports/store.js'

/** The account, which must be there. @throws BillingError `not_found` */
export async function requireAccount(ctx: BillingContext, accountId: string): Promise<AccountRecord> {
  const account = await ctx.store.accounts.get(accountId)
  if (account) return account
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
  return { accountId, id: ctx.newId(prefix), key, dedupe: dedupeOf(operation, key), fingerprint: fingerprintOf(body) }
}

/** Sends a command; a refusal becomes the error it names. */
export async function submit(
  ctx: BillingContext,
  command: LedgerCommand,
): Promise<Exclude<LedgerOutcome, { status: 'refused' }>> {
  const outcome = await ctx.ledger.submit(command)
  if (outcome.status === 'refused') throw new BillingError(outcome.code, outcome.message, { details: outcome.details })
  ctx.wake()
  return outcome
}

/** A quota as callers see it: quantities are decimal text in the meter's unit. */
export interface QuotaView {
  readonly meter: string
  readonly status: QuotaStatus
  readonly used: string
  readonly held: string
  /** `null` for no limit. */
  readonly limit: string | null
  readonly remaining: string | null
  readonly periodStartsAt: Date
  readonly resetsAt: Date
}

export function quotaView(quota: Quota): QuotaView {
  return {
    ...quota,
    used: formatQuantity(quota.used),
    held: formatQuantity(quota.held),
    limit: quota.limit === null ? null : formatQuantity(quota.limit),
    remaining: quota.remaining === null ? null : formatQuantity(quota.remaining),
    periodStartsAt: new Date(quota.periodStartsAt),
    resetsAt: new Date(quota.resetsAt),
  }
}
