import { quotaLimit } from '../catalog.js'
import { afterChange, afterRefusal, afterUsage, type QuotaStatus, type QuotaTransition } from '../quota.js'
import { formatQuantity } from '../sparks.js'
import { counterBefore, currentCounters, type Draft, pair, setCounter } from './draft.js'
import { coversMore, entitlementOf, nearPercentOf } from './entitlement.js'
import { accountOf, emit } from './posting.js'
import type { AccountState, Counter } from './state.js'

/** Stores a counter after usage was added to it, and tells of the thresholds it passed. */
export function countUsage(draft: Draft, account: AccountState, counter: Counter): Counter {
  const { limit, nearPercent } = thresholds(draft, account, counter.meter)
  return move(draft, counter, afterUsage(counter.status, counter.used, limit, nearPercent))
}

/** Stores the mark of a refused request. A meter without any quota has no state to move. */
export function countRefusal(draft: Draft, account: AccountState, counter: Counter): void {
  if (thresholds(draft, account, counter.meter).limit === null) return
  move(draft, { ...counter, throttledAttempts: counter.throttledAttempts + 1 }, afterRefusal(counter.status))
}

/** After a grant or a change of plan: what was throttled and is covered again is let go, and a lowered limit is noticed. */
export function recheckQuotas(draft: Draft, accountId: string): void {
  const account = accountOf(draft, accountId)
  for (const counter of currentCounters(draft, accountId)) {
    const { limit, nearPercent } = thresholds(draft, account, counter.meter)
    const covered = coversMore(draft.rules.catalog, draft.rules.collecting, account, counter)
    const change = afterChange(counter.status, covered, counter.used, limit, nearPercent)
    if (change.status !== counter.status) move(draft, counter, change)
  }
}

function move(
  draft: Draft,
  counter: Counter,
  change: { readonly status: QuotaStatus; readonly transitions: readonly QuotaTransition[] },
): Counter {
  tellReset(draft, counter)
  const moved = { ...counter, status: change.status, transitions: counter.transitions + change.transitions.length }
  setCounter(draft, moved)
  change.transitions.forEach((transition, index) => {
    emit(draft, {
      id: eventId(counter, String(counter.transitions + index + 1)),
      type: `quota.${transition}`,
      accountId: counter.accountId,
      data: facts(moved),
    })
  })
  return moved
}

/** The first command of a new period says that the count began again, if there was something to recover from. */
function tellReset(draft: Draft, counter: Counter): void {
  const isFirst = !draft.counters
    .get(pair(counter.accountId, counter.meter))
    ?.some((other) => other.startsAt === counter.startsAt)
  const isCurrent = counter.startsAt <= draft.now && draft.now < counter.endsAt
  const before = counterBefore(draft, counter.accountId, counter.meter, counter.startsAt)
  if (!isFirst || !isCurrent || !before || before.status === 'below_quota') return
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

function thresholds(draft: Draft, account: AccountState, meter: string) {
  const { catalog } = draft.rules
  return { limit: quotaLimit(entitlementOf(catalog, account.plan, meter)), nearPercent: nearPercentOf(catalog, meter) }
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
