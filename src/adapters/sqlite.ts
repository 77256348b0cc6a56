import { resolve } from 'node:path'
import { BillingError } from '../core/errors.js'
import type { Store } from '../core/ports/store.js'
import { sqliteAccounts, sqliteDirectory } from './sqlite/accounts.js'
import { sqliteApiKeys } from './sqlite/api-keys.js'
import { type Connection, createConnection } from './sqlite/connection.js'
import { adapt, openDriver, type SqliteDatabase } from './sqlite/driver.js'
import { sqliteInbox } from './sqlite/inbox.js'
import { sqliteIntents } from './sqlite/intents.js'
import { sqliteLedger } from './sqlite/ledger.js'
import { migrate, schemaVersion } from './sqlite/migrate.js'
import { sqliteOutbox } from './sqlite/outbox.js'
import { sqlitePrices } from './sqlite/prices.js'
import { sqlitePulls } from './sqlite/pulls.js'
import { sqliteRecords } from './sqlite/records.js'

export type { SqliteDatabase } from './sqlite/driver.js'

/** What the SQLite store is told: which file to open, or which open database to use. */
export type SqliteStoreOptions = ({ readonly path: string } | { readonly database: SqliteDatabase }) & {
  /**
   * `full` (default): what was acknowledged survives a loss of power. `normal`: it survives the end of the process, and a loss of
   * power may take the last commits with it.
   */
  readonly durability?: 'full' | 'normal'
  /** How long to wait while another process writes; default 5,000. */
  readonly busyTimeoutMs?: number
  /** Milliseconds since the epoch; the clock that decides expiry. Default: the system's. */
  readonly now?: () => number
}

/**
 * Keeps everything in one SQLite file, in tables named `billfold_…`: durable, in process, for one machine. Uses `node:sqlite` where
 * the runtime has it, else the package `libsql`. An open database given instead of a path stays the app's to close.
 *
 * @throws BillingError `config_invalid` (no driver, no file), and at the first use `config_invalid` (an unsafe database),
 *   `schema_version_mismatch`
 * @example const billing = createBilling({ store: sqliteStore({ path: 'billing.db' }), … })
 * @see https://www.sqlite.org/wal.html
 */
export function sqliteStore(options: SqliteStoreOptions): Store {
  const isOwn = 'path' in options
  const driver = isOwn ? openDriver(checkPath(options.path)) : adapt(options.database, 'given database')
  const file = isOwn ? options.path : 'the database'
  const durability = options.durability ?? 'full'
  const connection = createConnection({ driver, file, busyTimeoutMs: options.busyTimeoutMs ?? 5_000, isOwn })
  const clock = options.now ?? Date.now
  const now = () => Math.floor(clock())
  return {
    name: 'sqlite',
    durable: true,
    // A larger batch is no faster and keeps the event loop for longer.
    maximumBatch: 64,
    async migrate() {
      await requireExact(connection)
      if (isOwn) await makeDurable(connection, durability)
      await requireDurable(connection, durability)
      await migrate(connection, now)
    },
    async health() {
      const version = await connection.read(schemaVersion)
      const facts = await journalOf(connection)
      return { name: 'sqlite', details: { ...facts, driver: driver.name, file, schema: String(version) } }
    },
    close: () => connection.close(),
    ledger: sqliteLedger(connection, now),
    accounts: sqliteAccounts(connection, now),
    outbox: sqliteOutbox(connection, now),
    inbox: sqliteInbox(connection, now),
    intents: sqliteIntents(connection, now),
    directory: sqliteDirectory(connection, now),
    prices: sqlitePrices(connection),
    pulls: sqlitePulls(connection),
    records: sqliteRecords(connection),
    apiKeys: sqliteApiKeys(connection, now),
  }
}

function checkPath(path: unknown): string {
  if (typeof path === 'string' && path !== '' && !/^(:memory:|file:|[a-z]+:\/\/)/i.test(path)) return resolve(path)
  throw new BillingError(
    'config_invalid',
    'sqliteStore needs the path of a file, such as { path: "billing.db" }. For a store that forgets, use memoryStore().',
  )
}

/** @throws BillingError `config_invalid` unless 64-bit integers, bytes and NULL come back as they were bound */
async function requireExact(connection: Connection): Promise<void> {
  const bound = [9_007_199_254_740_993n, 'Ā\u{1F4B8}', new Uint8Array([0, 255]), null] as const
  const row = await connection.plain((sql) => sql.first('SELECT ? AS a, ? AS b, ? AS c, ? AS d', ...bound))
  const [integer, text, bytes, nothing] = row ?? []
  const isExact =
    integer === bound[0] && text === bound[1] && bytes instanceof Uint8Array && bytes[1] === 255 && nothing === null
  if (!isExact)
    throw new BillingError(
      'config_invalid',
      'The database given to sqliteStore does not keep 64-bit integers: pass a path instead.',
    )
}

/** A batch changes a few hundred pages: less often than after each third one the log need not be brought into the file. */
const settings = ['wal_autocheckpoint = 8000', 'cache_size = -16000']

async function makeDurable(connection: Connection, durability: 'full' | 'normal'): Promise<void> {
  await connection.plain((sql) => {
    sql.all('PRAGMA journal_mode = WAL')
    sql.exec(`PRAGMA synchronous = ${durability}`)
    for (const setting of settings) sql.exec(`PRAGMA ${setting}`)
  })
}

/** @throws BillingError `config_invalid` unless a commit is as durable as was promised */
async function requireDurable(connection: Connection, durability: 'full' | 'normal'): Promise<void> {
  const { journal, synchronous } = await journalOf(connection)
  const enough = durability === 'full' ? ['full', 'extra'] : ['normal', 'full', 'extra']
  if (!['wal', 'delete', 'truncate', 'persist'].includes(journal) || !enough.includes(synchronous)) {
    throw new BillingError(
      'config_invalid',
      `The SQLite database has journal_mode ${journal} and synchronous ${synchronous}, which can lose what was acknowledged: use journal_mode WAL and synchronous FULL.`,
    )
  }
}

async function journalOf(connection: Connection): Promise<{ readonly journal: string; readonly synchronous: string }> {
  return connection.plain((sql) => {
    const journal = String(sql.first('PRAGMA journal_mode')?.[0])
    const synchronous = Number(sql.first('PRAGMA synchronous')?.[0])
    return { journal, synchronous: ['off', 'normal', 'full', 'extra'][synchronous] ?? 'unknown' }
  })
}
