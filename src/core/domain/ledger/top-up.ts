import { formatSparks } from '../sparks.js'
import { accountDraft, balanceOf, causeOf, type Draft, setAccount } from './draft.js'
import { emit } from './posting.js'

const day = 86_400_000
/** How long a top-up that was asked for may take before another one is. */
const patience = 3_600_000

/**
 * Asks for a top-up when an account has fallen below its threshold: once until something is added, again after an hour without, and
 * never more often than was agreed for 24 hours.
 */
export function askForTopUp(draft: Draft, accountId: string): void {
  const account = accountDraft(draft, accountId).row?.value
  if (!account?.autoTopUp || account.suspendedFor !== null) return
  const { threshold, maximumPerDay, isPending } = account.autoTopUp
  const { available } = balanceOf(account)
  if (available >= threshold) return
  const askedAt = account.autoTopUp.askedAt.filter((at) => at > draft.now - day)
  const isWaiting = isPending && (askedAt.at(-1) ?? 0) > draft.now - patience
  if (isWaiting || askedAt.length >= maximumPerDay) return
  const autoTopUp = { ...account.autoTopUp, askedAt: [...askedAt, draft.now], isPending: true }
  setAccount(draft, { ...account, autoTopUp })
  const data = {
    package: autoTopUp.package,
    availableSparks: formatSparks(available),
    thresholdSparks: formatSparks(threshold),
  }
  emit(draft, { id: `evt_top_up_${causeOf(draft)}`, type: 'top_up.due', accountId, data })
}
