import { copyFileSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BillingError, createBilling, defineCatalog, parseSparks } from 'billfold'
import { type SqliteDatabase, sqliteStore } from 'billfold/adapters/sqlite'
import Database from 'libsql'
import { afterEach, expect, it } from 'vitest'
import { migrations } from '../../src/adapters/sqlite/schema.js'

const catalog = defineCatalog({ plans: { free: {} } })
const cleanUp: (() => unknown)[] = []
afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step()
})

function newPath(): string {
  const folder = mkdtempSync(join(tmpdir(), 'billfold-sqlite-'))
  cleanUp.push(() => rmSync(folder, { recursive: true, force: true }))
  return join(folder, 'billing.db')
}

interface RawDatabase extends SqliteDatabase {
  prepare(sql: string): { get(): unknown }
}

/** The library that the store takes: two libraries in one process do not see each other's locks. */
const Library = (process.getBuiltinModule('node:sqlite' as 'node:fs') as { DatabaseSync?: unknown } | undefined)
  ?.DatabaseSync as (new (path: string) => RawDatabase) | undefined

/** A second connection, to look at the file or to get in the way. */
function raw(path: string): RawDatabase {
  const database = Library ? new Library(path) : (new Database(path) as RawDatabase)
  cleanUp.push(() => database.close())
  return database
}

function billingAt(options: Parameters<typeof sqliteStore>[0]) {
  const billing = createBilling({ catalog, store: sqliteStore(options) })
  cleanUp.push(() => billing.close())
  return billing
}

const use = (quantity: number, idempotencyKey: string) => ({
  accountId: 'acct_1',
  meter: 'ai_tokens' as const,
  quantity,
  idempotencyKey,
})

it('C5 what was acknowledged is there after the store is opened again', async () => {
  const path = newPath()
  const before = billingAt({ path })
  await before.accounts.ensure({ accountId: 'acct_1', email: 'ada@example.com' })
  await before.credits.grant({
    accountId: 'acct_1',
    amount: '100',
    kind: 'paid',
    reason: 'gift',
    idempotencyKey: 'g-1',
  })
  const first = await before.recordUsage(use(505, 'u-1'))
  await before.close()

  const after = billingAt({ path })
  expect(await after.recordUsage(use(505, 'u-1'))).toMatchObject({ id: first.id, status: 'duplicate' })
  expect((await after.credits.balance({ accountId: 'acct_1' })).balance).toBe(parseSparks('49.5'))
})

it('leaves everything in the one file when it is closed', async () => {
  const path = newPath()
  const billing = billingAt({ path })
  await billing.accounts.ensure({ accountId: 'acme' })
  const sizeOfLog = () => statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0
  expect(sizeOfLog()).toBeGreaterThan(0)
  await billing.close()
  expect(sizeOfLog()).toBe(0)
  const copy = newPath()
  copyFileSync(path, copy)
  expect(await billingAt({ path: copy }).accounts.get({ accountId: 'acme' })).toMatchObject({ id: 'acme' })
})

it('is durable by default: write-ahead log and a sync at every commit', async () => {
  const path = newPath()
  const store = sqliteStore({ path })
  cleanUp.push(() => store.close())
  await store.migrate()
  expect((await store.health()).details).toMatchObject({ journal: 'wal', synchronous: 'full', file: path })
})

it('refuses a given database that may lose commits, and one without 64-bit integers', async () => {
  const database = raw(newPath())
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF')
  await expect(sqliteStore({ database }).migrate()).rejects.toMatchObject({ code: 'config_invalid' })
  database.exec('PRAGMA synchronous = NORMAL')
  await expect(sqliteStore({ database }).migrate()).rejects.toMatchObject({ code: 'config_invalid' })
  await sqliteStore({ database, durability: 'normal' }).migrate()

  const rounding: SqliteDatabase = {
    exec: () => {},
    close: () => {},
    prepare: () => ({
      run: () => {},
      all: (values: readonly unknown[]) => [values.map((value) => (typeof value === 'bigint' ? Number(value) : value))],
      raw() {
        return this
      },
      safeIntegers() {
        return this
      },
    }),
  }
  await expect(sqliteStore({ database: rounding }).migrate()).rejects.toMatchObject({ code: 'config_invalid' })
})

it('works on a database the app opened, beside its own tables, and leaves it open', async () => {
  const database = raw(newPath())
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE accounts (id TEXT)')
  const billing = billingAt({ database })
  await billing.accounts.ensure({ accountId: 'acct_1' })
  await billing.recordUsage(use(1_000, 'u-1'))
  await billing.close()
  expect(database.prepare('SELECT count(*) AS n FROM billfold_ledger_entries').get()).toMatchObject({ n: 1 })
})

it.each(['', ':memory:', 'file:billing.db', 'libsql://host/db', 7])('refuses %j as a path', (path) => {
  expect(() => sqliteStore({ path: path as string })).toThrow(expect.objectContaining({ code: 'config_invalid' }))
})

it('says what is wrong with a folder that is not there and with a file that is no database', async () => {
  expect(() => sqliteStore({ path: join(newPath(), 'missing', 'billing.db') })).toThrow(
    expect.objectContaining({ code: 'config_invalid' }),
  )
  const path = newPath()
  writeFileSync(path, 'this is not a database, and it is long enough to be read as the header of one'.repeat(20))
  const store = sqliteStore({ path })
  cleanUp.push(() => store.close())
  const failure = await store.migrate().catch((error: unknown) => error)
  expect(BillingError.is(failure) && failure.code).toBe('storage_unavailable')
  expect((failure as BillingError).retryable).toBe(false)
})

