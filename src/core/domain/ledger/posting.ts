import { BillingError, invariant } from '../../errors.js'
import type { Burn, CreditGrant } from '../credit-grant.js'
import type { BillingEvent, BillingEventType } from '../event.js'
import { type MicroSparks, maximumStored, minimumStored } from '../sparks.js'
import { type AccountDraft, own, type Slot } from './account-draft.js'
import type { Keyed } from './command.js'
import { accountDraft, balanceOf, type Draft, findGrant, setGrant } from './draft.js'
import type { EntryResult, LedgerOutcome, Refusal, StoredResult } from './outcome.js'
import type { AccountState, CounterAccount, EntryOperation, LedgerEntry } from './state.js'
import { toldOf } from './told.js'

/** A ledger row before its place in the ledger is known. */
export interface Posting {
  readonly command: Keyed
  readonly operation: EntryOperation
  readonly counterAccount: CounterAccount
  readonly amount: MicroSparks
  readonly reason: string
  readonly usage: LedgerEntry['usage']
  /** The row it corrects. */
  readonly corrects?: string
  /** The grant a debit takes from before it takes from others. */
  readonly takesFirst?: string
  /** The grant it opens, and what of it pays no debt. */
  readonly opens?: Burn
  /** What is to go back to which grants when the amount is added; what remains of it pays debt or has a grant of its own. */
  readonly givesBack?: readonly Burn[]
  /** Whether it is usage that was read out of traces. */
  readonly isPulled?: boolean
}

/**
 * Writes one ledger row: moves the balance, takes what a debit burns from the grants, and keeps the key with the answer.
 * The grants' rest equals the balance as long as that is positive.
 */
export function post(draft: Draft, posting: Posting, result: (account: AccountState) => StoredResult): Applied {
  const account = own(rowOf(draft, posting.command.accountId))
  const before = account.balance
  account.balance = before + posting.amount
  const burns =
    posting.amount < 0n
      ? burnGrants(draft, account.id, before, -posting.amount, posting.takesFirst)
      : creditGrants(draft, account.id, before, posting)
  const answer = result(account)
  const { accountId, id, key, dedupe, fingerprint } = posting.command
  const deliveries: Record<string, string | null> = {}
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
    corrects: posting.corrects ?? null,
    usage: posting.usage,
    burns,
    deliveries,
    result: answer,
  }
  draft.entries.push({
    entry,
    deliveries,
    isPulled: posting.isPulled ?? false,
    told: posting.usage ? toldOf(draft, account, entry, posting.usage) : null,
  })
  accountDraft(draft, accountId).entries.push(entry)
  draft.keys.set(dedupe, entry)
  return answer.kind === 'usage'
    ? { status: 'applied', result: answer, deliveries }
    : { status: 'applied', result: answer }
}

/** The outcome of a command that was not refused and is not a repeat. */
export type Applied = Extract<LedgerOutcome, { status: 'applied' }>

/** The answer of a row that is not usage. */
export function entryResult(id: string, amount: MicroSparks): (account: AccountState) => EntryResult {
  return (account) => ({ kind: 'entry', id, amount, balance: balanceOf(account) })
}

export function accountOf(draft: Draft, accountId: string): AccountState {
  return rowOf(draft, accountId).value
}

function rowOf(draft: Draft, accountId: string): Slot<AccountState> {
  const { row } = accountDraft(draft, accountId)
  if (row) return row
  throw new BillingError('invariant_violated', `A command reached account ${accountId}, which is not there.`)
}

/** Takes a debit out of the grants in burn order; what they do not hold is debt and burns nothing. */
function burnGrants(
  draft: Draft,
  accountId: string,
  balance: MicroSparks,
  amount: MicroSparks,
  first?: string,
): readonly Burn[] {
  const account = accountDraft(draft, accountId)
  const funded = balance > 0n ? balance : 0n
  let left = amount < funded ? amount : funded
  const preferred = first === undefined ? undefined : account.open.find(({ value }) => value.id === first)
  let burns: readonly Burn[] = []
  for (let next = preferred ?? account.open[0]; next && left > 0n; next = account.open[0]) {
    const burn = take(account, next, left)
    left -= burn.amount
    // Most debits burn one grant.
    burns = burns.length === 0 ? [burn] : [...burns, burn]
  }
  invariant(left === 0n, 'what a debit burned does not sum to what it took')
  return burns
}

/** Takes as much out of a grant as is asked for and left in it. */
function take(account: AccountDraft, kept: Slot<CreditGrant>, wanted: MicroSparks): Burn {
  const grant = own(kept)
  const amount = grant.remaining < wanted ? grant.remaining : wanted
  grant.remaining -= amount
  if (grant.remaining === 0n) account.open.splice(account.open.indexOf(kept), 1)
  return { grantId: grant.id, amount }
}

function creditGrants(draft: Draft, accountId: string, balance: MicroSparks, posting: Posting): readonly Burn[] {
  const { opens, givesBack } = posting
  if (opens) return opens.amount > 0n ? [{ grantId: opens.grantId, amount: -opens.amount }] : []
  return givesBack ? giveBack(draft, accountId, balance, posting, givesBack) : []
}

/**
 * Puts credits back where they came from, as far as they do not pay debt; kept as negative burns. The last that was taken is the first
 * that comes back. What was debt then and has been paid since comes back as credits of their own.
 */
function giveBack(
  draft: Draft,
  ownerId: string,
  balance: MicroSparks,
  { amount, command, reason }: Posting,
  burns: readonly Burn[],
): readonly Burn[] {
  const debt = balance < 0n ? -balance : 0n
  let left = amount > debt ? amount - debt : 0n
  const given: Burn[] = []
  for (const burn of [...burns].reverse()) {
    if (left === 0n) break
    const back = burn.amount < left ? burn.amount : left
    const grant = findGrant(draft, ownerId, burn.grantId)
    invariant(grant !== undefined, 'a grant that was burned is not there', { grantId: burn.grantId })
    left -= back
    given.push({ grantId: grant.id, amount: -back })
    setGrant(draft, { ...grant, remaining: grant.remaining + back })
    // What comes back may be over by now.
    accountDraft(draft, ownerId).isUpToDate = false
  }
  if (left > 0n) {
    const { accountId, id } = command
    const rest = { kind: 'paid', origin: 'once', amount: left, remaining: left, expired: 0n } as const
    setGrant(draft, { id: `grt_${id}`, accountId, ...rest, priority: 0, expiresAt: null, grantedAt: draft.now, reason })
    given.push({ grantId: `grt_${id}`, amount: -left })
  }
  return given
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
  if (amount <= maximumStored && amount >= minimumStored) return amount
  throw new BillingError('amount_out_of_range', `${what} is more than can be stored (2^63 - 1 millionths).`)
}
