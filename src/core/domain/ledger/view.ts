import { burnOrder, type CreditGrant } from '../credit-grant.js'
import { divide } from '../decimal.js'
import { type Instant, periodAt } from '../period.js'
import { cycleOf } from './current-quota.js'
import { counterWithout } from './entitlement.js'
import { overdue } from './expiry.js'
import type { AccountState, Counter, Hold } from './state.js'

/** An account at one moment, with its open grants in burn order and the counters of the periods that contain the moment. */
export interface LedgerSnapshot {
  readonly now: Instant
  readonly account: AccountState
  readonly grants: readonly CreditGrant[]
  readonly counters: readonly Counter[]
}

/** What a store reads for a snapshot: `grants` with something left, `dueHolds` that are open although their time is over. */
export interface StoredAccount extends LedgerSnapshot {
  readonly dueHolds: readonly Hold[]
}

/** What an account has now: what of its grants and holds is over counts no more, whether or not it has been swept yet. */
export function viewAccount({ now, account, grants, dueHolds, counters }: StoredAccount): LedgerSnapshot {
  const held = account.held - dueHolds.reduce((sum, { sparks }) => sum + sparks, 0n)
  const sorted = [...grants].sort(burnOrder)
  const over = new Map(overdue(sorted, held, now).map(({ grant, amount }) => [grant, amount]))
  const left = sorted.flatMap((grant) => {
    const ended = over.get(grant) ?? 0n
    const remaining = grant.remaining - ended
    return remaining > 0n ? [{ ...grant, remaining, expired: grant.expired + ended }] : []
  })
  const funded = left.reduce((sum, { remaining }) => sum + remaining, 0n)
  return {
    now,
    account: { ...account, balance: account.balance > 0n ? funded : account.balance, held },
    grants: left,
    counters: counters.map((counter) => presentCounter(dueHolds.reduce(counterWithout, counter), account, now)),
  }
}

/** A counter as of now: a level lasts into the periods after the one it was set in, and what is weighted by time has grown since. */
function presentCounter(counter: Counter, account: AccountState, now: Instant): Counter {
  const { level, asOf, area, startsAt, endsAt, wholeMs } = counter
  if (level === null || asOf === null) return counter
  const isOver = endsAt <= now
  const period = isOver ? periodAt(now, cycleOf(account)) : { startsAt, endsAt }
  const fresh = { held: 0n, allowance: 0n, heldAllowance: 0n, rated: 0n, overage: 0n, throttledAttempts: 0 }
  const present = { ...counter, ...(isOver ? { ...period, ...fresh } : {}) }
  if (area === null) return { ...present, used: isOver ? level : counter.used }
  const since = isOver ? period.startsAt : asOf
  const total = (isOver ? 0n : area) + level * BigInt(Math.max(now - since, 0))
  const whole = isOver || wholeMs === null ? period.endsAt - period.startsAt : wholeMs
  return { ...present, used: divide(total, BigInt(whole), 'half_even') }
}
