import { divide } from '../decimal.js'
import type { MicroUnits } from '../sparks.js'
import type { UsageCommand } from './command.js'
import { causeOf, counterAt, countersOf, currentCounters, type Draft, levelsOf, setCounter, setLevel } from './draft.js'
import { dedupeOf } from './key.js'
import { priced } from './measure.js'
import type { LedgerOutcome } from './outcome.js'
import { accountOf } from './posting.js'
import { tellReset } from './quotas.js'
import type { AccountState, Counter } from './state.js'
import { settleUsage } from './usage-row.js'

/** A level over a stretch of time, or by how much it differs from what was counted there. */
interface Span {
  readonly from: number
  readonly to: number
  readonly level: MicroUnits
}

/**
 * Sets a level from a moment on, and counts it up to now: the use of a period is its level times the part of the period it lasted. A
 * moment before the last change corrects what was counted since then. The event's row has what it adds to its own period; what other
 * periods gain or lose by it has a row of its own in each.
 */
export function decideTimeWeighted(draft: Draft, command: UsageCommand, at: number): LedgerOutcome {
  const { accountId, usage } = command
  const { meter, quantity: level } = usage
  const account = accountOf(draft, accountId)
  const latest = countersOf(draft, accountId, meter).at(-1)
  const changes = levelsOf(draft, accountId, meter)
  const previous = changes.findLast((change) => change.at <= at)
  const next = changes.find((change) => change.at > at)
  const countedTo = latest?.asOf ?? at
  const present = latest?.level ?? 0n
  const now = next === undefined ? level : present
  const corrected = { from: at, to: Math.min(next?.at ?? countedTo, countedTo), level: level - (previous?.value ?? 0n) }
  setLevel(draft, { accountId, meter, at, value: level })
  count(draft, account, meter, corrected)
  count(draft, account, meter, { from: countedTo, to: at, level: present })
  count(draft, account, meter, { from: Math.max(at, countedTo), to: draft.now, level: now })
  keepLevel(draft, account, meter, now)

  const own = counterAt(draft, account, meter, at)
  accrueOthers(draft, account, meter, own)
  const reported = { ...usage, sparks: 0n }
  const measured = priced(draft, account, own, gainOf(own), reported, true)
  const paid = { ...measured, writtenOff: 0n }
  // What there is has happened: it is recorded whether anything covers it or not.
  const happened = { ...command, onInsufficient: 'record', budgets: command.budgets } as const
  return settleUsage(draft, { command: happened, operation: 'usage', occurredAt: at, measured, paid, hold: undefined })
}

/** Counts the levels of an account up to the end of periods that are over, or to now in all of them. Answers how many rows it took. */
export function accrue(draft: Draft, accountId: string, upToNow = false): number {
  const account = accountOf(draft, accountId)
  let rows = 0
  for (const meter of draft.rules.catalog.meters.values()) {
    if (meter.aggregation !== 'time_weighted') continue
    const latest = countersOf(draft, accountId, meter.name).at(-1)
    if (latest?.asOf == null || latest.level === null || (draft.now < latest.endsAt && !upToNow)) continue
    count(draft, account, meter.name, { from: latest.asOf, to: draft.now, level: latest.level })
    keepLevel(draft, account, meter.name, latest.level)
    rows += accrueOthers(draft, account, meter.name, null)
  }
  return rows
}

/** Adds a level over a stretch of time to the periods it reaches over. */
function count(draft: Draft, account: AccountState, meter: string, { from, to, level }: Span): void {
  for (let start = from; start < to; ) {
    const counter = counterAt(draft, account, meter, start)
    const end = Math.min(to, counter.endsAt)
    const area = (counter.area ?? 0n) + level * BigInt(end - start)
    keep(draft, { ...counter, area, asOf: Math.max(counter.asOf ?? end, end) })
    start = end
  }
}

function keepLevel(draft: Draft, account: AccountState, meter: string, level: MicroUnits): void {
  const counter = counterAt(draft, account, meter, draft.now)
  keep(draft, { ...counter, level, asOf: draft.now, area: counter.area ?? 0n })
}

function keep(draft: Draft, counter: Counter): void {
  if (setCounter(draft, counter)) tellReset(draft, counter)
}

/** Counts levels up to now, since the periods they are counted in end here. */
export function settleLevels(draft: Draft, account: AccountState): void {
  for (const { meter, level, asOf, area } of currentCounters(draft, account.id)) {
    if (level === null || asOf === null || area === null) continue
    count(draft, account, meter, { from: asOf, to: draft.now, level })
    keepLevel(draft, account, meter, level)
    accrueOthers(draft, account, meter, null)
  }
}

/** Begins the periods of levels anew where others ended: a level lasts over them. */
export function carryLevels(draft: Draft, account: AccountState, ended: readonly Counter[]): void {
  for (const { meter, level, area } of ended) {
    if (level === null) continue
    const counter = counterAt(draft, account, meter, draft.now)
    keep(draft, { ...counter, level, asOf: draft.now, area: area === null ? null : (counter.area ?? 0n) })
  }
}

/** Posts what each period but one has gained or lost, each as a row of its own. */
function accrueOthers(draft: Draft, account: AccountState, meter: string, own: Counter | null): number {
  const others = countersOf(draft, account.id, meter).filter((counter) => counter.startsAt !== own?.startsAt)
  const changed = others.filter((counter) => counter.area !== null && gainOf(counter) !== 0n)
  for (const counter of changed) {
    const name = `${causeOf(draft)}.${meter}.${counter.startsAt}`
    const dedupe = dedupeOf(account.id, 'accrue', name)
    const usage = {
      meter,
      quantity: counter.level ?? 0n,
      sparks: 0n,
      costUsd: null,
      model: null,
      provider: null,
      serviceTier: null,
      tokens: null,
      dimensions: {},
      priceVersion: draft.rules.catalog.version,
    }
    const command = {
      accountId: account.id,
      id: `use_${name}`,
      key: `accrue:${name}`,
      dedupe,
      fingerprint: dedupe,
      usage,
      budgets: [],
    }
    const measured = priced(draft, account, counter, gainOf(counter), usage, true)
    const paid = { ...measured, writtenOff: 0n }
    const occurredAt = counter.startsAt
    settleUsage(draft, { command, operation: 'accrue', occurredAt, measured, paid, hold: undefined })
  }
  return changed.length
}

/** What the area says beyond what is counted: units over a whole period, rounded half to even. */
function gainOf({ area, used, startsAt, endsAt, wholeMs }: Counter): MicroUnits {
  return divide(area ?? 0n, BigInt(wholeMs ?? endsAt - startsAt), 'half_even') - used
}
