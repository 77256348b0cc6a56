import { BillingError, invariant } from '../../errors.js'
import { type Burn, burn } from '../credit-grant.js'
import type { BillingEvent, BillingEventType } from '../event.js'
import { type MicroSparks, maximumStored } from '../sparks.js'
import type { Keyed } from './command.js'
import { balanceOf, type Draft, grantsOf, pair, setAccount, setGrants } from './draft.js'
import type { EntryResult, Refusal, StoredResult } from './outcome.js'
import type { AccountState, CounterAccount, EntryOperation, LedgerEntry } from './state.js'

/** A ledger row before its place in the ledger is known. */
export interface Posting {
  readonly command: Keyed
  readonly operation: EntryOperation
  readonly counterAccount: CounterAccount
  readonly amount: MicroSparks
  readonly reason: string
  readonly usage: LedgerEntry['usage']
}

/**
 * Writes one ledger row: moves the balance, takes what a debit burns from the grants, and keeps the key with the answer.
 * The grants' rest equals the balance as long as that is positive.
 */
export function post(draft: Draft, posting: Posting, result: (account: AccountState) => StoredResult): StoredResult {
  const before = accountOf(draft, posting.command.accountId)
  const account = { ...before, balance: before.balance + posting.amount }
  setAccount(draft, account)
  const burns = posting.amount < 0n ? burnGrants(draft, before, -posting.amount) : []
  const answer = result(account)
  const { accountId, id, key, dedupe, fingerprint } = posting.command
  const entry: LedgerEntry = {
    id,
    accountId,
    operation: posting.operation,
    key,
    dedupe,
    fingerprint,
    counterAccount: posting.counterAccount,
    amount: posting.amount,
    balanceAfter: account.balance,
    recordedAt: draft.now,
    reason: posting.reason,
    usage: posting.usage,
    burns,
    deliveries: {},
    result: answer,
  }
  draft.entries.push({ entry, plan: account.plan })
  draft.keys.set(pair(accountId, dedupe), { accountId, dedupe, fingerprint, result: answer })
  return answer
}

/** The answer of a row that is not usage. */
export function entryResult(id: string, amount: MicroSparks): (account: AccountState) => EntryResult {
  return (account) => ({ kind: 'entry', id, amount, balance: balanceOf(account) })
}

export function accountOf(draft: Draft, accountId: string): AccountState {
  const account = draft.accounts.get(accountId)
  invariant(account !== undefined, 'a command reached an account that is not there', { accountId })
  return account
}

/** Takes a debit out of the grants in burn order; what they do not hold is debt and burns nothing. */
function burnGrants(draft: Draft, before: AccountState, amount: MicroSparks): readonly Burn[] {
  const funded = before.balance > 0n ? before.balance : 0n
  const wanted = amount < funded ? amount : funded
  const taken = burn(grantsOf(draft, before.id), wanted)
  const sum = taken.burns.reduce((total, part) => total + part.amount, 0n)
  invariant(sum === wanted, 'what a debit burned does not sum to what it took', { accountId: before.id })
  setGrants(draft, before.id, taken.grants)
  draft.grants.set(
    before.id,
    taken.grants.filter((grant) => grant.remaining > 0n),
  )
  return taken.burns
}

export function emit(
  draft: Draft,
  event: Omit<BillingEvent, 'occurredAt'> & { readonly type: BillingEventType },
): void {
  draft.events.push({ ...event, occurredAt: draft.now })
}

export function refused(code: Refusal['code'], message: string, details: Refusal['details'] = {}): Refusal {
  return { status: 'refused', code, message, details }
}

/** Refuses what a 64-bit column could not hold. @throws BillingError `amount_out_of_range` */
export function storable(amount: bigint, what: string): bigint {
  if (amount <= maximumStored && amount >= -maximumStored) return amount
  throw new BillingError('amount_out_of_range', `${what} is more than can be stored (2^63 - 1 millionths).`)
}
