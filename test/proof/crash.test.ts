import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type PostgresServer, startPostgres } from '../adapters/postgres-server.js'
import { accountsOf, type Books, list, postgresBooks, sqliteBooks, unbalanced } from './books.js'
import { type Child, startChild } from './child.js'
import { counts } from './counts.js'

vi.setConfig({ testTimeout: counts.timeoutMs })

const spark = 1_000_000n

interface Work {
  readonly verb: 'open' | 'usage' | 'grant' | 'hold' | 'capture' | 'release'
  readonly accountId: string
  readonly key: string
}

let folder: string
let server: PostgresServer
const children = new Set<Child>()
const opened: Books[] = []

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'billfold-crash-'))
  server = await startPostgres()
})
afterAll(async () => {
  for (const child of children) await child.kill()
  for (const books of opened) await books.close()
  await server?.stop()
  rmSync(folder, { recursive: true, force: true })
})

/** A child that is loaded and waits for work, so that no time is lost between a kill and the next burst. */
interface Worker {
  /** Starts a burst, and resolves when this many calls were answered, or all. */
  burst(works: readonly Work[], inFlight: number, answers?: number): Promise<void>
  /** How many calls were answered so far. */
  answers(): number
  /** Resolves when the burst is over. */
  done(): Promise<void>
  /** Ends it. @returns what it had said: verb, account, key, and `ack` or what went wrong */
  kill(): Promise<readonly (readonly string[])[]>
}

function startWorker(where: Books['where'], { isRash = false } = {}): Worker {
  const said: (readonly string[])[] = []
  const flags = { loaded: false, done: false }
  let onLine: () => void = () => {}
  const child = startChild('burst.mjs', { where, isRash }, (line) => {
    if (line === 'loaded' || line === 'done') flags[line] = true
    else said.push(line as readonly string[])
    onLine()
  })
  children.add(child)
  const died = child.ended.then(() => Promise.reject(new Error('The child ended by itself.')))
  died.catch(() => {})
  const until = (isReached: () => boolean): Promise<void> => {
    const reached = new Promise<void>((resolve) => {
      onLine = () => {
        if (isReached()) resolve()
      }
      onLine()
    })
    return Promise.race([reached, died])
  }
  return {
    async burst(works, inFlight, answers = works.length) {
      await until(() => flags.loaded)
      child.say({ works, inFlight })
      await until(() => flags.done || said.length >= answers)
    },
    answers: () => said.length,
    done: () => until(() => flags.done),
    async kill() {
      await child.kill()
      children.delete(child)
      return said
    },
  }
}

/** Work without end: one account with plenty, and one whose credits are used up again and again. */
function createWorks(): { next(count: number): readonly Work[]; readonly all: readonly Work[] } {
  const verbs = ['usage', 'usage', 'grant', 'capture', 'usage', 'release', 'usage', 'hold', 'usage', 'capture'] as const
  const all: Work[] = []
  return {
    all,
    next(count) {
      const works = Array.from({ length: count }, (_, index): Work => {
        const serial = all.length + index
        const verb = verbs[serial % verbs.length] ?? 'usage'
        const isEither = verb === 'usage' || verb === 'grant'
        return { verb, accountId: isEither && serial % 3 > 0 ? 'acct_poor' : 'acct_rich', key: `k-${serial}` }
      })
      all.push(...works)
      return works
    },
  }
}

/** As `verb account key`, how often each effect is there: rows of the ledger, and holds by what has become of them. */
async function effectsThere(books: Books, keys?: readonly string[]): Promise<ReadonlyMap<string, number>> {
  const where = keys ? `WHERE key IN (${list(keys)})` : ''
  const rows = await books.query<{ verb: string; account: string; key: string; count: number }>(`
    SELECT verb, account_id AS account, key, CAST(count(*) AS INTEGER) AS count FROM (
      SELECT operation AS verb, account_id, key FROM {ledger_entries} ${where}
      UNION ALL SELECT 'hold', account_id, key FROM {holds} ${where}
      UNION ALL SELECT 'release', account_id, key FROM {holds}
        ${where ? `${where} AND` : 'WHERE'} status = 'released') e GROUP BY verb, account_id, key`)
  return new Map(rows.map(({ verb, account, key, count }) => [`${verb} ${account} ${key}`, count]))
}

const effectOf = ([verb, accountId, key]: readonly string[]) =>
  `${verb === 'open' ? 'grant' : verb} ${accountId} ${key}`

/** What must hold whenever the app is dead: what was acknowledged is there once, nothing is there twice, and all sums agree. */
async function expectSound(books: Books, said: readonly (readonly string[])[]): Promise<void> {
  expect(await notThereOnce(books, said)).toEqual([])
  expect(unbalanced(await accountsOf(books))).toEqual([])
}

/** What was acknowledged and is lost, and what is there twice. */
async function notThereOnce(books: Books, said: readonly (readonly string[])[]): Promise<readonly string[]> {
  const there = await effectsThere(books, ['', ...said.map(([, , key]) => key ?? '')])
  const lost = said.filter((line) => line[3] === 'ack' && !there.has(effectOf(line))).map(effectOf)
  return [...lost, ...[...there].filter(([, count]) => count !== 1).map(([effect]) => effect)]
}

