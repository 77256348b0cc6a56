import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { stripeProvider } from 'billfold/providers/stripe'
import Database from 'libsql'
import Stripe from 'stripe'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { makeMeters } from '../providers/sandboxed.js'
import { counts } from './counts.js'

const kills = counts.appKills
/** Seven tokens are 0.7 Sparks: no key is a whole Spark, so the carry is part of every sum. */
const microSparksPerKey = 700_000n

let folder: string
let children: ChildProcess[]

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'billfold-proof-'))
  children = []
})
afterEach(() => {
  for (const child of children) child.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})

interface Child {
  readonly process: ChildProcess
  readonly exited: Promise<void>
}

/** Starts a script beside this file and hands over each line it writes. */
function start(script: string, args: readonly string[], onLine: (line: string) => void): Child {
  const child = spawn(process.execPath, [fileURLToPath(new URL(script, import.meta.url)), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  children.push(child)
  const lines = createInterface({ input: child.stdout })
  lines.on('line', onLine)
  // The last lines can come after the exit: what was acknowledged is known when both are over.
  const closed = new Promise<void>((resolve) => lines.once('close', resolve))
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve())).then(() => closed)
  return { process: child, exited }
}

interface SandboxSettings {
  readonly url: string
  readonly stripe: { readonly apiKey: string; readonly host: string; readonly port: number; readonly protocol: 'http' }
  readonly langfuse: object
}

async function startSandbox(port = 0): Promise<Child & { readonly settings: SandboxSettings }> {
  let said: (settings: SandboxSettings) => void = () => {}
  const settings = new Promise<SandboxSettings>((resolve) => {
    said = resolve
  })
  const child = start('sandbox.mjs', [join(folder, 'sandbox'), String(port)], (line) => said(JSON.parse(line)))
  return { ...child, settings: await settings }
}

async function makeMeter({ apiKey, ...address }: SandboxSettings['stripe']): Promise<void> {
  const client = new Stripe(apiKey, { ...address, telemetry: false })
  await makeMeters(stripeProvider({ client, webhookSecret: 'whsec_unused' }), ['ai_tokens'])
}

/** What the app acknowledged so far. */
interface Burst {
  readonly acknowledged: Set<string>
  readonly isDone: () => boolean
  readonly app: Child
  /** Resolves when this many more keys were acknowledged, or the app ended. */
  after(count: number): Promise<void>
}

function startApp(
  { stripe, langfuse }: SandboxSettings,
  keys: readonly string[],
  options: { readonly inFlight: number; readonly finish?: boolean; readonly acknowledged?: Set<string> },
): Burst {
  const acknowledged = options.acknowledged ?? new Set<string>()
  let isDone = false
  let onAck: () => void = () => {}
  const { inFlight, finish = false } = options
  const settings = { path: join(folder, 'billing.db'), stripe, langfuse, keys, inFlight, finish }
  const app = start('app.mjs', [JSON.stringify(settings)], (line) => {
    if (line === 'done') isDone = true
    else acknowledged.add(line.replace('ack ', ''))
    onAck()
  })
  return {
    acknowledged,
    isDone: () => isDone,
    app,
    after(count) {
      const goal = acknowledged.size + count
      const reached = new Promise<void>((resolve) => {
        onAck = () => {
          if (isDone || acknowledged.size >= goal) resolve()
        }
      })
      return Promise.race([reached, app.exited])
    },
  }
}

function query<T>(sql: string): T[] {
  const database = new Database(join(folder, 'billing.db'))
  try {
    return database.prepare(sql).all() as T[]
  } finally {
    database.close()
  }
}

