import { createRequire } from 'node:module'
import { BillingError } from '../core/errors.js'
import type { Store } from '../core/ports/store.js'
import { postgresAccounts, postgresDirectory } from './postgres/accounts.js'
import { postgresApiKeys } from './postgres/api-keys.js'
import type { PostgresClient, PostgresPool, Sql } from './postgres/client.js'
import { createClock, tellTime } from './postgres/clock.js'
import { type Connection, createConnection } from './postgres/connection.js'
import { distributedInbox } from './postgres/distributed/inbox.js'
import { distributedLedger } from './postgres/distributed/ledger.js'
import { distributedOutbox } from './postgres/distributed/outbox.js'
import { distribute } from './postgres/distributed/schema.js'
import { postgresInbox } from './postgres/inbox.js'
import { postgresIntents } from './postgres/intents.js'
import { postgresLedger } from './postgres/ledger.js'
import { migrate, schemaVersion } from './postgres/migrate.js'
import { postgresOutbox } from './postgres/outbox.js'
import { coordinatorSettings, storeSettings } from './postgres/planner.js'
import { postgresPrices } from './postgres/prices.js'
import { postgresPulls } from './postgres/pulls.js'
import { postgresRecords } from './postgres/records.js'
import { createTables } from './postgres/tables.js'

export type { PostgresClient, PostgresPool, PostgresQuery, PostgresSocket, PostgresTypes } from './postgres/client.js'
export { distributionStatements } from './postgres/distributed/schema.js'

/** What the Postgres store is told: where the database is, or the app's own pool. */
export type PostgresStoreOptions = ({ readonly connectionString: string } | { readonly pool: PostgresPool }) & {
  /** The schema its tables are in; default `billfold`. */
  readonly schema?: string
  /**
   * Whether statements are prepared, once per connection: the server parses and plans them no more. Default `true`; `false` behind a
   * pooler that gives each transaction another connection and keeps no prepared statements.
   */
  readonly prepare?: boolean
  /**
   * How long a transaction may take, in milliseconds, before its connection is given up: a network that says nothing any more must not
   * hold up everything that comes after. Default 30,000.
   */
  readonly timeoutMs?: number
  /**
   * How long a call waits for an account that another transaction keeps locked, in milliseconds, before it is refused as
   * `account_busy`. Default 3,000.
   */
  readonly lockTimeoutMs?: number
  /**
   * Whether the tables are kept by account, so that Citus can spread them over nodes: each transaction then holds one account, and each
   * statement names it. For databases that outgrow one machine; on one, it is slower.
   */
  readonly distributed?: boolean
  /** Milliseconds since the epoch, instead of the server's clock: for tests. */
  readonly now?: () => number
}

/**
 * Keeps everything in PostgreSQL: for many processes and machines on one database. Uses the package `pg`. A pool given instead of a
 * connection string stays the app's to close, and keeps nothing in its connections between transactions but prepared statements.
 *
 * @throws BillingError `config_invalid` (no driver, a bad schema name), and at the first use `config_invalid` (a replica, a server
 *   that may lose commits), `schema_version_mismatch`
 * @example const billing = createBilling({ store: postgresStore({ connectionString: process.env.DATABASE_URL }), … })
 * @see https://www.postgresql.org/docs/current/wal-async-commit.html
 */
