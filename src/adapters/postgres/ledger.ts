import { viewBudgets } from '../../core/domain/budget-view.js'
import type { LedgerCommand } from '../../core/domain/ledger/command.js'
import type { LedgerOutcome } from '../../core/domain/ledger/outcome.js'
import type { LedgerRules } from '../../core/domain/ledger/state.js'
import { viewAccount } from '../../core/domain/ledger/view.js'
import { BillingError, invariant } from '../../core/errors.js'
import type { DeliveryStatus, EntryPage, LedgerStore, StoredBalance } from '../../core/ports/store.js'
import { checkCursor } from '../sql/cursor.js'
import { usageClause } from '../sql/usage-clause.js'
import { createBatch } from './batch.js'
import type { Sql } from './client.js'
import type { Clock } from './clock.js'
import type { Connection } from './connection.js'
import { currentCounters, dueHolds } from './ledger-load.js'
import { recentAccounts } from './recent-accounts.js'
import { arrayOf } from './table.js'
import type { Tables } from './tables.js'
import { verifyPostgres } from './verify.js'

export function postgresLedger(
  connection: Connection,
  tables: Tables,
  clock: Clock,
  // On an expression, whose index has the account's rows in order: any other index would be walked for longer.
  ofAccount = (alias: string) => `${alias}.account_id || '' = $1`,
): LedgerStore {
  /** The budgets that the clause picks and that have a limit, as they stand now. */
  const currentBudgets = (accountId: string, clause: string, ...values: readonly string[]) =>
    connection.read(async (sql) => {
      const limited = `WHERE t.account_id = $1 AND t.limit_sparks IS NOT NULL AND ${clause}`
      const [account, budgets, over, time] = await Promise.all([
        tables.accountStates.first(sql, 'WHERE t.id = $1', accountId),
        tables.budgets.select(sql, limited, accountId, ...values),
        dueHolds(sql, tables, [accountId], clock),
        sql.query(`SELECT ${clock()}`),
      ])
      return account ? viewBudgets({ now: Number(time[0]?.[0]), account, budgets, dueHolds: over }) : []
    })

  const decide = createBatch(tables, clock)
  const recent = recentAccounts()
  const patience = createPatience()

  async function decideAndKeep(
    commands: readonly LedgerCommand[],
    rules: LedgerRules,
    waitMs?: number,
  ): Promise<readonly LedgerOutcome[]> {
    const { outcomes, known } = await connection.write(
      (sql, commit) => decide(sql, commands, rules, recent, commit),
      waitMs,
    )
    for (const account of known) recent.keep(account)
    return outcomes
  }

  return {
    commit: (commands, rules) => decideAndKeep(commands, rules),
    async commitFree(commands, rules, waitMs = patience.waitMs()) {
      try {
        // Processes that share accounts keep them from each other for moments, all the time: that is waited for, in the queue.
        return await patience.measure(() => decideAndKeep(commands, rules, waitMs))
      } catch (error) {
        if (!BillingError.is(error) || error.code !== 'account_busy') throw error
      }
      const { held, outcomes, known } = await connection.write(async (sql, commit) => {
        const held = await heldAmong(sql, tables, commands)
        const free = commands.filter(({ accountId }) => !held.has(accountId))
        if (free.length === 0) return { held, outcomes: [], known: [] }
        return { held, ...(await decide(sql, free, rules, recent, commit)) }
      }, 0)
      for (const account of known) recent.keep(account)
      const rest = outcomes.values()
      return commands.map(({ accountId }) => (held.has(accountId) ? null : (rest.next().value ?? null)))
    },
    join: joiner(connection, tables, async (sql, command, rules) => {
      const { outcomes } = await decide(sql, [command], rules, null)
      return outcomes
    }),
    snapshot(accountId) {
      return connection.read(async (sql) => {
        const [account, grants, over, counters, time] = await Promise.all([
          tables.accountStates.first(sql, 'WHERE t.id = $1', accountId),
          tables.grants.select(sql, 'WHERE t.account_id = $1 AND t.is_open', accountId),
          dueHolds(sql, tables, [accountId], clock),
          currentCounters(sql, tables, [accountId], clock),
          sql.query(`SELECT ${clock()}`),
        ])
        if (!account) return null
        const now = Number(time[0]?.[0])
        return viewAccount({ now, account, grants, dueHolds: over, counters })
      })
    },
    hold(accountId, holdId) {
      return connection.read(async (sql) => {
        const hold = await tables.holds.first(sql, 'WHERE t.account_id = $1 AND t.id = $2', accountId, holdId)
        return hold ?? null
      })
    },
    grant(accountId, grantId) {
      return connection.read(async (sql) => {
        const grant = await tables.grants.first(sql, 'WHERE t.account_id = $1 AND t.id = $2', accountId, grantId)
        return grant ?? null
      })
    },
    payment(accountId, paymentId) {
      return connection.read(async (sql) => {
        const clause = 'WHERE t.account_id = $1 AND t.id = $2'
        return (await tables.payments.first(sql, clause, accountId, paymentId)) ?? null
      })
    },
    entry(accountId, entryId) {
      return connection.read(async (sql) => {
        const entry = await tables.entries.first(sql, 'WHERE t.id = $1 AND t.account_id = $2', entryId, accountId)
        return entry ?? null
      })
    },
    entries(accountId, page) {
      const [clause, values] = pageClause(tables, accountId, page, ofAccount)
      const query = `SELECT ${tables.entries.columns}, t.seq FROM ${tables.schema}.ledger_entries t ${clause}`
      return connection.read(async (sql) =>
        (await sql.query(query, values)).map((row) => ({
          ...tables.entries.read(row),
          cursor: row.at(-1) ?? '',
        })),
      )
    },
    corrections(accountId, entryIds) {
      return connection.read(async (sql) => {
        const clause = 'WHERE t.corrects = ANY($1) AND t.account_id = $2 ORDER BY t.seq'
        return tables.entries.select(sql, clause, arrayOf(entryIds), accountId)
      })
    },
    async budget(accountId, scope) {
      const [budget] = await currentBudgets(accountId, 't.scope = $2', scope)
      return budget ?? null
    },
    budgets(accountId, { limit, after = '' }) {
      const page = 't.scope COLLATE "C" > $2 ORDER BY t.scope COLLATE "C" LIMIT $3::bigint'
      return currentBudgets(accountId, page, after, String(limit))
    },
    rollups(accountId, { from, to, dimension = '' }) {
      const clause = 'WHERE t.account_id = $1 AND t.dimension = $2 AND t.day >= $3 AND t.day < $4'
      return connection.read((sql) => tables.rollups.select(sql, clause, accountId, dimension, from, to))
    },
    verify: (scope) => verifyPostgres(connection, tables.schema, scope),
    balances: (accountIds) => readBalances(connection, tables.schema, accountIds, (query) => query),
    async suspendedAmong(accountIds) {
      const query = `SELECT id FROM ${tables.schema}.accounts WHERE id = ANY($1::text[]) AND suspended_for IS NOT NULL`
      const rows = await connection.read((sql) => sql.query(query, [arrayOf(accountIds)]))
      return rows.map(([id]) => id ?? '')
    },
    due(limit) {
      const now = clock()
      const query = `SELECT account_id FROM ${tables.schema}.holds WHERE status = 'open' AND expires_at <= ${now}
        UNION SELECT g.account_id FROM ${tables.schema}.credit_grants g JOIN ${tables.schema}.accounts a ON a.id = g.account_id
          WHERE g.is_open AND g.expires_at <= ${now} AND a.balance > a.held
        UNION SELECT id FROM ${tables.schema}.accounts WHERE renews_at <= ${now}
        UNION SELECT account_id FROM ${tables.schema}.counters WHERE is_accruing AND ends_at <= ${now}
        LIMIT $1::bigint`
      return connection.read(async (sql) =>
        (await sql.query(query, [String(limit)])).map(([accountId]) => accountId ?? ''),
      )
    },
  }
}

