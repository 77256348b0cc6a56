import { type ChildProcess, spawn } from 'node:child_process'
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Stripe from 'stripe'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type Sandbox, sandbox } from '../../src/testing/sandbox/sandbox.js'
import { programOf } from '../program.js'
import { receiveWebhooks } from './webhook-receiver.js'

let dataDir: string
let running: Sandbox | undefined
let child: ChildProcess | undefined

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'sandbox-'))
})
afterEach(async () => {
  child?.kill('SIGKILL')
  await running?.close()
  running = undefined
  child = undefined
  rmSync(dataDir, { recursive: true, force: true })
})

it('C4 remembers everything over a restart: objects, keys, identifiers, the clock', async () => {
  const box = await open()
  const stripe = clientOf(box.url)
  const customer = await stripe.customers.create({ name: 'Ada' }, { idempotencyKey: 'k1' })
  await stripe.billing.meters.create({
    display_name: 'Sparks',
    event_name: 'sparks',
    default_aggregation: { formula: 'sum' },
  })
  await stripe.billing.meterEvents.create(usage(customer.id, 'e1'))
  box.advance(60 * 60 * 1000)
  const port = box.stripe.port
  await box.close()
  const again = await open(port)
  expect(again.url).toBe(box.url)
  expect((await stripe.customers.create({ name: 'Ada' }, { idempotencyKey: 'k1' })).id).toBe(customer.id)
  await expect(stripe.billing.meterEvents.create(usage(customer.id, 'e1'))).rejects.toThrow('An event already exists')
  const { nowMs } = (await (await fetch(`${again.url}/_sandbox/clock`)).json()) as { nowMs: number }
  expect(nowMs).toBeGreaterThan(Date.now() + 59 * 60 * 1000)
})

it('C4 goes on delivering webhooks after a restart', async () => {
  const app = await receiveWebhooks()
  app.answers.push(500)
  const box = await open()
  const stripe = clientOf(box.url)
  await stripe.webhookEndpoints.create({ url: app.url, enabled_events: ['*'] })
  await stripe.customers.create({})
  await box.flushWebhooks()
  await box.close()
  const again = await open()
  again.advance(5000)
  await again.flushWebhooks()
  expect(app.received).toHaveLength(2)
  await app.close()
})

it('C4 drops half a line at the end of the journal and keeps the rest', async () => {
  const first = await open()
  const { id } = await clientOf(first.url).customers.create({})
  await first.close()
  appendFileSync(join(dataDir, 'journal.jsonl'), '[["stripe.customers","cus_torn",{"id":"cus_')
  const second = await open()
  expect((await clientOf(second.url).customers.list()).data.map((customer) => customer.id)).toEqual([id])
  await clientOf(second.url).customers.create({})
  await second.close()
  const third = await open()
  expect((await clientOf(third.url).customers.list()).data).toHaveLength(2)
})

it('C4 says where the journal is damaged in the middle', async () => {
  await (await open()).close()
  appendFileSync(join(dataDir, 'journal.jsonl'), 'not json\n')
  await expect(sandbox({ dataDir })).rejects.toThrow(/Line \d+ of the sandbox journal/)
})

it('C4 refuses a folder that another sandbox is using', async () => {
  await open()
  await expect(sandbox({ dataDir })).rejects.toThrow('Another sandbox')
  await running?.close()
  await expect(open()).resolves.toBeDefined()
})

it('C4 keeps what it had answered when it is killed', async () => {
  const first = await spawnChild('0')
  const stripe = clientOf(first)
  const { id: customer } = await stripe.customers.create({})
  await stripe.billing.meters.create({
    display_name: 'Sparks',
    event_name: 'sparks',
    default_aggregation: { formula: 'sum' },
  })
  const acknowledged: string[] = []
  const burst = Array.from({ length: 300 }, (_, index) =>
    stripe.billing.meterEvents.create(usage(customer, `e${index}`)).then(
      ({ identifier }) => {
        acknowledged.push(identifier)
        if (acknowledged.length === 60) child?.kill('SIGKILL')
      },
      () => undefined,
    ),
  )
  await Promise.all(burst)
  expect(acknowledged.length).toBeGreaterThanOrEqual(60)
  const second = await spawnChild(new URL(first).port)
  expect(second).toBe(first)
  for (const identifier of acknowledged) {
    await expect(stripe.billing.meterEvents.create(usage(customer, identifier))).rejects.toThrow(
      'An event already exists',
    )
  }
  const total = (await (await fetch(`${second}/_sandbox/stripe/meters/sparks/total`)).json()) as { count: number }
  expect(total.count).toBeGreaterThanOrEqual(acknowledged.length)
  expect(readFileSync(join(dataDir, 'journal.jsonl'), 'utf8').endsWith('\n')).toBe(true)
}, 30_000)

async function open(port = 0): Promise<Sandbox> {
  running = await sandbox({ dataDir, port })
  return running
}

async function spawnChild(port: string): Promise<string> {
  const program = await programOf(new URL('./sandbox-child.ts', import.meta.url))
  const started = spawn(process.execPath, [program, dataDir, port], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  child = started
  return new Promise((resolve, reject) => {
    started.once('error', reject)
    started.stdout.once('data', (line: Buffer) => resolve(line.toString().trim()))
  })
}

function clientOf(url: string): Stripe {
  const port = Number(new URL(url).port)
  return new Stripe('sk_test_sandbox', {
    host: '127.0.0.1',
    port,
    protocol: 'http',
    telemetry: false,
    maxNetworkRetries: 0,
  })
}

function usage(customer: string, identifier: string) {
  return { event_name: 'sparks', identifier, payload: { stripe_customer_id: customer, value: '1' } }
}
