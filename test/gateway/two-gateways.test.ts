import { createServer } from 'node:http'
import { createBilling } from 'billfold'
import { postgresStore } from 'billfold/adapters/postgres'
import { createGateway } from 'billfold/gateway'
import { toNodeListener } from 'billfold/http/node'
import { countModelTokens, type Sandbox, sandbox } from 'billfold/testing'
import OpenAI from 'openai'
import pg from 'pg'
import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { createClock, tellTime } from '../../src/adapters/postgres/clock.js'
import { createConnection } from '../../src/adapters/postgres/connection.js'
import { migrate } from '../../src/adapters/postgres/migrate.js'
import { accountId, catalog, listening, messages, upstreamsOf } from './world.js'

// Two processes as far as the database goes: each has a store, a lane and leases of its own.

const closing: (() => unknown)[] = []
const schema = `gateways_${process.pid}`
let box: Sandbox
let urls: readonly string[]
let billing: Awaited<ReturnType<typeof open>>[number]

async function open() {
  const pool = new pg.Pool({ connectionString: inject('postgres'), max: 8 })
  closing.push(async () => {
    await pool.query(`DROP SCHEMA IF EXISTS ${schema} CASCADE`)
    await pool.end()
  })
  const own = { pool, isOwn: false, prepare: true, timeoutMs: 30_000, lockTimeoutMs: 3_000, settings: [] }
  const connection = createConnection({ ...own, isTuned: true, isApart: false, time: tellTime(undefined) })
  await migrate(connection, schema, createClock(undefined))
  // The server of the tests may lose commits, which a store refuses that looks at it.
  return [0, 1].map(() =>
    createBilling({ catalog, store: { ...postgresStore({ pool, schema }), migrate: async () => {} } }),
  )
}

beforeAll(async () => {
  box = await sandbox()
  const both = await open()
  const [first] = both
  if (!first) throw new Error('There is no service.')
  billing = first
  urls = await Promise.all(
    both.flatMap((each) =>
      [false, true].map(async (leases) => {
        const options = { meter: 'tokens', upstreams: upstreamsOf(box), countTokens: countModelTokens, leases } as const
        const server = createServer(toNodeListener(createGateway(each, options)))
        closing.push(() => {
          server.closeAllConnections()
          server.close()
        })
        return listening(server)
      }),
    ),
  )
  closing.push(() => Promise.all(both.map((each) => each.close())))
  await billing.accounts.ensure({ accountId })
})
afterAll(async () => {
  for (const close of closing.reverse()) await close()
  await box.close()
})

const balance = () => billing.credits.balance({ accountId })
const issue = (name: string) =>
  billing.apiKeys.issue({ accountId, name, scopes: ['models:call'], idempotencyKey: name })
const ask = (url: string | undefined, { secret }: { readonly secret: string | null }) =>
  new OpenAI({ baseURL: `${url}/v1`, apiKey: secret ?? '', maxRetries: 0 }).chat.completions.create({
    model: 'gpt-5',
    messages,
  })

it('S2.3 of 20 calls at once through both, with money for one, the upstream sees exactly one', async () => {
  const key = await issue('one')
  await billing.credits.grant({ accountId, amount: 10_100_000n, reason: 'welcome', idempotencyKey: 'g' })
  box.models.reply({ says: 1_000, times: 20, stallAfter: 10 })
  let refused = 0
  const settled = Promise.allSettled(
    Array.from({ length: 20 }, (_, index) =>
      ask(urls[(index % 2) * 2], key).catch((error: unknown) => {
        refused += 1
        throw error
      }),
    ),
  )
  await expect.poll(() => refused, { timeout: 15_000 }).toBe(19)
  box.models.resume()
  expect((await settled).filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  expect(box.models.calls()).toHaveLength(1)
  expect(await balance()).toMatchObject({ balance: 96_000n, held: 0n })
  box.models.clear()
}, 30_000)

it('S2.3 S2.6 calls through both, with holds and on leases, are charged each once, and a revoked key opens neither', async () => {
  const key = await issue('two')
  await billing.credits.grant({ accountId, amount: 1_000_000_000n, reason: 'more', idempotencyKey: 'g2' })
  const before = (await balance()).balance
  await Promise.all(Array.from({ length: 40 }, (_, index) => ask(urls[index % 4], key)))
  // Four words are read and eight are written by each.
  expect((await balance()).balance).toBe(before - 40n * 84_000n)
  await billing.apiKeys.revoke({ accountId, keyId: key.id })
  for (const url of urls) await expect(ask(url, key)).rejects.toBeInstanceOf(OpenAI.AuthenticationError)
  // What leases had set aside comes back within a second or so.
  await expect.poll(async () => (await balance()).held, { timeout: 5_000 }).toBe(0n)
  expect((await billing.verifyLedger({ accountId })).findings).toEqual([])
}, 30_000)