/** Locks those of the accounts that nobody else keeps. @returns the others; one that does not exist is not kept by anybody */
async function heldAmong(
  sql: Sql,
  { schema }: Tables,
  commands: readonly LedgerCommand[],
): Promise<ReadonlySet<string>> {
  const named = [arrayOf([...new Set(commands.map(({ accountId }) => accountId))])]
  const from = `FROM ${schema}.accounts WHERE id = ANY($1)`
  const [locked, all] = await Promise.all([
    sql.query(`SELECT id ${from} ORDER BY id FOR UPDATE SKIP LOCKED`, named),
    sql.query(`SELECT id ${from}`, named),
  ])
  const free = new Set(locked.map(([id]) => id))
  return new Set(all.flatMap(([id]) => (id && !free.has(id) ? id : [])))
}

/** Decides one command in a transaction of the app. */
export function joiner(
  connection: Connection,
  tables: Tables,
  decide: (sql: Sql, command: LedgerCommand, rules: LedgerRules) => Promise<readonly LedgerOutcome[]>,
): NonNullable<LedgerStore['join']> {
  return (transaction, command, rules) =>
    connection.join(transaction, async (sql) => {
      const [outcome] = await decide(sql, command, rules)
      invariant(outcome !== undefined, 'one command had no outcome')
      const isRepeat = outcome.status === 'duplicate'
      return {
        outcome,
        deliveries: isRepeat ? await deliveriesOf(sql, tables, command.accountId, outcome.result.id) : {},
      }
    })
}

