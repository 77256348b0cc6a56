import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Store } from 'billfold'
import { postgresStore } from 'billfold/adapters/postgres'
import { sqliteStore } from 'billfold/adapters/sqlite'
import { afterEach, describe, expect, it } from 'vitest'
import { startPostgres } from '../adapters/postgres-server.js'
import { accountId, openWorld, site, type World } from '../http/world.js'
import { payOnPage } from '../providers/sandboxed.js'
import { counts } from './counts.js'

const perSecond = 2_000
const sales = 40
const sparksOfSale = 250_000n * 1_000_000n

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const stores: Readonly<Record<string, (now: () => number) => Promise<Store>>> = {
  async sqlite(now) {
    const folder = mkdtempSync(join(tmpdir(), 'billfold-flood-'))
    closing.push(() => rmSync(folder, { recursive: true, force: true }))
    return sqliteStore({ path: join(folder, 'billing.db'), now })
  },
  async postgres(now) {
    const server = await startPostgres()
    closing.push(() => server.stop())
    return postgresStore({ connectionString: server.connectionString, schema: `flood_${process.pid}`, now })
  },
}

/** Sessions that were paid without anybody having been told of it. */
async function paidSessions(world: World): Promise<readonly string[]> {
  const ids: string[] = []
  for (let sale = 0; sale < sales; sale += 1) {
    const page = { accountId, kind: 'package', package: 'small', successUrl: '/', cancelUrl: '/' } as const
    const { url, externalId } = await world.billing.createCheckout({ ...page, idempotencyKey: `sale_${sale}` })
    await payOnPage(url)
    ids.push(externalId)
  }
  return ids
}

/** A webhook as Stripe sends it, its id its own. */
function webhook(world: World, number: number, session: string): Request {
  const event = {
    id: `evt_flood_${number}`,
    object: 'event',
    type: number % 3 === 0 ? 'some.future.event' : 'checkout.session.completed',
    created: Math.floor(world.box.now() / 1_000),
    livemode: false,
    data: { object: { id: session, object: 'checkout.session' } },
  }
  const body = JSON.stringify(event)
  const headers = { 'content-type': 'application/json', 'stripe-signature': world.sign(body) }
  return new Request(`${site}/api/billing/webhooks/stripe`, { method: 'POST', headers, body })
}

describe('a flood of webhooks', () => {
  for (const [name, open] of Object.entries(stores)) {
    it(
      `G7 S1.4 of ${perSecond} a second on ${name}: what was answered 200 is applied once, all else 503`,
      async () => {
        const world = await openWorld({ onError: () => {}, open: ({ now = Date.now } = {}) => open(now) })
        closing.push(() => world.close())
        const sessions = await paidSessions(world)
        expect((await world.billing.credits.balance({ accountId })).balance).toBe(0n)

        const answers = new Map<number, number>()
        const sending: Promise<void>[] = []
        const before = process.memoryUsage().rss
        let mostMemory = before
        const start = performance.now()
        for (let sent = 0; sent < perSecond * counts.floodSeconds; ) {
          const due = Math.min(((performance.now() - start) / 1_000) * perSecond, perSecond * counts.floodSeconds)
          for (; sent < due; sent += 1) {
            const asked = world.handler(webhook(world, sent, sessions[sent % sales] ?? ''))
            sending.push(
              asked.then(({ status }) => {
                answers.set(status, (answers.get(status) ?? 0) + 1)
              }),
            )
          }
          mostMemory = Math.max(mostMemory, process.memoryUsage().rss)
          await new Promise((resolve) => setTimeout(resolve, 5))
        }
        await Promise.all(sending)
        const accepted = answers.get(200) ?? 0
        console.log(`${name}: ${JSON.stringify([...answers])}, ${Math.round((mostMemory - before) / 1e6)} MB more`)
        expect(accepted + (answers.get(503) ?? 0)).toBe(perSecond * counts.floodSeconds)
        expect(accepted).toBeGreaterThan(sales * 3)
        expect(mostMemory - before).toBeLessThan(400_000_000)

        for (let waits = 0; (await world.billing.sync.status()).webhooks.length > 0; waits += 1) {
          expect(waits, 'the queue is emptied').toBeLessThan(counts.timeoutMs / 200)
          await world.billing.sync.run({ once: true })
          await new Promise((resolve) => setTimeout(resolve, 100))
        }
        const { balance } = await world.billing.credits.balance({ accountId })
        expect(balance).toBe(sparksOfSale * BigInt(sales))
        const { items } = await world.billing.credits.transactions({ accountId, limit: 100 })
        expect(items).toHaveLength(sales)
        expect((await world.billing.verifyLedger()).findings).toEqual([])
      },
      counts.timeoutMs,
    )
  }
})
