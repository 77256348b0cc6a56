import type { CreditGrant } from '../credit-grant.js'
import { formatSparks } from '../sparks.js'
import { accountDraft, balanceOf, type Draft, setAccount, setGrant } from './draft.js'
import { type Applied, accountOf, emit, entryResult, type Posting, post } from './posting.js'

/** Opens a grant with what is left of its amount after debt, and posts its row. */
export function addCredits(
  draft: Draft,
  grant: Omit<CreditGrant, 'accountId' | 'remaining' | 'expired' | 'grantedAt'>,
  row: Pick<Posting, 'command' | 'operation' | 'counterAccount'>,
): Applied {
  const { accountId } = row.command
  const { amount, reason } = grant
  const { debt } = balanceOf(accountOf(draft, accountId))
  const remaining = debt < amount ? amount - debt : 0n
  setGrant(draft, { ...grant, accountId, remaining, expired: 0n, grantedAt: draft.now })
  // It may cover what holds have reserved of credits that are over.
  accountDraft(draft, accountId).isUpToDate = false
  const outcome = post(
    draft,
    { ...row, amount, reason, usage: null, opens: { grantId: grant.id, amount: remaining } },
    entryResult(row.command.id, amount),
  )
  const { autoTopUp } = accountOf(draft, accountId)
  if (autoTopUp?.isPending)
    setAccount(draft, { ...accountOf(draft, accountId), autoTopUp: { ...autoTopUp, isPending: false } })
  emit(draft, {
    id: `evt_${row.command.id}`,
    type: 'credit.granted',
    accountId,
    data: { grantId: grant.id, sparks: formatSparks(amount), kind: grant.kind, reason },
  })
  return outcome
}
