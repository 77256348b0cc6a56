import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'libsql'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type PostgresServer, startPostgres } from '../adapters/postgres-server.js'
import { accountsOf, type Books, postgresBooks, sqliteBooks } from './books.js'
import { type Child, startChild } from './child.js'
import { counts } from './counts.js'

vi.setConfig({ testTimeout: counts.timeoutMs })

/** Eight processes ask for 4,800 Sparks of 1,000, ten at a time. */
const processes = 8
const times = 60
const affordable = 100
const asked = processes * times
const spark = 1_000_000n

let folder: string
let server: PostgresServer
let children: Child[] = []

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'billfold-race-'))
  server = await startPostgres()
})
afterAll(async () => {
  await server?.stop()
  rmSync(folder, { recursive: true, force: true })
})

/** Once for all races on one database: starting them takes longer than a race, and each race has an account of its own. */
function startAll(script: string, where: unknown): void {
  children = Array.from({ length: processes }, (_, index) => startChild(script, { where, name: `p${index}` }))
}

async function endAll(): Promise<void> {
  await Promise.all(children.splice(0).map((child) => child.kill()))
}

/** How often each end was met, by all processes together. */
type Ends = Readonly<Record<string, number>>

/** All processes at once on a new account with 1,000. */
async function race(accountId: string, method: string, inFlight = 1): Promise<Ends> {
  await children[0]?.ask({ open: true, accountId })
  const answers = await Promise.all(children.map((child) => child.ask<Ends>({ accountId, method, times, inFlight })))
  const ends: Record<string, number> = {}
  for (const [end, count] of answers.flatMap((answer) => Object.entries(answer))) ends[end] = (ends[end] ?? 0) + count
  return ends
}

/** All calls at once, which a lane makes one batch of, a few, and sometimes one at a time: many transactions on one row are slow. */
const inFlightOf = (round: number) => (round % 10 === 9 ? 1 : round % 2 === 1 ? 8 : times)

let schemas = 0
const kinds: readonly { readonly kind: string; open(): Books }[] = [
  { kind: 'PostgreSQL', open: () => postgresBooks(server, `race_${process.pid}_${++schemas}`) },
  { kind: 'SQLite', open: () => sqliteBooks(join(folder, `race-${++schemas}.db`)) },
]

describe.each(kinds)('$kind', ({ open }) => {
  let books: Books
  beforeAll(() => {
    books = open()
    startAll('spender.mjs', books.where)
  })
  afterAll(async () => {
    await endAll()
    await books?.close()
  })

  it.each([
    { way: 'usage that is refused when nothing covers it', method: 'refuse', rounds: counts.rounds },
    { way: 'holds that are captured', method: 'hold', rounds: counts.rareRounds },
  ])('S2.3 S3.9 8 processes spend exactly what there is: $way, $rounds rounds', async ({ method, rounds }) => {
    for (let round = 0; round < rounds; round += 1) {
      const ends = await race(`${method}_${round}`, method, inFlightOf(round))
      expect(ends).toEqual({ accepted: affordable, insufficient_credits: asked - affordable })
      const [account] = await accountsOf(books, [`${method}_${round}`])
      expect(account).toMatchObject({ balance: 0n, posted: 0n, rows: 1 + affordable, held: 0n, remaining: 0n })
    }
  })

  it(`S3.11 8 processes lose no usage that is recorded whatever there is: ${counts.rareRounds} rounds`, async () => {
    const debt = -3_800n * spark
    for (let round = 0; round < counts.rareRounds; round += 1) {
      expect(await race(`record_${round}`, 'record', inFlightOf(round))).toEqual({ accepted: asked })
      const [account] = await accountsOf(books, [`record_${round}`])
      expect(account).toMatchObject({ balance: debt, posted: debt, rows: 1 + asked, held: 0n, remaining: 0n })
    }
  })
})

/** What the rounds above would say of a store that could be overspent. */
describe('the harness', () => {
  const mostRounds = 60

  async function roundsUntilOverspent(method: string): Promise<number> {
    for (let round = 1; round <= mostRounds; round += 1) {
      const { accepted = 0 } = await race(`${method}-${round}`, method)
      if (accepted > affordable) return round
    }
    return Number.POSITIVE_INFINITY
  }

  describe('on PostgreSQL', () => {
    beforeAll(async () => {
      const schema = `naive_${process.pid}_${++schemas}`
      const admin = new pg.Client({ connectionString: server.connectionString })
      await admin.connect()
      await admin.query(`CREATE SCHEMA ${schema}; CREATE TABLE ${schema}.accounts (id text PRIMARY KEY, balance bigint);
        CREATE TABLE ${schema}.ledger (account text, amount bigint); CREATE INDEX ON ${schema}.ledger (account)`)
      await admin.end()
      startAll('naive-spender.mjs', { connectionString: server.connectionString, schema })
    })
    afterAll(endAll)

    it.each(['write what was computed', 'check, then subtract', 'sum the ledger', 'sum the ledger in one state'])(
      'sees 8 processes overspend on PostgreSQL that %s',
      async (method) => {
        expect(await roundsUntilOverspent(method)).toBeLessThanOrEqual(mostRounds)
      },
    )
  })

  it('sees 8 processes overspend on SQLite that write what was computed', async () => {
    const path = join(folder, 'naive.db')
    const database = new Database(path)
    database.exec(`PRAGMA journal_mode = WAL; CREATE TABLE naive_accounts (id TEXT PRIMARY KEY, balance INTEGER);
      CREATE TABLE naive_ledger (account TEXT, amount INTEGER)`)
    database.close()
    startAll('naive-spender.mjs', { path })
    expect(await roundsUntilOverspent('write what was computed').finally(endAll)).toBeLessThanOrEqual(mostRounds)
  })
})
