import type { Carry, Counter, LedgerRows, LedgerState } from '../../core/domain/ledger/state.js'

/** Rows that replace what was loaded, and others. */
export interface Known<Row> {
  readonly known: readonly Row[]
  readonly others: readonly Row[]
}

/** Which of a batch's grants, counters and carries are there already. */
export function knownRows(rows: LedgerRows, state: LedgerState) {
  return {
    grants: split(rows.grants, state.grants, ({ accountId, id }) => `${accountId}|${id}`),
    counters: split(rows.counters, state.counters, placeOf),
    carries: split(rows.carries, state.carries, (carry) => `${placeOf(carry)}|${carry.destination}`),
  }
}

function placeOf({ accountId, meter, startsAt }: Counter | Carry): string {
  return `${accountId}|${meter}|${startsAt}`
}

function split<Row>(rows: readonly Row[], loaded: readonly Row[], keyOf: (row: Row) => string): Known<Row> {
  if (rows.length === 0) return { known: rows, others: rows }
  const keys = new Set(loaded.map(keyOf))
  const known = rows.filter((row) => keys.has(keyOf(row)))
  return { known, others: known.length === rows.length ? [] : rows.filter((row) => !keys.has(keyOf(row))) }
}