it('refuses a schema that is newer than the code', async () => {
  const path = newPath()
  const store = sqliteStore({ path })
  cleanUp.push(() => store.close())
  await store.migrate()
  raw(path).exec('INSERT INTO billfold_schema (version, applied_at) VALUES (99, 0)')
  await expect(store.migrate()).rejects.toMatchObject({ code: 'schema_version_mismatch' })
})

it('applies each migration once when several start together', async () => {
  const path = newPath()
  const stores = Array.from({ length: 8 }, () => sqliteStore({ path }))
  cleanUp.push(() => Promise.all(stores.map((store) => store.close())))
  await Promise.all(stores.map((store) => store.migrate()))
  expect(raw(path).prepare('SELECT count(*) AS n FROM billfold_schema').get()).toMatchObject({
    n: migrations.length,
  })
})

it('C5 the database itself refuses to change or delete a ledger row', async () => {
  const path = newPath()
  const billing = billingAt({ path })
  await billing.accounts.ensure({ accountId: 'acct_1' })
  await billing.recordUsage(use(1_000, 'u-1'))
  const database = raw(path)
  expect(() => database.exec('UPDATE billfold_ledger_entries SET amount = 0')).toThrow(/never changed/)
  expect(() => database.exec('DELETE FROM billfold_ledger_entries')).toThrow(/never deleted/)
})

it('waits for another process without keeping this one from its work, and gives up with nothing written', async () => {
  const path = newPath()
  const store = sqliteStore({ path, busyTimeoutMs: 100 })
  cleanUp.push(() => store.close())
  await store.migrate()
  const other = raw(path)
  other.exec('BEGIN IMMEDIATE')
  let turns = 0
  const timer = setInterval(() => {
    turns += 1
  }, 5)
  const account = { id: 'acct_1', email: null, name: null, plan: 'free' }
  await expect(store.accounts.ensure(account)).rejects.toMatchObject({ code: 'storage_unavailable', retryable: true })
  clearInterval(timer)
  expect(turns).toBeGreaterThan(3)
  expect(await store.accounts.get('acct_1')).toBeNull()

  const waiting = store.accounts.ensure(account)
  other.exec('COMMIT')
  expect(await waiting).toMatchObject({ created: true })
})

it('a full disk refuses what does not fit, keeps what was there, and goes on once there is room', async () => {
  const database = raw(newPath())
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
  const billing = billingAt({ database })
  await billing.accounts.ensure({ accountId: 'acct_1' })
  const { page_count: pages } = database.prepare('PRAGMA page_count').get() as { page_count: number }
  database.exec(`PRAGMA max_page_count = ${pages + 2}`)
  const dimensions = { note: 'x'.repeat(500) }
  const outcomes = await Promise.allSettled(
    Array.from({ length: 200 }, (_, index) => billing.recordUsage({ ...use(1_000, `u-${index}`), dimensions })),
  )
  const failures = outcomes.filter((outcome) => outcome.status === 'rejected')
  expect(failures.length).toBeGreaterThan(0)
  expect(new Set(failures.map(({ reason }) => reason.code))).toEqual(new Set(['storage_full']))
  const kept = BigInt(outcomes.length - failures.length)
  expect((await billing.credits.balance({ accountId: 'acct_1' })).debt).toBe(kept * parseSparks('100'))

  database.exec('PRAGMA max_page_count = 100000')
  await Promise.all(outcomes.map((_, index) => billing.recordUsage({ ...use(1_000, `u-${index}`), dimensions })))
  expect((await billing.credits.balance({ accountId: 'acct_1' })).debt).toBe(200n * parseSparks('100'))
})

it('a sync that fails at the COMMIT leaves the outcome unknown', async () => {
  const path = newPath()
  const database = raw(path)
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
  let isFailing = false
  const failing: SqliteDatabase = {
    prepare: (sql) => database.prepare(sql) as unknown as ReturnType<SqliteDatabase['prepare']>,
    close: () => database.close(),
    exec(sql) {
      database.exec(sql)
      if (isFailing && sql === 'COMMIT')
        throw Object.assign(new Error('disk I/O error'), { code: 'SQLITE_IOERR_FSYNC' })
    },
  }
  const store = sqliteStore({ database: failing })
  await store.migrate()
  isFailing = true
  const account = { id: 'acct_1', email: null, name: null, plan: 'free' }
  const error = await store.accounts.ensure(account).catch((failure) => failure)
  expect(error).toMatchObject({ code: 'storage_unavailable', outcome: 'unknown', retryable: true })
  isFailing = false
  expect(await store.accounts.ensure(account)).toMatchObject({ created: false })
})

it('a sum that leaves 64 bits is refused, not rounded', async () => {
  const path = newPath()
  const billing = billingAt({ path })
  await billing.accounts.ensure({ accountId: 'acct_1' })
  await billing.recordUsage(use(1_000, 'u-1'))
  raw(path).exec(`UPDATE billfold_rollups SET quantity = ${2n ** 63n - 1n}`)
  await expect(billing.recordUsage(use(1_000, 'u-2'))).rejects.toMatchObject({ code: 'amount_out_of_range' })
  expect((await billing.credits.balance({ accountId: 'acct_1' })).debt).toBe(parseSparks('100'))
})

it('says that it is closed', async () => {
  const store = sqliteStore({ path: newPath() })
  await store.migrate()
  await store.close()
  await store.close()
  await expect(store.accounts.get('acct_1')).rejects.toMatchObject({ code: 'storage_unavailable', retryable: false })
})
