import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { createBilling, defineCatalog, type Store } from 'billfold'
import { sqliteStore } from 'billfold/adapters/sqlite'
import { stripeProvider } from 'billfold/providers/stripe'
import { type Sandbox, type SandboxFault, sandbox } from 'billfold/testing'
import Stripe from 'stripe'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { changePlan } from '../../src/testing/store-conformance/commands.js'
import { makeMeters } from '../providers/sandboxed.js'
import { counts } from './counts.js'

const rate = { mode: 'per_unit', sparks: '0.7', per: '1' } as const
const catalog = defineCatalog({
  meters: { ai_tokens: { rate }, storage: { rate } },
  plans: {
    free: {},
    postpaid: { price: { amount: '40' }, overage: true, meters: { ai_tokens: { included: '1000' } } },
  },
})
const meters = ['ai_tokens', 'storage'] as const
const spark = 1_000_000n
const minuteMs = 60_000
const timeoutMs = 400

/** One by the calendar, which changes month on the way, and others whose periods begin inside a minute on the way. */
const accounts = [
  { id: 'calendar', plan: 'free', anchor: null },
  { id: 'calendar_overage', plan: 'postpaid', anchor: null },
  { id: 'half_past', plan: 'free', anchor: Date.UTC(2026, 9, 30, 23, 37, 30) },
  { id: 'late_second', plan: 'postpaid', anchor: Date.UTC(2026, 9, 30, 23, 52, 59) },
]

const events = { method: 'POST', pathIncludes: '/v1/billing/meter_events' }
const customers = { method: 'POST', pathIncludes: '/v1/customers' }
const failures: readonly Omit<SandboxFault, 'match'>[] = [
  { kind: 'reset_before' },
  { kind: 'reset_after' },
  { kind: 'hang' },
  { kind: 'delay', delayMs: 50 },
  { kind: 'delay', delayMs: timeoutMs + 100 },
  { kind: 'status', status: 429, headers: { 'retry-after': '2' } },
  { kind: 'status', status: 500 },
  { kind: 'status_after', status: 500 },
  { kind: 'status_after', status: 503 },
  { kind: 'status', status: 409 },
]

/** How the service ends after a script: it goes on, is closed and started anew, or dies before it can note what it sent. */
type Ending = 'goes on' | 'starts anew' | 'dies'

/** Each failure of one request, of some in the middle, and of one whose sender does not live to note it. */
const scripts: readonly { readonly faults: readonly SandboxFault[]; readonly ending: Ending }[] = failures.flatMap(
  (failure, index) => [
    {
      faults: [
        { ...failure, match: events },
        { ...failure, match: customers },
      ],
      ending: 'goes on' as const,
    },
    { faults: [{ ...failure, match: events, skip: index % 3, times: 3 }], ending: 'starts anew' as const },
    { faults: [{ ...failure, match: events, skip: 1 }], ending: 'dies' as const },
  ],
)

let folder: string
let box: Sandbox
let clock: number
let service: ReturnType<typeof start>

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'billfold-faults-'))
  clock = Date.UTC(2026, 10, 30, 23, 20)
  box = await sandbox({ now: () => clock })
})
afterEach(async () => {
  await service.billing.close()
  await box.close()
  rmSync(folder, { recursive: true, force: true })
})

function stripe() {
  const { apiKey, ...address } = box.stripe
  const client = new Stripe(apiKey, { ...address, telemetry: false, maxNetworkRetries: 0, timeout: timeoutMs })
  return stripeProvider({ client })
}

function start() {
  const state = { dies: false }
  const store = sqliteStore({ path: join(folder, 'billing.db'), durability: 'normal', now: () => clock })
  const settle: Store['outbox']['settle'] = async (settlements) => {
    if (state.dies) throw new Error('the process is gone')
    return store.outbox.settle(settlements)
  }
  const billing = createBilling({
    catalog,
    store: { ...store, outbox: { ...store.outbox, settle } },
    providers: { default: stripe() },
    environment: { now: () => clock, onError: () => {} },
  })
  return { billing, store, state }
}

