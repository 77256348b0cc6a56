import { invariant } from '../../errors.js'
import type { CreditGrant } from '../credit-grant.js'
import type { Instant } from '../period.js'
import { formatSparks, type MicroSparks } from '../sparks.js'
import { causeOf, type Draft, findGrant, freeName, grantsOf, setAccount, setGrant } from './draft.js'
import { dedupeOf } from './key.js'
import { accountOf, emit, entryResult, post } from './posting.js'

/**
 * What of each grant is over. A grant whose time is over loses what is left of it, except for credits that open holds have reserved and
 * that nothing else covers: those stay until the holds end, since a hold that was covered must not become debt.
 *
 * @param grants those with something left, in burn order
 */
export function overdue(
  grants: readonly CreditGrant[],
  held: MicroSparks,
  now: Instant,
): readonly { readonly grant: CreditGrant; readonly amount: MicroSparks }[] {
  const due = grants.filter(({ expiresAt }) => expiresAt !== null && expiresAt <= now)
  if (due.length === 0) return []
  const free = sumOf(grants) - held
  let left = free < sumOf(due) ? free : sumOf(due)
  return due.flatMap((grant) => {
    const amount = grant.remaining < left ? grant.remaining : left
    if (amount <= 0n) return []
    left -= amount
    return [{ grant, amount }]
  })
}

/** Lets go what is over; `wanted` is what the command itself is about to take. Answers how many grants it ended or cut. */
export function expireGrants(draft: Draft, accountId: string, wanted: MicroSparks = 0n): number {
  const over = overdue(grantsOf(draft, accountId), accountOf(draft, accountId).held + wanted, draft.now)
  for (const { grant, amount } of over) expireGrant(draft, grant, amount)
  return over.length
}

/** Takes what is over of a grant out of the balance. */
export function expireGrant(draft: Draft, grant: CreditGrant, amount: MicroSparks, reason = 'expired'): void {
  const { accountId, id } = grant
  const name = freeName(draft, accountId, `${id}.${causeOf(draft)}`)
  const key = `expire:${name}`
  const command = {
    accountId,
    id: `ent_${name}`,
    key,
    dedupe: dedupeOf(accountId, 'expire', key),
    fingerprint: dedupeOf(accountId, 'expire', key),
  }
  const posting = {
    command,
    operation: 'expire',
    counterAccount: 'expired',
    amount: -amount,
    reason,
    usage: null,
    takesFirst: id,
  } as const
  post(draft, posting, entryResult(command.id, -amount))
  addExpired(draft, accountId, id, amount)
  keepUnused(draft, grant, amount)
  emit(draft, {
    id: `evt_expire_${name}`,
    type: 'credit.expired',
    accountId,
    data: { grantId: id, sparks: formatSparks(amount) },
  })
}

/** What was left of a paid period's credits at its end may be carried over into the next one, when that is paid for. */
function keepUnused(draft: Draft, { accountId, origin, expiresAt }: CreditGrant, amount: MicroSparks): void {
  const account = accountOf(draft, accountId)
  const { paidPlan } = account
  if (paidPlan === null || origin === 'once' || expiresAt !== paidPlan.until) return
  setAccount(draft, { ...account, paidPlan: { ...paidPlan, unused: paidPlan.unused + amount } })
}

/** Keeps what a grant was let go of unused; negative for what came back. */
export function addExpired(draft: Draft, accountId: string, grantId: string, amount: MicroSparks): void {
  const grant = findGrant(draft, accountId, grantId)
  invariant(grant !== undefined, 'a grant that expired is not there', { grantId })
  setGrant(draft, { ...grant, expired: grant.expired + amount })
}

function sumOf(grants: readonly CreditGrant[]): MicroSparks {
  return grants.reduce((sum, { remaining }) => sum + remaining, 0n)
}
