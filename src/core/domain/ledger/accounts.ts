import { type Instant, periodAt } from '../period.js'
import { carryLevels, settleLevels } from './accrual.js'
import { alignPlanned, followSubscription, promoteCollector } from './collector.js'
import type { ChangePlanCommand, ChangeTermsCommand, SuspendCommand } from './command.js'
import { bringUpToDate } from './credits.js'
import { cycleOf } from './current-quota.js'
import { currentCounters, type Draft, setAccount, setCounter } from './draft.js'
import type { LedgerOutcome } from './outcome.js'
import { paidPeriodKey, paidPlanOf, renewPaid } from './paid-renewal.js'
import { accountOf, emit, entryResult, post, refused } from './posting.js'
import { recheckQuotas } from './quotas.js'
import { movedEnd, moveRenewal, topUpRenewal } from './renewal.js'
import type { AccountState, Counter, LoadKey } from './state.js'

export function accountNeeds({
  accountId,
  dedupe,
}: ChangePlanCommand | ChangeTermsCommand | SuspendCommand): readonly LoadKey[] {
  return [
    { kind: 'account', accountId },
    { kind: 'key', accountId, dedupe },
    { kind: 'counters', accountId },
  ]
}

export function changePlanNeeds(command: ChangePlanCommand): readonly LoadKey[] {
  const { accountId, paid } = command
  const needs = accountNeeds(command)
  if (!paid?.period) return needs
  return [...needs, { kind: 'key', accountId, dedupe: paidPeriodKey(accountId, paid.source, paid.period.startsAt) }]
}

/**
 * Puts the account on a plan. An anchor of another rhythm ends the current periods here and begins new ones; one that only moves
 * their end moves it, so that nothing that was counted is counted anew.
 */
export function decideChangePlan(draft: Draft, command: ChangePlanCommand): LedgerOutcome {
  const { accountId, plan } = command
  if (!draft.rules.catalog.plans.has(plan))
    return refused('not_found', `The catalog has no plan ${JSON.stringify(plan)}.`, { plan })
  const before = accountOf(draft, accountId)
  const anchor =
    command.anchor === undefined || hasRhythm(before, command.anchor, draft.now) ? before.anchor : command.anchor
  // Known before a new rhythm begins: what comes with a subscription does not come by the calendar.
  const after = { ...before, plan, anchor, paidPlan: paidPlanOf(before, command.paid) }
  setAccount(draft, after)
  if (anchor !== before.anchor) changeRhythm(draft, before, after)
  const rhythmic = accountOf(draft, accountId)
  setAccount(draft, { ...rhythmic, collectors: followSubscription(draft, before, rhythmic) })
  const posting = {
    command,
    operation: 'change_plan',
    counterAccount: 'none',
    amount: 0n,
    reason: command.reason,
    usage: null,
  } as const
  const outcome = post(draft, posting, entryResult(command.id, 0n))
  if (plan !== before.plan) {
    emit(draft, {
      id: `evt_${command.id}`,
      type: 'plan.changed',
      accountId,
      data: { from: before.plan, to: plan, reason: command.reason },
    })
  }
  if (command.paid === undefined) topUpRenewal(draft, accountId)
  else renewPaid(draft, accountId, command.paid)
  recheckQuotas(draft, accountId)
  return outcome
}

/**
 * Another anchor ends the current periods here and begins new ones, as a subscription does that is paid for anew. Another zone only moves
 * their end: what was used stays used. Recurring credits come with the new rhythm, but none a second time.
 */
