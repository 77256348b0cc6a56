import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { LedgerFinding, Store } from 'billfold'
import { memoryStore } from 'billfold/adapters/memory'
import { type PostgresClient, type PostgresPool, postgresStore } from 'billfold/adapters/postgres'
import { type SqliteDatabase, sqliteStore } from 'billfold/adapters/sqlite'
import Database from 'libsql'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type PostgresServer, startPostgres } from './postgres-server.js'
import { fillBooks } from './random-books.js'
import { keysOf, type Sabotage, sabotages } from './sabotages.js'

/** Seeds whose books have a row for every sabotage, and few beside. */
const fills = [
  [3, 'postpaid'],
  [2, 'monthly'],
  [6, 'allowance'],
] as const

/** Clean books, freed of what is in the way of changes, that can be changed from behind, with what is found then; each change is undone. */
interface Books {
  readonly store: Store
  /** The first row that answers a query, as text. */
  first(query: string): Promise<readonly string[] | undefined>
  /** Changes the books by raw SQL, verifies them, and undoes the change. */
  behind(statement: string): Promise<readonly LedgerFinding[]>
  table(name: string): string
  /** All columns of a row, but for the number of a copy. */
  columns(): Promise<readonly string[]>
}

async function fill(make: (now: () => number) => Store): Promise<Store> {
  let time = 0
  const store = make(() => time)
  await store.migrate()
  for (const [seed, plan] of fills) {
    await fillBooks({ store, setNow: (now) => (time = now) }, seed, 140, plan)
  }
  return store
}

const enough = { limit: 1_000 }

function tellsOf({ table, change, where, check, isNamed }: Sabotage, books: () => Books): void {
  it(`S3.11 ${table}: ${change === 'deleted' || change === 'copied' ? `a row ${change}` : change}, where ${where}: ${check}`, async () => {
    const { first, behind, table: named, columns } = books()
    const { key, account, name } = keysOf[table] ?? { key: ['id'], account: 'id', name: 'id' }
    const full = (text: string) => text.replaceAll(/@(\w+)/g, (_, other) => named(other))
    const target = named(table)
    const picked = `FROM ${target} WHERE ${full(where)} ORDER BY ${key.join(', ')} LIMIT 1`
    const row = await first(`SELECT ${account}, CAST(${name} AS TEXT) ${picked}`)
    if (!row) throw new Error('there is no such row')
    const chosen = `WHERE (${key.join(', ')}) = (SELECT ${key.join(', ')} ${picked})`
    const list = (await columns()).join(', ')
    const statement =
      change === 'deleted'
        ? `DELETE FROM ${target} ${chosen}`
        : change === 'copied'
          ? `INSERT INTO ${target} (${list}) SELECT ${list} FROM ${target} ${chosen}`
          : `UPDATE ${target} SET ${full(change)} ${chosen}`
    const findings = (await behind(statement)).filter((finding) => finding.check === check)
    const [accountId, id] = row
    const isOfAccount = (finding: LedgerFinding) =>
      check === 'readable' || check === 'known_account' || finding.accountId === accountId
    const isOfRow = (finding: LedgerFinding) => !isNamed || change.startsWith(`${name} =`) || finding.id === id
    const isThis = ['meter =', 'destination =', 'starts_at =', 'scope =', 'day =', 'model =', 'provider ='].some(
      (column) => change.startsWith(column),
    )
    expect(findings.filter((finding) => isOfAccount(finding) && (isThis || isOfRow(finding)))).not.toEqual([])
    for (const { message } of findings) expect(message).toMatch(/[a-z].*\.$/)
  })
}

describe('sqliteStore', () => {
  const folder = mkdtempSync(join(tmpdir(), 'billfold-verify-'))
  let books: Books
  let close = () => {}

  beforeAll(async () => {
    const path = join(folder, 'books.db')
    const store = await fill((now) => sqliteStore({ path, now, durability: 'normal' }))
    const raw = open(path)
    close = () => raw.close()
    for (const obstacle of [
      ...['no_update', 'no_delete'].map((name) => `DROP TRIGGER billfold_ledger_entries_${name}`),
      ...['by_key', 'by_id'].map((name) => `DROP INDEX billfold_ledger_entries_${name}`),
      'PRAGMA ignore_check_constraints = ON',
    ])
      raw.exec(obstacle)
    // The store verifies within the transaction that is undone afterwards.
    const inside = sqliteStore({
      database: {
        exec: (sql) => (/^(BEGIN|COMMIT|ROLLBACK)/.test(sql) ? undefined : raw.exec(sql)),
        prepare: (sql) => raw.prepare(sql),
        close() {},
      },
    })
    const first = (query: string) => {
      const row = raw.prepare(query).get()
      return row === undefined ? undefined : Object.values(row as Record<string, string>)
    }
    books = {
      store,
      table: (name) => `billfold_${name}`,
      first: async (query) => first(query),
      async columns() {
        const query = `SELECT group_concat(name) FROM pragma_table_info('billfold_ledger_entries') WHERE name <> 'seq'`
        return String(first(query)?.[0]).split(',')
      },
      async behind(statement) {
        raw.exec('BEGIN')
        try {
          raw.exec(statement)
          return (await inside.ledger.verify(enough)).findings
        } finally {
          raw.exec('ROLLBACK')
        }
      },
    }
  })
  afterAll(async () => {
    close()
    await books?.store.close()
    rmSync(folder, { recursive: true, force: true })
  })

  it('S3.11 finds nothing in clean books, of all or of one account', () => expectClean(books))
  for (const sabotage of sabotages) tellsOf(sabotage, () => books)
})

