import type { Changed, LedgerRows } from '../../core/domain/ledger/state.js'

/** Rows that are there and of which nothing changed but sums, and the others. */
export interface ChangedRows<Row> {
  readonly sums: readonly Row[]
  readonly whole: readonly Row[]
}

/** Most commands change nothing but sums of what was loaded, and to write those takes a fraction of the columns. */
export function changedRows({ accounts, grants, counters, budgets }: LedgerRows) {
  return {
    accounts: split(accounts, onlyChanges('balance', 'held')),
    // A grant that is used up, or given something again, changes places in the indexes, as one that ends at another time.
    grants: split(
      grants,
      (after, before) =>
        after.remaining > 0n === before.remaining > 0n &&
        after.expiresAt === before.expiresAt &&
        after.expired === before.expired,
    ),
    counters: split(counters, onlyChanges('used', 'held', 'allowance', 'heldAllowance', 'rated', 'overage', 'carried')),
    budgets: split(budgets, onlyChanges('used', 'held')),
  }
}

type Comparison<Row> = (after: Row, before: Row) => boolean

function onlyChanges<Name extends string>(...sums: readonly Name[]) {
  const differs: ReadonlySet<string> = new Set(sums)
  return <Row extends { readonly [Sum in Name]: unknown }>(after: Row, before: Row): boolean => {
    for (const name in after) if (after[name] !== before[name] && !differs.has(name)) return false
    return true
  }
}

function split<Row>(rows: readonly Changed<Row>[], isSum: Comparison<Row>): ChangedRows<Row> {
  const sums: Row[] = []
  const whole: Row[] = []
  for (const { value, loaded } of rows) {
    if (loaded !== null && isSum(value, loaded)) sums.push(value)
    else whole.push(value)
  }
  return { sums, whole }
}