/** Does what is left, and then compares with what arithmetic says. */
async function expectAllDoneOnce(books: Books, works: readonly Work[], left: readonly Work[]): Promise<void> {
  const last = startWorker(books.where)
  await last.burst(left, 32)
  await last.done()
  expect((await last.kill()).filter(([, , , end]) => end !== 'ack')).toEqual([])

  const wanted = works.flatMap(({ verb, accountId, key }) => {
    const lines = [[verb, accountId, key]]
    return verb === 'capture' || verb === 'release' ? [['hold', accountId, key], ...lines] : lines
  })
  expect([...(await effectsThere(books))].sort()).toEqual(wanted.map((line) => [effectOf(line), 1]).sort())
  const accounts = await accountsOf(books)
  expect(unbalanced(accounts)).toEqual([])
  for (const { id, balance, held } of accounts) {
    const times = (verb: Work['verb']) =>
      BigInt(works.filter((work) => work.accountId === id && work.verb === verb).length)
    const opened = id === 'acct_rich' ? 1_000_000n : 10n
    const tenths = opened + times('grant') * 30n - times('usage') * 7n - times('capture') * 15n
    expect({ id, balance, held }).toEqual({ id, balance: (tenths * spark) / 10n, held: times('hold') * 2n * spark })
  }
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
const opening: readonly Work[] = [
  { verb: 'open', accountId: 'acct_rich', key: 'top-up' },
  { verb: 'open', accountId: 'acct_poor', key: 'top-up' },
]

let schemas = 0
function openPostgres(at: PostgresServer): Books {
  schemas += 1
  const books = postgresBooks(at, `crash_${process.pid}_${schemas}`)
  opened.push(books)
  return books
}

const kinds: readonly { readonly kind: string; open(): Books }[] = [
  { kind: 'PostgreSQL', open: () => openPostgres(server) },
  { kind: 'SQLite', open: () => sqliteBooks(join(folder, `crash-${++schemas}.db`)) },
]

/** Without an answer, or answered by an error: to be called again with the same key. */
function unanswered(works: readonly Work[], said: readonly (readonly string[])[]): readonly Work[] {
  const ended = new Set(said.filter(([, , , end]) => end === 'ack').map((line) => line.slice(0, 3).join(' ')))
  return works.filter(({ verb, accountId, key }) => !ended.has(`${verb} ${accountId} ${key}`))
}

// At the same time: most of it is waiting for a process to load.
describe.concurrent.each(kinds)('$kind', ({ open }) => {
  it(`C5 S3.11 ${counts.kills} kills in bursts of usage, grants, holds and captures lose nothing that was acknowledged, double nothing and halve nothing`, async () => {
    const books = open()
    const works = createWorks()
    let next = startWorker(books.where)
    await next.burst(opening, 2)
    let left: readonly Work[] = []
    let again: readonly Work[] = []
    let inTheMiddle = 0
    for (let killed = 0; killed < counts.kills; killed += 1) {
      const worker = next
      // Calls without an answer are made again, and some that had theirs.
      const burst = [...left, ...again, ...works.next(200 - left.length)]
      const answered = worker.burst(burst, 24, 1 + Math.floor(Math.random() * 60))
      next = startWorker(books.where)
      await answered
      await pause(Math.random() * 20)
      const said = await worker.kill()
      await expectSound(books, said)
      expect(said.filter(([, , , end]) => end !== 'ack')).toEqual([])
      left = unanswered(burst, said)
      again = burst.filter((work) => !left.includes(work)).slice(-10)
      inTheMiddle += Number(left.length > 0)
    }
    expect(inTheMiddle).toBeGreaterThan(counts.kills * 0.9)
    await next.kill()
    await expectAllDoneOnce(books, [...opening, ...works.all], left)
  })

  it('the harness sees what is lost when calls are acknowledged before they are committed', async () => {
    const books = open()
    const works = createWorks()
    let worker = startWorker(books.where)
    await worker.burst(opening, 2)
    await worker.done()
    let lost: readonly string[] = []
    for (let kills = 0; kills < 20 && lost.length === 0; kills += 1) {
      await worker.kill()
      worker = startWorker(books.where, { isRash: true })
      await worker.burst(works.next(200), 24, 1 + Math.floor(Math.random() * 60))
      lost = await notThereOnce(books, await worker.kill())
    }
    expect(lost).not.toEqual([])
  })
})

it.skipIf(process.env.DATABASE_URL !== undefined)(
  `C5 S3.11 PostgreSQL crashing ${counts.restarts} times in bursts loses nothing that was acknowledged, and the app goes on`,
  async () => {
    const books = openPostgres(server)
    const works = createWorks()
    const first = startWorker(books.where)
    await first.burst(opening, 2)
    await first.kill()
    let left: readonly Work[] = []
    for (let crashes = 0; crashes < counts.restarts; crashes += 1) {
      const worker = startWorker(books.where)
      const burst = [...left, ...works.next(1_000 - left.length)]
      await worker.burst(burst, 24, 1 + Math.floor(Math.random() * 200))
      await server.crash?.()
      const before = worker.answers()
      await worker.done()
      const said = await worker.kill()
      expect(said.slice(before).filter(([, , , end]) => end === 'ack').length).toBeGreaterThan(0)
      expect(said.filter(([, , , end = '']) => !['ack', 'storage_unavailable'].includes(end))).toEqual([])
      await expectSound(books, said)
      left = unanswered(burst, said)
    }
    await expectAllDoneOnce(books, [...opening, ...works.all], left)
  },
)