function recordedKeys(): string[] {
  return query<{ key: string }>("SELECT key FROM billfold_ledger_entries WHERE operation = 'usage'").map(
    ({ key }) => key,
  )
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** Delivers what is left, then compares the ledger with what the twins were told. */
async function expectAllCountedOnce(settings: SandboxSettings, keys: readonly string[]): Promise<void> {
  const rest = startApp(settings, keys, { inFlight: 50 })
  while (!rest.isDone()) await rest.after(keys.length)
  rest.app.process.kill('SIGKILL')
  await rest.app.exited
  const last = startApp(settings, [], { inFlight: 1, finish: true })
  await last.app.exited
  expect(last.isDone()).toBe(true)

  expect(recordedKeys().sort()).toEqual([...keys].sort())
  const rated = microSparksPerKey * BigInt(keys.length)
  const [account] = query<{ balance: string }>('SELECT CAST(balance AS TEXT) AS balance FROM billfold_accounts')
  expect(BigInt(account?.balance ?? 0)).toBe(-rated)
  const waiting = query<{ status: string; error: string }>(
    "SELECT status, error FROM billfold_deliveries WHERE status <> 'delivered'",
  )
  expect(waiting).toEqual([])

  const [carry] = query<{ carry: number }>(
    "SELECT sum(CAST(substr(carried, 1, instr(carried, ' ') - 1) AS INTEGER)) AS carry FROM billfold_counters",
  )
  const meter = (await (await fetch(`${settings.url}/_sandbox/stripe/meters/billfold_ai_tokens/total`)).json()) as {
    sum: string
  }
  expect(BigInt(meter.sum) * 1_000_000n + BigInt(carry?.carry ?? 0)).toBe(rated)
  const traces = await (await fetch(`${settings.url}/_sandbox/langfuse/traces`)).json()
  expect(traces).toMatchObject({ observations: keys.length })
}

it(`C5 killing the app ${kills} times in the middle of a burst loses no acknowledged usage and doubles none`, async () => {
  const box = await startSandbox()
  await makeMeter(box.settings.stripe)
  const keys = Array.from({ length: 5_000 }, (_, index) => `usage-${index}`)
  const acknowledged = new Set<string>()
  let killed = 0
  while (killed < kills) {
    const open = keys.filter((key) => !acknowledged.has(key))
    expect(open.length, 'the burst was over before the app had been killed often enough').toBeGreaterThan(0)
    // A client that lost its answer sends again; some send again although they had theirs.
    const again = [...acknowledged].slice(-20)
    const burst = startApp(box.settings, [...again, ...open], { inFlight: 40, acknowledged })
    await burst.after(1 + Math.floor(Math.random() * 120))
    await pause(Math.random() * 20)
    if (burst.isDone()) break
    burst.app.process.kill('SIGKILL')
    await burst.app.exited
    killed += 1
    const recorded = recordedKeys()
    expect(new Set(recorded).size).toBe(recorded.length)
    expect([...acknowledged].filter((key) => !recorded.includes(key))).toEqual([])
  }
  expect(killed).toBe(kills)
  await expectAllCountedOnce(box.settings, keys)
})

it(`C4 C5 killing the sandbox ${kills} times in the middle of a burst loses no usage and doubles none`, async () => {
  let box = await startSandbox()
  const { port } = box.settings.stripe
  await makeMeter(box.settings.stripe)
  const keys = Array.from({ length: 2_000 }, (_, index) => `usage-${index}`)
  for (let killed = 0; killed < kills; killed += 1) {
    const part = keys.slice((killed * keys.length) / kills, ((killed + 1) * keys.length) / kills)
    // One call at a time makes many small deliveries, so that one is under way when the sandbox dies.
    const burst = startApp(box.settings, part, { inFlight: 2 })
    await burst.after(1 + Math.floor(Math.random() * 60))
    await pause(Math.random() * 30)
    box.process.kill('SIGKILL')
    await box.exited
    while (!burst.isDone()) await burst.after(part.length)
    burst.app.process.kill('SIGKILL')
    await burst.app.exited
    box = await startSandbox(port)
  }
  await expectAllCountedOnce(box.settings, keys)
})
