import type {
  LedgerFinding,
  LedgerVerification,
  LedgerVerificationScope,
} from '../../../core/ports/ledger-verification.js'
import type { Connection } from '../connection.js'
import { verifyPostgres } from '../verify.js'
import { across } from './across.js'
import { accountTables } from './schema.js'

/** Verifies one account after the other, each on one state of its books; those of accounts that are not there, too. */
export async function verifyByAccount(
  connection: Connection,
  schema: string,
  { accountId, limit }: LedgerVerificationScope,
): Promise<LedgerVerification> {
  const findings: LedgerFinding[] = []
  let accounts = 0
  let entries = 0
  for (const id of accountId === undefined ? await accountIds(connection, schema) : [accountId]) {
    if (findings.length >= limit) break
    const found = await verifyPostgres(connection, schema, { accountId: id, limit: limit - findings.length }, true)
    findings.push(...found.findings)
    accounts += found.checked.accounts
    entries += found.checked.entries
  }
  return { checked: { accounts, entries }, findings }
}

function accountIds(connection: Connection, schema: string): Promise<readonly string[]> {
  const queries = accountTables.map(({ name, key }) =>
    across('accounts to verify', `SELECT DISTINCT t.${key} FROM ${schema}.${name} t`),
  )
  return connection.readSlowly(async (sql) => {
    const found = await Promise.all(queries.map((query) => sql.query(query)))
    return [...new Set(found.flat().map(([id]) => id ?? ''))].sort()
  })
}
