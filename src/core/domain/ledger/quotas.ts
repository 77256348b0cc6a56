import { afterChange, afterPass, afterRefusal, afterUsage, type QuotaChange } from '../quota.js'
import { formatQuantity, type MicroSparks, type MicroUnits } from '../sparks.js'
import { collectorAt } from './collector.js'
import { counterBefore, currentCounters, type Draft, ownCounter, setCounter } from './draft.js'
import { coversMore, thresholdsOf } from './entitlement.js'
import { accountOf, emit } from './posting.js'
import type { AccountState, Counter } from './state.js'

/** Units of a meter, and how many of them the plan gives. */
interface Units {
  readonly quantity: MicroUnits
  readonly allowance: MicroUnits
}

/** Units that were used, with what they cost and how much of that is collected afterwards. */
interface UsedUnits extends Units {
  readonly rated: MicroSparks
  readonly overage: MicroSparks
  /** Whether it had to be let through. */
  readonly isRequest: boolean
}

/**
 * Adds usage to a counter and tells of the thresholds it passed; usage that had to be let through (`isRequest`) lifts a throttle first.
 * Less than before, after an amendment or when a level falls, lifts what is no longer so.
 */
export function countUsage(
  draft: Draft,
  account: AccountState,
  counter: Counter,
  { quantity, allowance, rated, overage, isRequest }: UsedUnits,
): void {
  const { catalog } = draft.rules
  const thresholds = thresholdsOf(catalog, account, counter.meter)
  const { used: before } = counter
  const counted = ownCounter(draft, counter)
  counted.used += quantity
  counted.rated += rated
  if (allowance !== 0n) counted.allowance += allowance
  if (overage !== 0n) counted.overage += overage
  if (quantity < 0n) {
    const covered = coversMore(catalog, collectorAt(draft.rules, account, draft.now), account, counted)
    move(draft, counted, afterChange(counted.status, covered, counted.used, thresholds))
    return
  }
  const lifted = isRequest ? afterPass(counted.status, before, thresholds) : unmoved
  const status = lifted === unmoved ? counted.status : lifted.status
  const passed = afterUsage(status, { before, used: counted.used }, thresholds)
  const isTold = lifted.transitions.length > 0
  move(draft, counted, isTold ? { ...passed, transitions: [...lifted.transitions, ...passed.transitions] } : passed)
}

const unmoved = { status: 'below_quota', transitions: [] } as const

/** Adds what a hold reserves to a counter. It was let through: that lifts a throttle. */
export function countHold(draft: Draft, account: AccountState, counter: Counter, { quantity, allowance }: Units): void {
  const thresholds = thresholdsOf(draft.rules.catalog, account, counter.meter)
  const { held, heldAllowance } = counter
  const reserved = { ...counter, held: held + quantity, heldAllowance: heldAllowance + allowance }
  move(draft, reserved, afterPass(counter.status, counter.used, thresholds))
}

/** Lifts the throttle of a meter after a request that only asked was let through; otherwise nothing changes. */
export function countPass(draft: Draft, account: AccountState, counter: Counter): Counter {
  if (counter.status !== 'throttled') return counter
  const thresholds = thresholdsOf(draft.rules.catalog, account, counter.meter)
  return move(draft, counter, afterPass(counter.status, counter.used, thresholds))
}

/** Stores the mark of a refused request. A meter without any quota has no state to move. */
export function countRefusal(draft: Draft, account: AccountState, counter: Counter): void {
  if (thresholdsOf(draft.rules.catalog, account, counter.meter).limit === null) return
  move(draft, { ...counter, throttledAttempts: counter.throttledAttempts + 1 }, afterRefusal(counter.status))
}

/**
 * After a grant, a change of plan, a resumption or the end of a hold: what was throttled and is covered again is let go, and a lowered
 * limit is noticed.
 */
export function recheckQuotas(draft: Draft, accountId: string): void {
  const account = accountOf(draft, accountId)
  for (const counter of currentCounters(draft, accountId)) {
    const { catalog } = draft.rules
    const covered = coversMore(catalog, collectorAt(draft.rules, account, draft.now), account, counter)
    const change = afterChange(counter.status, covered, counter.used, thresholdsOf(catalog, account, counter.meter))
    if (change.status !== counter.status) move(draft, counter, change)
  }
}

function move(draft: Draft, counter: Counter, { status, transitions }: QuotaChange): Counter {
  const isUnmoved = status === counter.status && transitions.length === 0
  const moved = isUnmoved ? counter : { ...counter, status, transitions: counter.transitions + transitions.length }
  if (setCounter(draft, moved)) tellReset(draft, counter)
  transitions.forEach((transition, index) => {
    emit(draft, {
      id: eventId(counter, String(counter.transitions + index + 1)),
      type: `quota.${transition}`,
      accountId: counter.accountId,
      data: facts(moved),
    })
  })
  return moved
}

/**
 * The first command of a new period says that the count began again, if there was something to recover from. Usage may be told a few
 * minutes ahead of its time: then so is this, since nothing that follows is the first.
 */
export function tellReset(draft: Draft, counter: Counter): void {
  const isOver = counter.endsAt <= draft.now
  const before = counterBefore(draft, counter.accountId, counter.meter, counter.startsAt)
  if (isOver || !before || before.status === 'below_quota') return
  emit(draft, {
    id: eventId(counter, 'reset'),
    type: 'quota.reset',
    accountId: counter.accountId,
    data: facts(counter),
  })
}

/** Joined by what no name contains: the events of two counters must never have one id. */
function eventId({ accountId, meter, startsAt }: Counter, last: string): string {
  return `evt_${[accountId, meter, startsAt, last].join('|')}`
}

function facts(counter: Counter) {
  return {
    meter: counter.meter,
    status: counter.status,
    used: formatQuantity(counter.used),
    periodStartsAt: new Date(counter.startsAt).toISOString(),
    resetsAt: new Date(counter.endsAt).toISOString(),
  }
}
