import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { lagoProvider } from 'billfold/providers/lago'
import { stripeProvider } from 'billfold/providers/stripe'
import { sandbox } from 'billfold/testing'
import { Client } from 'lago-javascript-client'
import Database from 'libsql'
import Stripe from 'stripe'
import { afterEach, expect, it } from 'vitest'
import { counts } from './counts.js'

const closing: (() => void | Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const accounts = ['acct_1', 'acct_2', 'acct_3', 'acct_4', 'acct_5']
/** Seven tokens are 0.7 Sparks: the carry is part of every sum. */
const microSparksPerKey = 700_000n
const kills = Math.ceil(counts.appKills / 2)
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

interface Usage {
  readonly key: string
  readonly accountId: string
  readonly occurredAt?: number
}

it(`C4 G4 accounts move from Stripe to Lago under load, killed ${2 * kills + 2} times: both sides come to what the ledger says`, {
  timeout: counts.timeoutMs,
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'billfold-moving-'))
  closing.push(() => rmSync(folder, { recursive: true, force: true }))
  // Begun in the middle of a month, so that the next period begins when this says so.
  let offsetMs = Date.parse('2026-11-15T12:00:00Z') - Date.now()
  const now = () => Date.now() + offsetMs
  const box = await sandbox({ now })
  closing.push(() => box.close())
  const { apiKey, ...address } = box.stripe
  const stripe = stripeProvider({ client: new Stripe(apiKey, { ...address, telemetry: false }), now })
  const limits = { requestsPerSecond: 100_000, eventRequestsPerSecond: 100_000 }
  const lago = lagoProvider({ client: Client(box.lago.apiKey, { baseUrl: box.lago.baseUrl }), now, limits })
  const meters = ['ai_tokens', 'compute_minutes', 'storage_gb_months'].flatMap((name) => [
    { name, unit: 'unit' },
    { name, unit: 'unit', isShadow: true },
  ])
  for (const { catalog } of [stripe, lago]) await catalog.apply({ meters, prices: [] }, {})

  const path = join(folder, 'billing.db')
  const acknowledged = new Set<string>()
  const start = (more: object) => {
    const settings = { path, stripe: box.stripe, lago: box.lago, accounts, offsetMs, ...more }
    const script = fileURLToPath(new URL('moving-app.mjs', import.meta.url))
    const child: ChildProcess = spawn(process.execPath, ['--no-deprecation', script, JSON.stringify(settings)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    closing.push(() => void child.kill('SIGKILL'))
    let isDone = false
    let heard = 0
    const lines = createInterface({ input: child.stdout as NonNullable<typeof child.stdout> })
    lines.on('line', (line) => {
      if (line === 'done') isDone = true
      else acknowledged.add(line.replace('ack ', ''))
      heard += 1
    })
    const ended = new Promise<void>((resolve) => lines.once('close', () => resolve()))
    /** Kills it once it has said so much, and a moment later. */
    const kill = async (lines: number) => {
      while (!isDone && heard < lines && child.exitCode === null) await pause(5)
      await pause(Math.random() * 60)
      child.kill('SIGKILL')
      await ended
    }
    return { kill, ended, isDone: () => isDone }
  }
  let keys = 0
  const all: Usage[] = []
  const make = (count: number, occurredAt?: number) => {
    const made = Array.from({ length: count }, (): Usage => {
      keys += 1
      const accountId = accounts[keys % accounts.length] ?? ''
      return { key: `use-${keys}`, accountId, ...(occurredAt === undefined ? {} : { occurredAt }) }
    })
    all.push(...made)
    return made
  }
  const load = async (usage: readonly Usage[]) => {
    for (let killed = 0; killed < kills; killed += 1) {
      const open = usage.filter(({ key }) => !acknowledged.has(key))
      const again = usage.filter(({ key }) => acknowledged.has(key)).slice(-20)
      await start({ usage: [...again, ...open] }).kill(20 + Math.floor(Math.random() * 120))
    }
    const open = usage.filter(({ key }) => !acknowledged.has(key))
    const last = start({ usage: open })
    await last.ended
    expect(last.isDone()).toBe(true)
  }

  const drain = async () => {
    const finish = start({ finish: true })
    await finish.ended
    expect(finish.isDone()).toBe(true)
  }

  await load(make(600))
  // The promotion dies in the middle of its accounts, and of the usage that goes on beside it.
  for (let killed = 0; killed < 2; killed += 1) await start({ promote: 'lago', usage: make(60) }).kill(1)
  const promoted = start({ promote: 'lago', usage: all.filter(({ key }) => !acknowledged.has(key)) })
  await promoted.ended
  expect(promoted.isDone()).toBe(true)
  // What a killed process had claimed is told within a day: later nobody at Stripe would recognise a repeat.
  await drain()
  const turn = Date.parse('2026-12-01T00:00:00Z')
  offsetMs += 20 * 86_400_000
  box.advance(0)
  // What happened before the turn is told of late, beside what happens now.
  await load([...make(150, turn - 3_600_000), ...make(450)])
  expect(new Set(acknowledged)).toEqual(new Set(all.map(({ key }) => key)))
  await drain()
  const database = new Database(path)
  closing.push(() => void database.close())
  const query = <T>(sql: string) => database.prepare(sql).all() as T[]
  expect(query("SELECT id FROM billfold_deliveries WHERE status <> 'delivered'")).toEqual([])
  const before = all.filter(({ occurredAt }, index) => occurredAt !== undefined || index < all.length - 600)
  const spans = [
    { from: Date.parse('2026-11-01T00:00:00Z'), to: turn, collects: 'stripe', used: before },
    {
      from: turn,
      to: Date.parse('2027-01-01T00:00:00Z'),
      collects: 'lago',
      used: all.filter((each) => !before.includes(each)),
    },
  ]
  for (const accountId of accounts)
    for (const { from, to, collects, used } of spans) {
      const rated = BigInt(used.filter((each) => each.accountId === accountId).length) * microSparksPerKey
      const [counter] = query<{ overage: string; carried: string | null }>(
        `SELECT CAST(overage AS TEXT) AS overage, carried FROM billfold_counters
          WHERE account_id = '${accountId}' AND meter = 'ai_tokens' AND starts_at = ${from}`,
      )
      expect(BigInt(counter?.overage ?? -1)).toBe(rated)
      const whole = rated / 1_000_000n
      for (const provider of [stripe, lago]) {
        const customerId = query<{ id: string }>(
          `SELECT external_id AS id FROM billfold_account_links WHERE account_id = '${accountId}' AND provider = '${provider.id}'`,
        )[0]?.id
        const total = async (isShadow: boolean) => {
          const asked = { customerId: customerId ?? '', meter: 'ai_tokens', from, to, isShadow }
          return (await provider['usage-reports'].total(asked, {})).sparks
        }
        const isCollecting = provider.id === collects
        expect([await total(false), await total(true)], `${provider.id} of ${accountId} from ${from}`).toEqual(
          isCollecting ? [whole, 0n] : [0n, whole],
        )
      }
    }
})
