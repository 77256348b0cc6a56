import type {
  LedgerFinding,
  LedgerVerification,
  LedgerVerificationScope,
} from '../../core/ports/ledger-verification.js'
import { countQuery, readFinding, unreadable, verifyChecks } from '../sql/verify.js'
import { sqliteDialect } from '../sql/verify-dialect.js'
import type { Connection } from './connection.js'

/** Runs the checks of the books on one state of the database. */
export function verifySqlite(
  connection: Connection,
  { accountId, limit }: LedgerVerificationScope,
): Promise<LedgerVerification> {
  const dialect = sqliteDialect(accountId)
  const values = accountId === undefined ? [] : [accountId]
  return connection.read((sql) => {
    const [accounts, entries] = sql.first(countQuery(dialect), ...values) ?? []
    const findings: LedgerFinding[] = []
    for (const [check, query] of verifyChecks(dialect)) {
      if (findings.length >= limit) break
      try {
        const rows = sql.all(`${query} LIMIT ${limit - findings.length}`, ...values)
        findings.push(...rows.map((row) => readFinding(check, row)))
      } catch (error) {
        if (!isOfData(error)) throw error
        findings.push(unreadable(check, accountId, error))
      }
    }
    return { checked: { accounts: Number(accounts), entries: Number(entries) }, findings }
  })
}

/** Whether a query failed on a value, and not on the database. */
function isOfData(error: unknown): boolean {
  return error instanceof Error && /malformed JSON|integer overflow|JSON path/i.test(error.message)
}
