import type {
  LedgerFinding,
  LedgerVerification,
  LedgerVerificationScope,
} from '../../core/ports/ledger-verification.js'
import { countQuery, readFinding, unreadable, verifyChecks } from '../sql/verify.js'
import { postgresDialect } from '../sql/verify-dialect.js'
import type { Sql } from './client.js'
import type { Connection } from './connection.js'

/** Queries over whole tables want what the store's own are kept from. */
const planned = ['enable_seqscan', 'enable_hashjoin', 'enable_mergejoin']

/** Runs the checks of the books on one state of the database. */
export function verifyPostgres(
  connection: Connection,
  schema: string,
  { accountId, limit }: LedgerVerificationScope,
  isDistributed = false,
): Promise<LedgerVerification> {
  const dialect = postgresDialect(schema, accountId, isDistributed)
  const values = accountId === undefined ? undefined : [accountId]
  return connection.readSlowly(async (sql) => {
    if (!isDistributed) await sql.query(planned.map((setting) => `SET LOCAL ${setting} = on`).join('; '))
    const [counted = []] = await sql.query(countQuery(dialect), values)
    const findings: LedgerFinding[] = []
    for (const [check, query] of verifyChecks(dialect)) {
      if (findings.length >= limit) break
      findings.push(
        ...(await attempt(sql, async () => {
          const rows = await sql.query(`${query} LIMIT ${limit - findings.length}`, values)
          return rows.map((row) => readFinding(check, row))
        }).catch((error: unknown) => {
          if (!isOfData(error)) throw error
          return [unreadable(check, accountId, error)]
        })),
      )
    }
    const [accounts, entries] = counted
    return { checked: { accounts: Number(accounts), entries: Number(entries) }, findings }
  })
}

/** Runs so that the transaction goes on when it fails. */
async function attempt<T>(sql: Sql, work: () => Promise<T>): Promise<T> {
  await sql.query('SAVEPOINT verified')
  try {
    const result = await work()
    await sql.query('RELEASE SAVEPOINT verified')
    return result
  } catch (error) {
    await sql.query('ROLLBACK TO SAVEPOINT verified')
    throw error
  }
}

/** Whether a query failed on a value, and not on the database. */
function isOfData(error: unknown): boolean {
  const code = typeof error === 'object' && error !== null ? (error as { code?: unknown }).code : undefined
  return typeof code === 'string' && code.startsWith('22')
}
