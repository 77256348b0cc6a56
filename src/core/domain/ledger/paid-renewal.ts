import type { Instant } from '../period.js'
import { least, type MicroSparks } from '../sparks.js'
import type { ChangePlanCommand } from './command.js'
import { type Draft, findKey, setAccount } from './draft.js'
import { dedupeOf } from './key.js'
import { accountOf } from './posting.js'
import { give, recurringCredits, topUpRenewal } from './renewal.js'
import type { AccountState, PaidPlan } from './state.js'

/** Under which the credits of a period are given, once, however often and in whatever order it is told that it is paid. */
export function paidPeriodKey(accountId: string, source: string, startsAt: Instant): string {
  return dedupeOf(accountId, 'renew', `${source}:${startsAt}`)
}

/**
 * Follows the subscription that a plan comes with: a period that is paid for brings the plan's recurring credits, and what is carried over
 * from the one before it; a change to a larger plan within it brings the difference. Without a subscription credits come by the calendar.
 */
export function renewPaid(draft: Draft, accountId: string, paid: NonNullable<ChangePlanCommand['paid']> | null): void {
  const account = accountOf(draft, accountId)
  const before = paidPlanOf(account, paid)
  if (paid === null || before === null) {
    topUpRenewal(draft, accountId)
    return
  }
  const { source, period } = paid
  const wanted = recurringCredits(draft, account)?.sparks ?? 0n
  if (period === null) return
  if (before.until !== null && period.endsAt <= before.until) topUp(draft, accountId, before, wanted)
  else if (findKey(draft, accountId, paidPeriodKey(accountId, source, period.startsAt)))
    setAccount(draft, { ...account, paidPlan: { ...before, until: period.endsAt, given: wanted, unused: 0n } })
  else begin(draft, accountId, { ...paid, period }, before, wanted)
}

/** What is known of the subscription that a plan comes with now. */
export function paidPlanOf({ paidPlan }: AccountState, paid: ChangePlanCommand['paid']): PaidPlan | null {
  if (paid === undefined) return paidPlan
  if (paid === null || paidPlan?.source === paid.source) return paid && paidPlan
  return { source: paid.source, provider: paid.provider, until: null, given: 0n, unused: 0n }
}

type Paid = NonNullable<ChangePlanCommand['paid']>

function begin(
  draft: Draft,
  accountId: string,
  { source, provider, period: { startsAt, endsAt } }: Paid & { readonly period: NonNullable<Paid['period']> },
  { until, unused }: { readonly until: Instant | null; readonly unused: MicroSparks },
  wanted: MicroSparks,
): void {
  const account = accountOf(draft, accountId)
  const rollover = recurringCredits(draft, account)?.rollover ?? 0n
  const carried = until === startsAt ? least(unused, rollover) : 0n
  const isOver = endsAt <= draft.now
  // A period that is over before anybody told of it counts as if its credits had been given and not used.
  const left = isOver ? least(carried + wanted, rollover) : 0n
  setAccount(draft, { ...account, paidPlan: { source, provider, until: endsAt, given: wanted, unused: left } })
  if (isOver || wanted === 0n) return
  if (carried > 0n) give(draft, accountId, 'rollover', carried, endsAt)
  give(draft, accountId, 'plan', wanted, endsAt, paidPeriodKey(accountId, source, startsAt))
}

/** The same period: what a larger plan gives beyond what was given for it already. */
function topUp(draft: Draft, accountId: string, paidPlan: PaidPlan, wanted: MicroSparks): void {
  const account = accountOf(draft, accountId)
  const more = wanted - paidPlan.given
  const isOver = paidPlan.until === null || paidPlan.until <= draft.now
  const given = more > 0n && !isOver ? wanted : paidPlan.given
  setAccount(draft, { ...account, paidPlan: { ...paidPlan, given } })
  if (given > paidPlan.given && paidPlan.until !== null) give(draft, accountId, 'plan', more, paidPlan.until)
}
