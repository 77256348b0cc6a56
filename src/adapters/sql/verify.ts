import type { LedgerCheck, LedgerFinding } from '../../core/ports/ledger-verification.js'
import { findingOf } from '../kit/ledger-check.js'
import type { Value } from './column.js'
import { balanceChecks, type Checks } from './verify-balance.js'
import { deliveryChecks } from './verify-deliveries.js'
import type { VerifyDialect } from './verify-dialect.js'
import { rollupChecks } from './verify-rollups.js'
import { rowChecks } from './verify-rows.js'
import { usageChecks } from './verify-usage.js'

/**
 * The books verified by queries alone: each reads the tables and answers the rows that do not add up. They share no code with the
 * kernel, so that a fault of the one is not a fault of the other.
 */
export function verifyChecks(dialect: VerifyDialect): readonly (readonly [LedgerCheck, string])[] {
  const checks: Checks<Exclude<LedgerCheck, 'readable'>> = {
    ...balanceChecks(dialect),
    ...usageChecks(dialect),
    ...rollupChecks(dialect),
    ...deliveryChecks(dialect),
    ...rowChecks(dialect),
  }
  return Object.entries(checks).map(([check, query]) => [check as LedgerCheck, inText(query)] as const)
}

/** How many accounts and rows there are. */
export function countQuery(dialect: VerifyDialect): string {
  const count = (table: string) => `(SELECT count(*) FROM ${table} c)`
  return `SELECT ${count(dialect.table('accounts', 'id'))}, ${count(dialect.table('ledger_entries'))}`
}

/** A row of a check as a finding. */
export function readFinding(check: LedgerCheck, [accountId, id, found, expected]: readonly Value[]): LedgerFinding {
  const difference = { accountId: word(accountId), id: word(id), found: word(found), expected: word(expected) }
  return findingOf(check, difference)
}

/** Of a check whose query failed on what is stored. */
export function unreadable(check: LedgerCheck, accountId: string | undefined, error: unknown): LedgerFinding {
  const found = error instanceof Error ? error.message : String(error)
  return findingOf('readable', { accountId: accountId ?? '', id: check, found, expected: 'what the store writes' })
}

function inText(query: string): string {
  const columns = ['account_id', 'id', 'found', 'expected'].map((name) => `CAST(${name} AS TEXT)`)
  return `SELECT ${columns.join(', ')} FROM (${query}) f ORDER BY 1, 2`
}

function word(value: Value | undefined): string {
  return value === null || value === undefined ? '' : String(value)
}
