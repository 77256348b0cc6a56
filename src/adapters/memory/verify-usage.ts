import type { EntryUsage, LedgerEntry } from '../../core/domain/ledger/state.js'
import { type Book, createTally, sumOf, type Tell } from './verify-book.js'

/** Counters, and what usage rows say of themselves. */
export function verifyUsage({ entries, counters, holds, levels, seen }: Book, tell: Tell): void {
  const rows = entries.flatMap((entry) => (entry.usage && entry.usage.meter !== '' ? [{ entry, ...entry.usage }] : []))
  const [used, given, rated, overage] = [createTally(), createTally(), createTally(), createTally()]
  const [held, heldAllowance] = [createTally(), createTally()]
  const levelled = new Set<string>()
  for (const counter of counters) {
    const id = `${counter.meter} ${counter.startsAt}`
    used.keep(id, counter.used)
    given.keep(id, counter.allowance)
    rated.keep(id, counter.rated)
    overage.keep(id, counter.overage)
    held.keep(id, counter.held)
    heldAllowance.keep(id, counter.heldAllowance)
    // A level is not the sum of its changes: it lasts from one period into the next.
    if (counter.level === null || counter.area !== null) continue
    levelled.add(id)
    used.add(id, counter.level)
  }
  for (const { entry, meter, quantity, included, sparks, settledBy } of rows) {
    const id = `${meter} ${periodOf(entry)}`
    if (!levelled.has(id)) used.add(id, quantity)
    given.add(id, included)
    rated.add(id, sparks)
    overage.add(id, overageIn(settledBy))
  }
  for (const { status, meter, periodStartsAt, quantity, allowance } of holds) {
    if (status !== 'open' || meter === null) continue
    held.add(`${meter} ${periodStartsAt}`, quantity)
    heldAllowance.add(`${meter} ${periodStartsAt}`, allowance)
  }
  used.compare('counter_used', tell)
  given.compare('counter_allowance', tell)
  rated.compare('counter_rated', tell)
  overage.compare('counter_overage', tell)
  held.compare('counter_held', tell)
  heldAllowance.compare('counter_held_allowance', tell)
  for (const { meter, startsAt, endsAt } of counters) {
    const later = counters.flatMap((next) => (next.meter === meter && next.startsAt > startsAt ? next.startsAt : []))
    const next = Math.min(...later)
    if (endsAt > next || endsAt <= startsAt) tell('counter_periods', `${meter} ${startsAt}`, endsAt, next)
  }

  for (const { entry, occurredAt } of rows) {
    if (entry.operation === 'amend') continue
    const startsAt = periodOf(entry)
    if (startsAt === null || occurredAt < startsAt) tell('usage_period', entry.id, occurredAt, startsAt)
  }
  for (const { meter, at, value } of levels) {
    const set = rows.findLast((row) => row.entry.operation === 'usage' && row.meter === meter && row.occurredAt === at)
    if (set?.measured !== value) tell('level_change', `${meter} ${at}`, value, set?.measured ?? 'none')
  }
  for (const { meter, value, startsAt } of seen) {
    const isCounted = (row: (typeof rows)[number]) =>
      row.meter === meter &&
      row.quantity === 1_000_000n &&
      periodOf(row.entry) === startsAt &&
      Object.values(row.dimensions).includes(value)
    if (value !== '' && !rows.some(isCounted)) tell('seen_value', `${meter} ${value}`, startsAt, 'none')
  }
  for (const { id, amount, usage } of entries) {
    if (!usage) continue
    const total = sumOf(Object.values(usage.settledBy))
    if (total !== usage.sparks) tell('settled_by', id, total, usage.sparks)
    const taken = takenIn(usage.settledBy)
    if (-amount !== taken) tell('usage_amount', id, -amount, taken)
  }
}

/** The start of the period a row is counted in. */
export function periodOf({ result }: LedgerEntry): number | null {
  return result.kind === 'usage' ? result.quota.periodStartsAt : null
}

export function takenIn({ credits = 0n, debt = 0n }: EntryUsage['settledBy']): bigint {
  return credits + debt
}

export function overageIn(settledBy: EntryUsage['settledBy']): bigint {
  return sumOf(Object.entries(settledBy).flatMap(([name, amount]) => (name.startsWith('meter:') ? amount : [])))
}
