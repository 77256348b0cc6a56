import type { RecurringCredits } from '../catalog.js'
import { type Instant, periodAt } from '../period.js'
import { least, type MicroSparks } from '../sparks.js'
import { cycleOf } from './current-quota.js'
import { causeOf, type Draft, freeName, grantsOf, setAccount, setGrant } from './draft.js'
import { overdue } from './expiry.js'
import { dedupeOf } from './key.js'
import { addCredits } from './new-credits.js'
import { accountOf } from './posting.js'
import type { AccountState } from './state.js'

/**
 * What is carried over into the period that begins, of recurring credits that end now; `null` when no credits are due. Periods in
 * which nothing happened count as if their credits had been given and not used.
 */
export function carriedOver(draft: Draft, accountId: string): MicroSparks | null {
  const account = accountOf(draft, accountId)
  const credits = recurringCredits(draft, account)
  if (account.renewsAt !== null && draft.now < account.renewsAt) return null
  if (account.paidPlan) {
    // Its credits come with what is paid. Of what comes by the calendar nothing was given for this period.
    if (account.renewsAt !== null) {
      const { endsAt } = periodAt(draft.now, cycleOf(account))
      setAccount(draft, { ...account, renewsAt: endsAt, renewed: 0n })
    }
    return null
  }
  if (!credits) {
    // The sweeper need not look at it again.
    if (account.renewsAt !== null) setAccount(draft, { ...account, renewsAt: null, renewed: 0n })
    return null
  }
  const over = overdue(grantsOf(draft, accountId), account.held, draft.now)
  const left = over.reduce((sum, { grant, amount }) => (grant.origin === 'once' ? sum : sum + amount), 0n)
  let carried = least(left, credits.rollover)
  if (account.renewsAt === null) return carried
  let missed = periodAt(account.renewsAt, cycleOf(account))
  while (missed.endsAt <= draft.now && carried < credits.rollover) {
    carried = least(carried + credits.sparks, credits.rollover)
    missed = periodAt(missed.endsAt, cycleOf(account))
  }
  return carried
}

/** Gives the recurring credits of the period that contains now, and those carried over into it. */
export function renewCredits(draft: Draft, accountId: string, carried: MicroSparks): number {
  const account = accountOf(draft, accountId)
  const credits = recurringCredits(draft, account)
  if (!credits) return 0
  const { endsAt } = periodAt(draft.now, cycleOf(account))
  setAccount(draft, { ...account, renewsAt: endsAt, renewed: credits.sparks })
  if (carried > 0n) give(draft, accountId, 'rollover', carried, endsAt)
  give(draft, accountId, 'plan', credits.sparks, endsAt)
  return carried > 0n ? 2 : 1
}

/** After a change of plan within a period: what the new plan gives beyond what was given for it already. */
export function topUpRenewal(draft: Draft, accountId: string): void {
  const account = accountOf(draft, accountId)
  const credits = recurringCredits(draft, account)
  if (!credits || account.paidPlan) return
  if (account.renewsAt === null) {
    renewCredits(draft, accountId, 0n)
    return
  }
  const more = credits.sparks - account.renewed
  if (more <= 0n) return
  setAccount(draft, { ...account, renewed: credits.sparks })
  give(draft, accountId, 'plan', more, account.renewsAt)
}

/** Zones differ by no more than 26 hours, so that what is later than this is another month's beginning. */
const zonesApartMs = 36 * 3_600_000

/** Where a period that was to end then ends in the account's present rhythm: never much earlier, so that no change begins one too many. */
export function movedEnd(endsAt: Instant, account: AccountState): Instant {
  return periodAt(endsAt - zonesApartMs, cycleOf(account)).endsAt
}

/** After a change of rhythm: credits that were given last until the new one gives them again. */
export function moveRenewal(draft: Draft, accountId: string): void {
  const account = accountOf(draft, accountId)
  const { renewsAt } = account
  if (renewsAt === null || account.paidPlan) return
  const endsAt = movedEnd(renewsAt, account)
  if (endsAt === renewsAt) return
  for (const grant of grantsOf(draft, accountId))
    if (grant.origin !== 'once' && grant.expiresAt === renewsAt)
      setGrant(draft, { ...grant, expiresAt: Math.max(endsAt, draft.now) })
  setAccount(draft, { ...account, renewsAt: endsAt })
}

export function recurringCredits(draft: Draft, { plan }: AccountState): RecurringCredits | null {
  return draft.rules.catalog.plans.get(plan)?.credits ?? null
}

/** Gives recurring credits until the end of a period; `ownKey`: under that, and so once. */
export function give(
  draft: Draft,
  accountId: string,
  origin: 'plan' | 'rollover',
  amount: MicroSparks,
  endsAt: Instant,
  ownKey?: string,
): void {
  const name = freeName(draft, accountId, `${origin}.${causeOf(draft)}`)
  const key = `renew:${name}`
  const dedupe = ownKey ?? dedupeOf(accountId, 'renew', name)
  const command = { accountId, id: `ent_${name}`, key, dedupe, fingerprint: dedupe }
  const reason = origin === 'plan' ? `credits of plan ${accountOf(draft, accountId).plan}` : 'carried over'
  const terms = { kind: 'promotional', priority: 0, expiresAt: endsAt, reason } as const
  addCredits(
    draft,
    { id: `grt_${name}`, origin, amount, ...terms },
    { command, operation: 'renew', counterAccount: 'grants:promotional' },
  )
}