export function postgresStore(options: PostgresStoreOptions): Store {
  const schema = options.schema ?? 'billfold'
  if (!/^[a-z_][a-z0-9_]{0,40}$/.test(schema))
    throw new BillingError('config_invalid', `${JSON.stringify(schema)} is not a schema name of a-z, 0-9 and _.`)
  const isOwn = 'connectionString' in options
  const { prepare = true, timeoutMs = 30_000, lockTimeoutMs = 3_000, distributed = false } = options
  if (!Number.isInteger(lockTimeoutMs) || lockTimeoutMs < 1 || lockTimeoutMs > 2_147_483_647)
    throw new BillingError(
      'config_invalid',
      `lockTimeoutMs must be whole milliseconds of at least 1, not ${String(lockTimeoutMs)}.`,
    )
  // A pooler may refuse settings at the start of a connection.
  const isTuned = isOwn && prepare && !distributed && !/[?&]options=/.test(options.connectionString)
  const size = distributed ? 24 : 10
  const pool = isOwn ? openPool(options.connectionString, isTuned, timeoutMs, size) : options.pool
  // Some connections are for reads, and for accounts that are waited for. A pool of the app's has ten, unless it was told otherwise.
  const concurrentAccounts = isOwn ? 16 : 6
  const time = tellTime(options.now)
  const settings = distributed ? coordinatorSettings : storeSettings
  const connection = createConnection({
    pool,
    isOwn,
    prepare,
    timeoutMs,
    lockTimeoutMs,
    settings,
    isTuned,
    isApart: distributed,
    time,
  })
  const tables = createTables(schema)
  const clock = createClock(options.now)
  return {
    name: 'postgres',
    durable: true,
    maximumBatch: 1_000,
    lockTimeoutMs,
    ...(distributed ? { concurrentAccounts } : {}),
    async migrate() {
      await requireDurable(connection)
      await migrate(connection, schema, clock)
      if (distributed) await distribute(connection, schema)
    },
    async health() {
      return connection.read(async (sql) => {
        const details = { ...(await settingsOf(sql)), schema, version: String(await schemaVersion(sql, schema)) }
        return { name: 'postgres', details }
      })
    },
    close: () => connection.close(),
    ledger: distributed
      ? distributedLedger(connection, tables, clock, concurrentAccounts)
      : postgresLedger(connection, tables, clock),
    accounts: postgresAccounts(connection, tables, clock),
    outbox: distributed
      ? distributedOutbox(connection, tables, clock, concurrentAccounts)
      : postgresOutbox(connection, tables, clock),
    inbox: distributed ? distributedInbox(connection, tables, clock) : postgresInbox(connection, tables, clock),
    intents: postgresIntents(connection, tables, clock),
    directory: postgresDirectory(connection, tables, clock),
    prices: postgresPrices(connection, tables),
    pulls: postgresPulls(connection, tables),
    records: postgresRecords(connection, tables),
    apiKeys: postgresApiKeys(connection, tables, clock),
  }
}

function openPool(connectionString: unknown, isTuned: boolean, timeoutMs: number, max: number): PostgresPool {
  if (typeof connectionString !== 'string' || !/^postgres(ql)?:\/\//.test(connectionString))
    throw new BillingError(
      'config_invalid',
      'postgresStore needs a connectionString such as postgres://user@host/database.',
    )
  const settings = isTuned ? { options: storeSettings.map(([name, value]) => `-c ${name}=${value}`).join(' ') } : {}
  // `pipeline`, in versions of pg that know it, sends a statement before the one before it was answered.
  const pool = new (loadPg())({
    connectionString,
    max,
    pipeline: true,
    keepAlive: true,
    connectionTimeoutMillis: Math.min(timeoutMs, 30_000),
    ...settings,
  })
  // An idle connection that breaks is replaced at the next use; without a listener it would end the process.
  pool.on('error', () => {})
  // So would a new one that breaks before whoever asked for it has got it.
  pool.on('connect', (client) => client?.on('error', () => {}))
  return pool
}

function loadPg(): new (
  options: object,
) => PostgresPool & {
  on(event: 'error' | 'connect', listener: (client?: PostgresClient) => void): void
} {
  try {
    return createRequire(import.meta.url)('pg').Pool
  } catch (error) {
    throw new BillingError('config_invalid', 'postgresStore needs the driver pg: npm install pg.', { cause: error })
  }
}

/** @throws BillingError `config_invalid` unless a commit here is as durable as was promised */
async function requireDurable(connection: Connection): Promise<void> {
  const { fsync, synchronousCommit, role } = await connection.read(settingsOf)
  if (role === 'replica')
    throw new BillingError('config_invalid', 'The PostgreSQL server is a replica: connect to the primary.')
  if (fsync !== 'on' || synchronousCommit === 'off') {
    throw new BillingError(
      'config_invalid',
      `PostgreSQL has fsync ${fsync} and synchronous_commit ${synchronousCommit}, which can lose what was acknowledged: switch both on.`,
    )
  }
}

async function settingsOf(sql: Sql) {
  const [row] = await sql.query(
    "SELECT current_setting('fsync'), current_setting('synchronous_commit'), pg_is_in_recovery(), current_setting('server_version')",
  )
  const [fsync, synchronousCommit, inRecovery, server] = row ?? []
  return {
    fsync: fsync ?? '',
    synchronousCommit: synchronousCommit ?? '',
    role: inRecovery === 't' ? 'replica' : 'primary',
    server: server ?? '',
  }
}