describe('postgresStore', () => {
  let server: PostgresServer
  let client: pg.Client
  let books: Books

  beforeAll(async () => {
    server = await startPostgres()
    const { connectionString } = server
    const schema = `v${process.pid}_${Date.now().toString(36)}`
    const store = await fill((now) => postgresStore({ connectionString, schema, now }))
    client = new pg.Client({ connectionString })
    await client.connect()
    for (const obstacle of [
      'SET session_replication_role = replica',
      `ALTER TABLE ${schema}.ledger_entries DROP CONSTRAINT ledger_entries_pkey`,
      `DROP INDEX ${schema}.ledger_entries_by_id`,
    ])
      await client.query(obstacle)
    const inside = postgresStore({ pool: poolWithin(client), schema })
    const first = async (query: string) => (await client.query({ text: query, rowMode: 'array' })).rows[0]
    books = {
      store,
      table: (name) => `${schema}.${name}`,
      first,
      async columns() {
        const [names] = (await first(`SELECT string_agg(column_name, ',') FROM information_schema.columns
          WHERE table_schema = '${schema}' AND table_name = 'ledger_entries' AND column_name <> 'seq'`)) ?? ['']
        return String(names).split(',')
      },
      async behind(statement) {
        await client.query('BEGIN')
        try {
          await client.query(statement)
          return (await inside.ledger.verify(enough)).findings
        } finally {
          await client.query('ROLLBACK')
        }
      },
    }
  })
  afterAll(async () => {
    await client?.end()
    await books?.store.close()
    await server?.stop()
  })

  it('S3.11 finds nothing in clean books, of all or of one account', () => expectClean(books))
  for (const sabotage of sabotages) tellsOf(sabotage, () => books)
})

it.each(['memory', 'sqlite'] as const)('S3.11 raises no false alarm on random books of a %s store', async (kind) => {
  const folder = mkdtempSync(join(tmpdir(), 'billfold-verify-'))
  const plans = ['credits', 'allowance', 'capped', 'postpaid', 'monthly', 'own_keys', 'unlimited']
  for (const [index, plan] of plans.entries()) {
    let time = 0
    const now = () => time
    const store =
      kind === 'memory'
        ? memoryStore({ now })
        : sqliteStore({ path: join(folder, `${plan}.db`), now, durability: 'normal' })
    await store.migrate()
    await fillBooks({ store, setNow: (at) => (time = at) }, 40 + index, 250, plan)
    const { checked, findings } = await store.ledger.verify(enough)
    expect(findings).toEqual([])
    expect(checked).toMatchObject({ accounts: 2 })
    expect(checked.entries).toBeGreaterThan(50)
    await store.close()
  }
  rmSync(folder, { recursive: true, force: true })
})

async function expectClean({ store }: Books): Promise<void> {
  const all = await store.ledger.verify(enough)
  expect(all.findings).toEqual([])
  expect(all.checked.accounts).toBe(2 * fills.length)
  expect(all.checked.entries).toBeGreaterThan(200)
  const one = await store.ledger.verify({ accountId: 's3a', ...enough })
  expect(one.findings).toEqual([])
  expect(one.checked.accounts).toBe(1)
  expect(one.checked.entries).toBeLessThan(all.checked.entries)
  expect(one.checked.entries).toBeGreaterThan(50)
}

interface RawDatabase extends SqliteDatabase {
  prepare(sql: string): { get(): unknown }
}

/** By the library that the store takes: two libraries in one process do not see each other's locks. */
function open(path: string): RawDatabase {
  const builtIn = process.getBuiltinModule('node:sqlite' as 'node:fs') as
    | { DatabaseSync?: new (path: string) => RawDatabase }
    | undefined
  return builtIn?.DatabaseSync ? new builtIn.DatabaseSync(path) : (new Database(path) as RawDatabase)
}

/** A pool of one connection that is in a transaction already, and stays in it. */
function poolWithin(client: pg.Client): PostgresPool {
  const inside: PostgresClient = {
    query: (query) =>
      /^(BEGIN|COMMIT|ROLLBACK$)/.test(query.text) ? Promise.resolve({ rows: [] }) : client.query(query),
    on: () => {},
    off: () => {},
    release() {},
  }
  return { connect: async () => inside, end: async () => {} }
}
