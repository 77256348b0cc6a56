import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { type Connection, createConnection, type Sql, type Steps } from '../../src/adapters/sqlite/connection.js'
import { openDriver } from '../../src/adapters/sqlite/driver.js'

const cleanUp: (() => unknown)[] = []
afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step()
})

async function open(isOwn = true): Promise<Connection> {
  const folder = mkdtempSync(join(tmpdir(), 'billfold-sqlite-'))
  cleanUp.push(() => rmSync(folder, { recursive: true, force: true }))
  const driver = openDriver(join(folder, 'steps.db'))
  const connection = createConnection({ driver, file: 'steps.db', busyTimeoutMs: 1_000, isOwn })
  cleanUp.push(async () => {
    await connection.close()
    if (!isOwn) driver.close()
  })
  await connection.plain((sql) => sql.exec('PRAGMA synchronous = OFF; CREATE TABLE numbers (value INTEGER)'))
  return connection
}

const count = (sql: Sql) => Number(sql.first('SELECT count(*) FROM numbers')?.[0])

/** Writes a row, keeps the process from everything for a moment, and so on. */
function* slowly(sql: Sql, failsAt = 0): Steps<number> {
  for (let number = 1; number <= 5; number += 1) {
    sql.run('INSERT INTO numbers VALUES (?)', BigInt(number))
    const until = performance.now() + 3
    while (performance.now() < until);
    if (number === failsAt) throw new Error('no further')
    yield
  }
  return count(sql)
}

/** How often the process gets to other things until a promise is settled. */
async function turnsUntil(promise: Promise<unknown>): Promise<number> {
  let turns = 0
  let isOn = true
  const turn = () => {
    turns += 1
    if (isOn) setImmediate(turn)
  }
  setImmediate(turn)
  await promise.catch(() => {})
  isOn = false
  return turns
}

it('C5 work in steps lets the process get to other things, and all of it is there at the end', async () => {
  const connection = await open()
  const work = connection.writeInSteps((sql) => slowly(sql))
  expect(await turnsUntil(work)).toBeGreaterThan(3)
  expect(await work).toBe(5)
})

it('C5 work in steps that fails leaves nothing', async () => {
  const connection = await open()
  await expect(connection.writeInSteps((sql) => slowly(sql, 3))).rejects.toThrow('no further')
  expect(await connection.read(count)).toBe(0)
})

it('C5 what is asked while work is under way sees all of it', async () => {
  const connection = await open()
  const first = connection.writeInSteps((sql) => slowly(sql))
  const seen = connection.read(count)
  const second = connection.writeInSteps((sql) => slowly(sql))
  const outside = connection.plain(count)
  expect(await Promise.all([first, seen, second, outside])).toEqual([5, 5, 10, 10])
})

it('C5 a failure in between is the failure of that work alone', async () => {
  const connection = await open()
  const failing = connection.writeInSteps((sql) => slowly(sql, 3))
  const next = connection.writeInSteps((sql) => slowly(sql))
  await expect(failing).rejects.toThrow('no further')
  expect(await next).toBe(5)
})

it('closes after the work that is under way, and refuses what waits for it', async () => {
  const connection = await open()
  const work = connection.writeInSteps((sql) => slowly(sql))
  const waiting = connection.read(count)
  const refused = expect(waiting).rejects.toMatchObject({ code: 'storage_unavailable', retryable: false })
  await connection.close()
  expect(await work).toBe(5)
  await refused
})

it("C5 on the app's own connection, work never stops in between: the app could write into it", async () => {
  const connection = await open(false)
  const work = connection.writeInSteps((sql) => slowly(sql))
  expect(await turnsUntil(work)).toBeLessThan(3)
  expect(await work).toBe(5)
})
