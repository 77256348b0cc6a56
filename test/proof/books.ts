import Database from 'libsql'
import pg from 'pg'
import type { PostgresServer } from '../adapters/postgres-server.js'

/** Where a store keeps its tables. */
export type Where = { readonly path: string } | { readonly connectionString: string; readonly schema: string }

/** What the database itself says, asked in SQL and never through the library. */
export interface Books {
  readonly where: Where
  /** Names of tables are written as `{accounts}`; values come back as text or as small numbers. */
  query<T>(sql: string): Promise<readonly T[]>
  close(): Promise<void>
}

export function sqliteBooks(path: string): Books {
  return {
    where: { path },
    async query<T>(sql: string) {
      // Opened for each question: a connection that stays would keep the file from ever being recovered.
      const database = new Database(path, { timeout: 60_000 })
      try {
        return database.prepare(sql.replace(/\{(\w+)\}/g, 'billfold_$1')).all() as T[]
      } finally {
        database.close()
      }
    },
    async close() {},
  }
}

export function postgresBooks({ connectionString }: PostgresServer, schema: string): Books {
  const pool = new pg.Pool({ connectionString, max: 4 })
  pool.on('error', () => {})
  return {
    where: { connectionString, schema },
    async query<T>(sql: string) {
      return (await pool.query(sql.replace(/\{(\w+)\}/g, `${schema}.$1`))).rows as T[]
    },
    close: () => pool.end(),
  }
}

/** An account as its row says, beside the sums of the rows that should explain it; all in micro-sparks. */
export interface AccountBooks {
  readonly id: string
  readonly balance: bigint
  readonly held: bigint
  /** Sum of the ledger. */
  readonly posted: bigint
  /** How many rows the ledger has for it. */
  readonly rows: number
  /** Sum of what open holds reserve. */
  readonly reserved: bigint
  /** Sum of what is left of grants. */
  readonly remaining: bigint
}

/** Accounts by id, read in one statement and so in one state of the database. */
export async function accountsOf(books: Books, ids?: readonly string[]): Promise<readonly AccountBooks[]> {
  const sum = (column: string, rest: string) => `(SELECT CAST(COALESCE(SUM(${column}), 0) AS TEXT) FROM ${rest})`
  const rows = await books.query<Record<string, string>>(`
    SELECT a.id, CAST(a.balance AS TEXT) AS balance, CAST(a.held AS TEXT) AS held,
      ${sum('e.amount', "{ledger_entries} e WHERE e.account_id || '' = a.id")} AS posted,
      ${sum('1', "{ledger_entries} e WHERE e.account_id || '' = a.id")} AS rows,
      ${sum('h.sparks', "{holds} h WHERE h.account_id = a.id AND h.status = 'open'")} AS reserved,
      ${sum('g.remaining', '{credit_grants} g WHERE g.account_id = a.id')} AS remaining
    FROM {accounts} a ${ids ? `WHERE a.id IN (${list(ids)})` : ''} ORDER BY a.id`)
  return rows.map(({ id, balance, held, posted, rows: count, reserved, remaining }) => ({
    id: id ?? '',
    balance: BigInt(balance ?? 0),
    held: BigInt(held ?? 0),
    posted: BigInt(posted ?? 0),
    rows: Number(count),
    reserved: BigInt(reserved ?? 0),
    remaining: BigInt(remaining ?? 0),
  }))
}

/** The accounts that do not add up: balance is what was posted, held what is reserved, and grants have left what can be spent. */
export function unbalanced(accounts: readonly AccountBooks[]): readonly AccountBooks[] {
  return accounts.filter(
    ({ balance, held, posted, reserved, remaining }) =>
      balance !== posted || held !== reserved || remaining !== (balance > 0n ? balance : 0n),
  )
}

/** Values of tests, which are plain words, as a list in SQL. */
export function list(values: readonly string[]): string {
  return values.map((value) => `'${value}'`).join(', ')
}
