import { formatSparks, least } from '../sparks.js'
import { accrue } from './accrual.js'
import type { ExpireCommand, ExpireGrantCommand, GrantCommand } from './command.js'
import { accountDraft, balanceOf, type Draft, findGrant, setAccount } from './draft.js'
import { addExpired, expireGrants } from './expiry.js'
import { expireHolds } from './holds.js'
import { addCredits } from './new-credits.js'
import type { LedgerOutcome } from './outcome.js'
import { keepPayment, takeBack } from './payments.js'
import { accountOf, emit, entryResult, post, refused, storable } from './posting.js'
import { recheckQuotas } from './quotas.js'
import { carriedOver, renewCredits } from './renewal.js'
import type { LoadKey } from './state.js'

export function grantNeeds({ accountId, dedupe, payment }: GrantCommand): readonly LoadKey[] {
  const paid: LoadKey[] = payment ? [{ kind: 'payment', accountId, paymentId: payment.id }] : []
  return [{ kind: 'account', accountId }, { kind: 'key', accountId, dedupe }, { kind: 'counters', accountId }, ...paid]
}

/** Gives credits. What the account owes is paid first: that part of the grant is gone at once. */
export function decideGrant(draft: Draft, command: GrantCommand): LedgerOutcome {
  const { accountId, amount, payment } = command
  if (command.expiresAt !== null && command.expiresAt <= draft.now) {
    return refused('timestamp_out_of_range', 'expiresAt is in the past: the grant would be expired at birth.', {
      expiresAt: new Date(command.expiresAt).toISOString(),
    })
  }
  const account = accountOf(draft, accountId)
  storable(account.balance + amount, 'The balance')
  if (payment) {
    if (account.currency !== null && account.currency !== payment.currency) {
      return refused(
        'currency_mismatch',
        `Account ${accountId} pays in ${account.currency}, and this payment is in ${payment.currency}.`,
        { accountId, currency: account.currency },
      )
    }
    setAccount(draft, { ...account, currency: payment.currency })
  }
  const { grantKind: kind, priority, expiresAt, reason } = command
  const outcome = addCredits(
    draft,
    { id: command.id, kind, origin: 'once', amount, priority, expiresAt, reason },
    { command, operation: 'grant', counterAccount: `grants:${kind}` },
  )
  if (payment) takeBack(draft, keepPayment(draft, command, payment))
  recheckQuotas(draft, accountId)
  return outcome
}

export function expireGrantNeeds({ accountId, dedupe, grantId }: ExpireGrantCommand): readonly LoadKey[] {
  return [
    { kind: 'account', accountId },
    { kind: 'key', accountId, dedupe },
    { kind: 'grant', accountId, grantId },
  ]
}

/** Ends what is left of a grant. What holds have reserved of the balance stays. */
export function decideExpireGrant(draft: Draft, command: ExpireGrantCommand): LedgerOutcome {
  const { accountId, grantId, reason } = command
  const grant = findGrant(draft, accountId, grantId)
  if (!grant) return refused('not_found', `No grant ${grantId} on account ${accountId}.`, { grantId })
  const { available } = balanceOf(accountOf(draft, accountId))
  const amount = least(grant.remaining, available > 0n ? available : 0n)
  const posting = { command, operation: 'expire', counterAccount: 'expired', amount: -amount, reason } as const
  const outcome = post(draft, { ...posting, usage: null, takesFirst: grantId }, entryResult(command.id, -amount))
  if (amount > 0n) {
    addExpired(draft, accountId, grantId, amount)
    const data = { grantId, sparks: formatSparks(amount) }
    emit(draft, { id: `evt_${command.id}`, type: 'credit.expired', accountId, data })
  }
  return outcome
}

export function expireNeeds({ accountId }: ExpireCommand): readonly LoadKey[] {
  return [
    { kind: 'account', accountId },
    { kind: 'counters', accountId },
    { kind: 'accruals', accountId },
  ]
}

/**
 * The sweeper's command; every other command does the same for its account before it decides, but for levels, which usage of their
 * meter counts.
 */
export function decideExpire(draft: Draft, { accountId, countsLevels }: ExpireCommand): LedgerOutcome {
  const expired = bringUpToDate(draft, accountId) + accrue(draft, accountId, countsLevels)
  return { status: 'applied', result: { kind: 'expire', expired } }
}

/**
 * Ends the holds and grants whose time is over, by the store's clock, and gives the recurring credits that are due. What is left of a
 * grant leaves the balance.
 */
export function bringUpToDate(draft: Draft, accountId: string): number {
  accountDraft(draft, accountId).isUpToDate = true
  const holds = expireHolds(draft, accountId)
  const carried = carriedOver(draft, accountId)
  const grants = expireGrants(draft, accountId)
  const given = carried === null ? 0 : renewCredits(draft, accountId, carried)
  // What is given may cover what holds had reserved of credits that are over.
  const late = given > 0 ? expireGrants(draft, accountId) : 0
  // A command that is not the sweeper's may see some of the counters only; a throttle on another is lifted by what passes next.
  if (holds + given > 0) recheckQuotas(draft, accountId)
  return holds + grants + given + late
}