/** How the deliveries stand that a row names. */
async function deliveriesOf(
  sql: Sql,
  { schema, entries }: Tables,
  accountId: string,
  entryId: string,
): Promise<Readonly<Record<string, DeliveryStatus | null>>> {
  const entry = await entries.first(sql, 'WHERE t.id = $1 AND t.account_id = $2', entryId, accountId)
  const named = Object.entries(entry?.deliveries ?? {})
  const query = `SELECT id, status FROM ${schema}.deliveries WHERE id = ANY($1) AND account_id = $2`
  const rows = await sql.query(query, [arrayOf(named.flatMap(([, id]) => id ?? [])), accountId])
  const statuses = new Map(rows.map(([id, status]) => [id, status as DeliveryStatus]))
  return Object.fromEntries(named.map(([name, id]) => [name, id === null ? null : (statuses.get(id) ?? 'pending')]))
}

/** How long a batch waits for an account before it goes on without it: some times what a batch takes here, within bounds. */
export function createPatience() {
  let usualMs = 5
  return {
    waitMs: () => Math.ceil(Math.min(100, Math.max(10, 4 * usualMs))),
    async measure<T>(batch: () => Promise<T>): Promise<T> {
      const started = performance.now()
      const result = await batch()
      usualMs += (performance.now() - started - usualMs) / 8
      return result
    },
  }
}

function pageClause(
  { schema }: Tables,
  accountId: string,
  { limit, before, movedOnly, usage, operation, grantId }: EntryPage,
  ofAccount: (alias: string) => string,
): [string, readonly string[]] {
  if (before !== undefined) checkCursor(before)
  const values = [accountId]
  const place = (value: string | bigint) =>
    `$${values.push(String(value))}::${typeof value === 'bigint' ? 'bigint' : 'text'}`
  const older = before === undefined ? '' : `AND t.seq < ${place(BigInt(before))}`
  const moved = movedOnly ? 'AND t.amount <> 0' : ''
  const of = operation === undefined ? '' : `AND t.operation = ${place(operation)}`
  const burned = grantId === undefined ? '' : `AND strpos(t.burns || chr(10), ' ' || ${place(grantId)} || chr(10)) > 0`
  const used = usage
    ? usageClause(usage, {
        place,
        dimension: (name) => `t.dimensions::json ->> ${name}`,
        lastBefore: (time) => `coalesce((SELECT e.seq FROM ${schema}.ledger_entries e
          WHERE ${ofAccount('e')} AND e.recorded_at < ${time} ORDER BY e.seq DESC LIMIT 1), 0)`,
      })
    : ''
  const wanted = `${older} ${moved} ${of} ${burned} ${used}`
  const clause = `WHERE ${ofAccount('t')} ${wanted} ORDER BY t.seq DESC LIMIT ${place(BigInt(limit))}`
  return [clause, values]
}

/** @param mark says whose rows the question is about, where that matters */
export async function readBalances(
  connection: Connection,
  schema: string,
  accountIds: readonly string[],
  mark: (query: string) => string,
): Promise<ReadonlyMap<string, StoredBalance>> {
  const query = mark(`SELECT t.id, t.balance, t.held FROM ${schema}.accounts t WHERE t.id = ANY($1::text[])`)
  const rows = await connection.read((sql) => sql.query(query, [arrayOf(accountIds)]))
  return new Map(
    rows.map(([id, balance, held]) => [id ?? '', { balance: BigInt(balance ?? 0), held: BigInt(held ?? 0) }]),
  )
}
