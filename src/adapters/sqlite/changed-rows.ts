import type { LedgerRows, LedgerState } from '../../core/domain/ledger/state.js'

/** Rows that are there and of which nothing changed but sums, and the others. */
export interface Changed<Row> {
  readonly sums: readonly Row[]
  readonly whole: readonly Row[]
}

/** Most commands change nothing but sums of what was loaded, and to write those takes a fraction of the columns. */
export function changedRows(rows: LedgerRows, state: LedgerState) {
  return {
    accounts: split(rows.accounts, state.accounts, ({ id }) => id, ['balance', 'held']),
    grants: splitBy(
      rows.grants,
      state.grants,
      ({ accountId, id }) => `${accountId}|${id}`,
      // A grant that is used up, or given something again, changes places in the indexes.
      (after, before) => after.remaining > 0n === before.remaining > 0n,
    ),
    counters: split(rows.counters, state.counters, placeOf, [
      'used',
      'held',
      'allowance',
      'heldAllowance',
      'rated',
      'overage',
    ]),
    carries: split(rows.carries, state.carries, (carry) => `${placeOf(carry)}|${carry.destination}`, ['remainder']),
    budgets: split(rows.budgets, state.budgets, ({ accountId, scope }) => `${accountId}|${scope}`, ['used', 'held']),
  }
}

interface Place {
  readonly accountId: string
  readonly meter: string
  readonly startsAt: number
}

function placeOf({ accountId, meter, startsAt }: Place): string {
  return `${accountId}|${startsAt}|${meter}`
}

function split<Row extends object>(
  rows: readonly Row[],
  loaded: readonly Row[],
  keyOf: (row: Row) => string,
  sums: readonly (keyof Row)[],
): Changed<Row> {
  const differs = new Set<keyof Row>(sums)
  return splitBy(rows, loaded, keyOf, (after, before) => {
    for (const name in after) if (after[name] !== before[name] && !differs.has(name)) return false
    return true
  })
}

function splitBy<Row>(
  rows: readonly Row[],
  loaded: readonly Row[],
  keyOf: (row: Row) => string,
  isSum: (after: Row, before: Row) => boolean,
): Changed<Row> {
  if (rows.length === 0) return { sums: rows, whole: rows }
  const before = new Map(loaded.map((row) => [keyOf(row), row]))
  const sums: Row[] = []
  const whole: Row[] = []
  for (const row of rows) {
    const old = before.get(keyOf(row))
    if (old !== undefined && isSum(row, old)) sums.push(row)
    else whole.push(row)
  }
  return { sums, whole }
}