function changeRhythm(draft: Draft, before: AccountState, after: AccountState): void {
  const [old, next] = [periodAt(draft.now, cycleOf(before)), periodAt(draft.now, cycleOf(after))]
  const isSameStart = old.startsAt === next.startsAt
  const endOf = ({ endsAt }: Counter) => {
    if (after.anchor === before.anchor) return Math.max(movedEnd(endsAt, after), draft.now)
    return isSameStart ? next.endsAt : draft.now
  }
  // What was used until now is paid for as it was agreed until now.
  setAccount(draft, before)
  settleLevels(draft, before)
  const { balance, collectors } = accountOf(draft, before.id)
  setAccount(draft, { ...after, balance, collectors })
  const current = currentCounters(draft, before.id).filter(({ startsAt }) => startsAt < draft.now)
  const moved = current.map((counter) => ({ ...counter, endsAt: endOf(counter) }))
  for (const counter of moved) setCounter(draft, counter)
  const cut = moved.filter(({ endsAt }) => endsAt === draft.now)
  carryLevels(draft, after, cut)
  moveRenewal(draft, before.id)
  // Where the new rhythm has begun a period already, it has begun here.
  bringUpToDate(draft, before.id)
}

/** Changes what was agreed with an account beside its plan. Another time zone moves the end of the current periods. */
export function decideChangeTerms(draft: Draft, command: ChangeTermsCommand): LedgerOutcome {
  const { accountId, reason } = command
  const before = accountOf(draft, accountId)
  const { askedAt = [], isPending = false } = before.autoTopUp ?? {}
  const topUp = command.autoTopUp
  const after = {
    ...before,
    zone: command.zone ?? before.zone,
    terms: command.terms === undefined ? before.terms : command.terms,
    autoTopUp: topUp === undefined ? before.autoTopUp : topUp && { ...topUp, askedAt, isPending },
  }
  setAccount(draft, after)
  if (after.zone !== before.zone && after.anchor === null) changeRhythm(draft, before, after)
  const present = accountOf(draft, accountId)
  const collectors =
    command.collector === undefined ? alignPlanned(draft, present) : promoteCollector(draft, present, command.collector)
  setAccount(draft, { ...present, collectors })
  const posting = {
    command,
    operation: 'change_terms',
    counterAccount: 'none',
    amount: 0n,
    reason,
    usage: null,
  } as const
  const outcome = post(draft, posting, entryResult(command.id, 0n))
  topUpRenewal(draft, accountId)
  recheckQuotas(draft, accountId)
  return outcome
}

/**
 * Whether an anchor has the rhythm the account is in already: it gives the same period now, or it is where one of the account's
 * periods begins. A renewal names the start of its own period, which in a short month is not the day of the anchor.
 */
function hasRhythm(account: AccountState, anchor: Instant | null, at: Instant): boolean {
  const [present, next] = [cycleOf(account), cycleOf({ ...account, anchor })]
  if (anchor !== null && periodAt(anchor, present).startsAt === anchor) return true
  const [a, b] = [periodAt(at, present), periodAt(at, next)]
  return a.startsAt === b.startsAt && a.endsAt === b.endsAt
}

/**
 * Suspends or resumes. Suspension refuses what asks first; usage that happened is still recorded. By rule only what was suspended for
 * the same reason is resumed, and nothing is suspended anew for another one.
 */
export function decideSuspend(draft: Draft, command: SuspendCommand): LedgerOutcome {
  const { accountId, kind, reason } = command
  const before = accountOf(draft, accountId)
  const isOthers = before.suspendedFor !== null && before.suspendedFor !== reason
  const suspendedFor = kind === 'suspend' ? reason : null
  setAccount(draft, command.isAutomatic && isOthers ? before : { ...before, suspendedFor })
  const posting = { command, operation: kind, counterAccount: 'none', amount: 0n, reason, usage: null } as const
  const outcome = post(draft, posting, entryResult(command.id, 0n))
  const isSuspended = accountOf(draft, accountId).suspendedFor !== null
  if (isSuspended !== (before.suspendedFor !== null)) {
    const type = kind === 'suspend' ? 'account.suspended' : 'account.resumed'
    emit(draft, { id: `evt_${command.id}`, type, accountId, data: { reason } })
  }
  if (kind === 'resume' && !isSuspended) recheckQuotas(draft, accountId)
  return outcome
}
