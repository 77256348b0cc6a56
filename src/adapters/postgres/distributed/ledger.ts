import { viewBudgets } from '../../../core/domain/budget-view.js'
import type { LedgerCommand } from '../../../core/domain/ledger/command.js'
import type { LedgerOutcome } from '../../../core/domain/ledger/outcome.js'
import type { LedgerRules, LoadKey } from '../../../core/domain/ledger/state.js'
import { viewAccount } from '../../../core/domain/ledger/view.js'
import { BillingError } from '../../../core/errors.js'
import type { LedgerStore } from '../../../core/ports/store.js'
import type { Clock } from '../clock.js'
import type { Connection } from '../connection.js'
import { byKind } from '../keys-by-kind.js'
import { createPatience, joiner, postgresLedger, readBalances } from '../ledger.js'
import { arrayOf } from '../table.js'
import type { Tables } from '../tables.js'
import { across } from './across.js'
import { createAccountBatch } from './batch.js'
import { byAccount } from './by-account.js'
import { type AccountPicture, createAccountPicture } from './load.js'
import { verifyByAccount } from './verify.js'

/** The ledger with a transaction for each account, each of whose statements is about that account alone. */
export function distributedLedger(
  connection: Connection,
  tables: Tables,
  clock: Clock,
  concurrentAccounts: number,
): LedgerStore {
  const { schema } = tables
  const decide = createAccountBatch(tables, clock)
  const picture = createAccountPicture(tables, clock)
  const patience = createPatience()

  function commit(
    commands: readonly LedgerCommand[],
    rules: LedgerRules,
    waitMs?: number,
  ): Promise<readonly LedgerOutcome[]> {
    return byAccount(commands, accountOf, concurrentAccounts, (accountId, named) =>
      connection.write((sql, commit) => decide(sql, accountId, named, rules, commit), waitMs),
    )
  }

  const look = (accountId: string, keys: readonly LoadKey[]): Promise<AccountPicture> =>
    connection.read((sql) => picture(sql, accountId, byKind(keys)))

  async function budgetsOf(accountId: string, scopes: readonly string[]) {
    const keys = scopes.map((scope) => ({ kind: 'budget' as const, accountId, scope }))
    const { account, now, budgets, dueHolds } = await look(accountId, keys)
    const wanted = scopes.flatMap((scope) => budgets.filter((budget) => budget.scope === scope))
    const limited = wanted.filter(({ limitSparks }) => limitSparks !== null)
    return account ? viewBudgets({ now, account, budgets: limited, dueHolds }) : []
  }

  return {
    ...postgresLedger(
      connection,
      tables,
      clock,
      (alias) => `${alias}.account_id = $1 AND ${alias}.account_id || '' = $1`,
    ),
    commit,
    commitFree: (commands, rules, waitMs = patience.waitMs()) =>
      byAccount(commands, accountOf, concurrentAccounts, async (accountId, named) => {
        try {
          return await patience.measure(() =>
            connection.write((sql, commit) => decide(sql, accountId, named, rules, commit), waitMs),
          )
        } catch (error) {
          if (!BillingError.is(error) || error.code !== 'account_busy') throw error
          return named.map(() => null)
        }
      }),
    join: joiner(connection, tables, (sql, command, rules) => decide(sql, command.accountId, [command], rules)),
    async snapshot(accountId) {
      const { account, now, openGrants, dueHolds, current } = await look(accountId, [{ kind: 'counters', accountId }])
      return account ? viewAccount({ now, account, grants: openGrants, dueHolds, counters: current }) : null
    },
    async budget(accountId, scope) {
      const [budget] = await budgetsOf(accountId, [scope])
      return budget ?? null
    },
    async budgets(accountId, { limit, after = '' }) {
      const query = `SELECT t.scope FROM ${schema}.budgets t WHERE t.account_id = $1 AND t.limit_sparks IS NOT NULL
        AND t.scope COLLATE "C" > $2 ORDER BY t.scope COLLATE "C" LIMIT $3::bigint`
      const rows = await connection.read((sql) => sql.query(query, [accountId, after, String(limit)]))
      return rows.length === 0
        ? []
        : budgetsOf(
            accountId,
            rows.map(([scope]) => scope ?? ''),
          )
    },
    balances: (accountIds) =>
      readBalances(connection, schema, accountIds, (query) => across('balances of accounts', query)),
    async suspendedAmong(accountIds) {
      const query = `SELECT t.id FROM ${schema}.accounts t WHERE t.id = ANY($1::text[]) AND t.suspended_for IS NOT NULL`
      const text = across('accounts that are suspended', query)
      const rows = await connection.read((sql) => sql.query(text, [arrayOf(accountIds)]))
      return rows.map(([id]) => id ?? '')
    },
    verify: (scope) => verifyByAccount(connection, schema, scope),
    due(limit) {
      const now = clock()
      const queries = [
        `SELECT DISTINCT t.account_id FROM ${schema}.holds t WHERE t.status = 'open' AND t.expires_at <= ${now}`,
        `SELECT DISTINCT t.account_id FROM ${schema}.credit_grants t JOIN ${schema}.accounts a ON a.id = t.account_id
          WHERE t.is_open AND t.expires_at <= ${now} AND a.balance > a.held`,
        `SELECT t.id FROM ${schema}.accounts t WHERE t.renews_at <= ${now}`,
        `SELECT DISTINCT t.account_id FROM ${schema}.counters t WHERE t.is_accruing AND t.ends_at <= ${now}`,
      ].map((query) => across('accounts with something that is due', `${query} LIMIT $1::bigint`))
      return connection.read(async (sql) => {
        const found = await Promise.all(queries.map((query) => sql.query(query, [String(limit)])))
        return [...new Set(found.flat().map(([accountId]) => accountId ?? ''))].slice(0, limit)
      })
    },
  }
}

function accountOf({ accountId }: LedgerCommand): string {
  return accountId
}
