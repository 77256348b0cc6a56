import { burnOrder, type CreditGrant } from '../credit-grant.js'
import { formatSparks } from '../sparks.js'
import type { ExpireCommand, GrantCommand } from './command.js'
import { type Draft, grantsOf, setGrants } from './draft.js'
import { expireGrants } from './expiry.js'
import { expireHolds } from './holds.js'
import type { LedgerOutcome } from './outcome.js'
import { accountOf, emit, entryResult, post, refused, storable } from './posting.js'
import { recheckQuotas } from './quotas.js'
import type { LoadKey } from './state.js'

export function grantNeeds({ accountId, dedupe }: GrantCommand): readonly LoadKey[] {
  return [
    { kind: 'account', accountId },
    { kind: 'key', accountId, dedupe },
    { kind: 'counters', accountId },
  ]
}

/** Gives credits. What the account owes is paid first: that part of the grant is gone at once. */
export function decideGrant(draft: Draft, command: GrantCommand): LedgerOutcome {
  const { accountId, amount } = command
  if (command.expiresAt !== null && command.expiresAt <= draft.now) {
    return refused('timestamp_out_of_range', 'expiresAt is in the past: the grant would be expired at birth.', {
      expiresAt: new Date(command.expiresAt).toISOString(),
    })
  }
  const account = accountOf(draft, accountId)
  storable(account.balance + amount, 'The balance')
  const debt = account.balance < 0n ? -account.balance : 0n
  const grant: CreditGrant = {
    id: command.id,
    accountId,
    kind: command.grantKind,
    amount,
    remaining: debt < amount ? amount - debt : 0n,
    priority: command.priority,
    expiresAt: command.expiresAt,
    grantedAt: draft.now,
    reason: command.reason,
  }
  const open = grantsOf(draft, accountId)
  setGrants(draft, accountId, [...open, grant])
  draft.grants.set(accountId, grant.remaining > 0n ? [...open, grant].sort(burnOrder) : open)
  const result = post(
    draft,
    {
      command,
      operation: 'grant',
      counterAccount: `grants:${command.grantKind}`,
      amount,
      reason: command.reason,
      usage: null,
    },
    entryResult(command.id, amount),
  )
  emit(draft, {
    id: `evt_${command.id}`,
    type: 'credit.granted',
    accountId,
    data: { grantId: command.id, sparks: formatSparks(amount), kind: command.grantKind, reason: command.reason },
  })
  recheckQuotas(draft, accountId)
  return { status: 'applied', result }
}

export function expireNeeds({ accountId }: ExpireCommand): readonly LoadKey[] {
  return [
    { kind: 'account', accountId },
    { kind: 'counters', accountId },
  ]
}

/** The sweeper's command; every other command does the same for its account before it decides. */
export function decideExpire(draft: Draft, command: ExpireCommand): LedgerOutcome {
  return { status: 'applied', result: { kind: 'expire', expired: expireDue(draft, command.accountId) } }
}

/** Ends the holds and grants whose time is over, by the store's clock; what is left of a grant leaves the balance. */
export function expireDue(draft: Draft, accountId: string): number {
  const holds = expireHolds(draft, accountId)
  const grants = expireGrants(draft, accountId)
  // A command that is not the sweeper's may see some of the counters only; a throttle on another is lifted by what passes next.
  if (holds > 0) recheckQuotas(draft, accountId)
  return holds + grants
}