/** The same numbers in every run. */
function sequence(): (below: number) => number {
  let state = 7
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

/** What the twin counted of one account on one meter in a period. */
async function counted(accountId: string, meter: string, from: number, to: number) {
  const customer = (await service.store.accounts.externalId(accountId, 'stripe')) ?? 'nobody'
  const range = new URLSearchParams({ customer, from: String(from / 1000), to: String(to / 1000) })
  const answer = await fetch(`${box.url}/_sandbox/stripe/meters/billfold_${meter}/total?${range}`)
  return (await answer.json()) as { readonly sum: string; readonly count: number }
}

it(`G4 C4 ${counts.meteredEvents} usage events under ${scripts.length} fault scripts: what Stripe counted and the carry are the ledger, per account, meter and billing period`, {
  timeout: counts.timeoutMs,
}, async () => {
  await makeMeters(stripe(), meters)
  service = start()
  for (const { id, plan, anchor } of accounts) {
    await service.billing.accounts.ensure({ accountId: id })
    const rules = { catalog, metering: ['stripe'], tracing: [], collecting: 'stripe' }
    await service.store.ledger.commit([changePlan(id, 'start', plan, anchor)], rules)
  }
  const random = sequence()
  let keys = 0
  for (const [number, { faults, ending }] of scripts.entries()) {
    for (const fault of faults) box.faults.inject(fault)
    const until = Math.ceil((counts.meteredEvents * (number + 1)) / scripts.length)
    while (keys < until) {
      const burst = Array.from({ length: Math.min(1 + random(5), until - keys) }, () => {
        keys += 1
        const { id: accountId } = accounts[random(accounts.length)] ?? { id: '' }
        const occurredAt = new Date(clock - random(2 * minuteMs)).toISOString()
        const meter = meters[random(2)] ?? 'storage'
        const usage = { accountId, meter, quantity: 1 + random(90), idempotencyKey: `u-${keys}` }
        return service.billing.recordUsage(random(2) ? { ...usage, occurredAt } : usage)
      })
      await Promise.all(burst)
      clock += random(Math.ceil((2 * minuteMs * scripts.length) / counts.meteredEvents) * 5)
    }
    service.state.dies = ending === 'dies'
    await service.billing.sync.flush({ timeoutMs: 20_000 }).catch(() => {})
    box.faults.clear()
    if (ending !== 'goes on') {
      await service.billing.close()
      service = start()
    }
    clock += random(2 * minuteMs)
  }
  for (let pass = 0; pass < 100; pass += 1) {
    const { tried } = await service.billing.sync.flush()
    if (tried === 0 && (await service.billing.sync.status()).deliveries.length === 0) break
    clock += 5 * minuteMs
    // A circuit that is open closes by the time of the machine.
    if (tried > 0) await pause(50)
  }
  expect((await service.billing.sync.status()).deliveries).toEqual([])

  let reports = 0
  let periods = 0
  for (const { id: accountId } of accounts) {
    const told = new Map<string, { readonly meter: string; from: number; sparks: bigint }>()
    for (const { usage, result, ...entry } of await service.store.ledger.entries(accountId, { limit: 100_000 })) {
      if (!usage || result.kind !== 'usage') continue
      const from = result.quota.periodStartsAt
      const place = told.get(`${usage.meter} ${from}`) ?? { meter: usage.meter, from, sparks: 0n }
      const collects = accounts.some(({ id, plan }) => id === entry.accountId && plan === 'postpaid')
      place.sparks += collects ? (usage.settledBy['meter:stripe'] ?? 0n) : usage.sparks
      told.set(`${usage.meter} ${from}`, place)
    }
    for (const { meter, from, sparks } of told.values()) {
      const next = [...told.values()].map((other) => other.from).filter((other) => other > from)
      const { sum, count } = await counted(accountId, meter, from, Math.min(...next, Date.UTC(2027, 0, 1)))
      const carry = sparks - BigInt(sum) * spark
      expect(carry >= 0n && carry < spark, `the carry of ${accountId} ${meter} since ${from}: ${carry}`).toBe(true)
      reports += count
      periods += 1
    }
  }
  // Each account has a period before and one after its boundary, on each meter.
  expect(periods).toBe(accounts.length * meters.length * 2)
  expect(reports).toBeLessThan(counts.meteredEvents)
  expect((await service.billing.verifyLedger()).findings).toEqual([])
})
