import { setTimeout as pause } from 'node:timers/promises'
import {
  BillingError,
  createBilling,
  defineCatalog,
  type Provider,
  type ProviderRoles,
  type ReportOutcome,
  type Store,
  type UsageReport,
} from 'billfold'
import { afterEach, describe, expect, it } from 'vitest'
import { stores, type TestedStore } from './operations/stores.js'

const catalog = defineCatalog({ plans: { free: {} } })
const hourMs = 3_600_000
const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

type Answer = (report: UsageReport, signal: AbortSignal | undefined) => ReportOutcome | Promise<ReportOutcome>

/** A meter that answers each report as it is told, and remembers what it took. */
function meter(id: string, answer: Answer) {
  const taken: string[] = []
  const provider: Provider<'metering'> = {
    id,
    metering: {
      dedupeWindowMs: 24 * hourMs,
      maximumAgeMs: 35 * 24 * hourMs,
      takesShadows: true,
      async report(reports, { signal }) {
        const outcomes: ReportOutcome[] = []
        for (const report of reports) {
          const outcome = await answer(report, signal)
          if (outcome.status === 'delivered') taken.push(report.identifier)
          outcomes.push(outcome)
        }
        return outcomes
      },
    },
  }
  return { provider, taken }
}

const delivered: ReportOutcome = { status: 'delivered' }
const down: ReportOutcome = { status: 'retry', reason: 'down' }

/** @param atEnd what closes it after its case; cases that go on at once know of their own ends alone */
async function open<const R extends ProviderRoles>(
  tested: TestedStore,
  providers: R,
  given?: Store,
  atEnd: (close: () => Promise<void>) => void = (close) => closing.push(close),
) {
  const clock = { now: Date.now() }
  const now = () => clock.now
  const store = given ?? (await tested.open({ now }))
  const billing = createBilling({ catalog, store, providers, environment: { now, onError: () => {} } })
  atEnd(() => billing.close())
  await billing.accounts.ensure({ accountId: 'acct_1' })
  let keys = 0
  const use = async (accountId = 'acct_1') => {
    keys += 1
    // Each in a minute of its own that is over, so that nothing waits for its end or is reported with another.
    const occurredAt = new Date(clock.now - (keys + 1) * 60_000).toISOString()
    const usage = { accountId, meter: 'ai_tokens', quantity: 1_000, occurredAt } as const
    await billing.recordUsage({ ...usage, idempotencyKey: `u-${keys}` })
  }
  return { billing, store, clock, use }
}

// On all stores at once: most of it is the five seconds that are given to what is under way when the service is closed.
describe.concurrent.each(stores)('delivery on $name', (tested) => {
  it('a provider that never answers holds up nobody else, and neither flush nor close', {
    timeout: 20_000,
  }, async ({ onTestFinished }) => {
    const silent = meter('silent', () => new Promise<never>(() => {}))
    const good = meter('good', () => delivered)
    const heard: string[] = []
    const metering = [silent.provider, good.provider]
    const { billing, use } = await open(tested, { metering }, undefined, onTestFinished)
    billing.on('app', 'credit.granted', ({ id }) => void heard.push(id))
    const running = billing.sync.run()
    await use()
    await pause(50)
    await use()
    await billing.credits.grant({ accountId: 'acct_1', amount: 1, reason: 'gift', idempotencyKey: 'g-1' })
    for (let turn = 0; turn < 100 && (good.taken.length < 2 || heard.length < 1); turn += 1) await pause(20)
    expect([good.taken.length, heard.length]).toEqual([2, 1])

    const began = performance.now()
    expect((await billing.sync.flush({ timeoutMs: 50 })).idle).toBe(false)
    expect(performance.now() - began).toBeLessThan(3_000)
    await billing.close()
    await running
    expect(performance.now() - began).toBeLessThan(9_000)
  })
})

for (const tested of stores) {
  describe(`delivery on ${tested.name}`, () => {
    it('C4 usage that a provider never took is sent after days of outage: nothing about it is uncertain', async () => {
      let isUp = false
      const { provider, taken } = meter('meters', () => (isUp ? delivered : down))
      const { billing, clock, use } = await open(tested, { metering: provider })
      await use()
      for (let hour = 0; hour < 60; hour += 1) {
        await billing.sync.flush()
        clock.now += hourMs
      }
      isUp = true
      await billing.sync.flush()
      expect(taken).toHaveLength(1)
      expect((await billing.sync.status()).deliveries).toEqual([])
    })

    it('C4 usage that may have arrived is not sent again once nobody would recognise it', async () => {
      const { provider } = meter('meters', () => ({ status: 'unknown', reason: 'lost' }))
      const { billing, clock, use } = await open(tested, { metering: provider })
      await use()
      for (let hour = 0; hour < 26; hour += 1) {
        await billing.sync.flush()
        clock.now += hourMs
      }
      expect((await billing.sync.status()).deliveries).toEqual([
        { destination: 'meters', status: 'uncertain', count: 1 },
      ])
    })

    it('G4 usage that comes call by call in a minute is one report, also for a worker that finds it half sent', async () => {
      const sent: (readonly [string, bigint, number])[] = []
      const { provider } = meter('meters', ({ identifier, sparks, occurredAt }) => {
        sent.push([identifier, sparks, occurredAt])
        return delivered
      })
      const { billing, store, clock } = await open(tested, { metering: provider })
      const minute = Math.floor(clock.now / 60_000 - 5) * 60_000
      const use = (key: string, ms: number) =>
        billing.recordUsage({
          accountId: 'acct_1',
          meter: 'ai_tokens',
          quantity: 1_000,
          occurredAt: new Date(minute + ms).toISOString(),
          idempotencyKey: key,
        })
      const first = await use('u-1', 3)
      await use('u-2', 59_000)
      const third = await use('u-3', 5)
      // A worker that claims, and is gone before it has sent or settled anything.
      const lost = await store.outbox.claim('meters', { limit: 1, leaseMs: 1_000 })
      await use('u-4', 7)
      clock.now += 1_000
      await billing.sync.flush()
      const sum = lost.reduce((sparks, delivery) => sparks + delivery.sparks, 0n)
      expect(sent[0]).toEqual([lost[0]?.id, sum, minute + 59_000])
      expect([lost.map(({ members }) => members), sent.length]).toEqual([[3], 2])
      for (const { id } of [first, third])
        expect((await billing.usage.get({ accountId: 'acct_1', id })).deliveries).toEqual({
          meters: 'delivered',
        })
      expect((await billing.verifyLedger()).findings).toEqual([])
    })

    it('G16 run with once does what is due and ends', async () => {
      const good = meter('good', () => delivered)
      const heard: string[] = []
      const { billing, use } = await open(tested, { metering: [good.provider] })
      billing.on('app', 'credit.granted', ({ id }) => void heard.push(id))
      await use()
      await billing.credits.grant({ accountId: 'acct_1', amount: 1, reason: 'gift', idempotencyKey: 'g-1' })
      await billing.sync.run({ once: true })
      expect([good.taken.length, heard.length]).toEqual([1, 1])
      await billing.sync.run({ once: true, signal: AbortSignal.abort() })
      for (const options of [{ onec: true }, { once: 'yes' }, { signal: 5 }])
        await expect(billing.sync.run(options as never)).rejects.toMatchObject({ name: 'BillingError' })
    })

    it('two workers whose handlers are slow hand over each event once', async () => {
      const { billing, store, clock } = await open(tested, {})
      const calls: string[] = []
      const handler = async ({ id }: { readonly id: string }) => {
        calls.push(id)
        // A minute by the store's clock: longer than any claim, were a batch settled at its end.
        clock.now += 20_000
        await pause(2)
      }
      billing.on('app', 'credit.granted', handler)
      const other = createBilling({ catalog, store: { ...store, close: async () => {} } })
      other.on('app', 'credit.granted', handler)
      const grant = (key: number) =>
        billing.credits.grant({ accountId: 'acct_1', amount: 1, reason: 'gift', idempotencyKey: `g-${key}` })
      await Promise.all(Array.from({ length: 10 }, (_, key) => grant(key)))
      for (let pass = 0; pass < 5; pass += 1) await Promise.all([billing.sync.flush(), other.sync.flush()])
      expect(new Set(calls).size).toBe(10)
      expect((await billing.sync.status()).deliveries).toEqual([])
      await other.close()
    })

    it('C4 a provider can be told of usage as a meter and as a trace', async () => {
      const { provider, taken } = meter('both', () => delivered)
      const traced: string[] = []
      const both: Provider<'metering' | 'tracing'> = {
        ...provider,
        tracing: {
          async export(usage) {
            traced.push(...usage.map(({ usageId }) => usageId))
            return usage.map(() => delivered)
          },
        },
      }
      const { billing } = await open(tested, { default: both })
      const request = { accountId: 'acct_1', meter: 'ai_tokens', quantity: 1_000, idempotencyKey: 'u-1' } as const
      expect((await billing.recordUsage(request)).deliveries).toEqual({ both: 'queued' })
      await billing.sync.flush()
      expect([taken.length, traced.length]).toEqual([1, 1])
      expect((await billing.recordUsage(request)).deliveries).toEqual({ both: 'delivered' })
    })

    it('an event waits for a process that has a handler for it', async () => {
      const { billing, store } = await open(tested, {})
      const heard: string[] = []
      billing.on('mailer', 'plan.changed', () => {})
      const newer = createBilling({ catalog, store: { ...store, close: async () => {} } })
      newer.on('mailer', 'credit.granted', ({ type }) => void heard.push(type))
      await newer.sync.flush()
      await billing.credits.grant({ accountId: 'acct_1', amount: 1, reason: 'gift', idempotencyKey: 'g-1' })
      await billing.sync.flush()
      expect(heard).toEqual([])
      await newer.sync.flush()
      expect(heard).toEqual(['credit.granted'])
      await newer.close()
    })

    it('an account whose customer cannot be made holds up no other', async () => {
      const { provider, taken } = meter('meters', () => delivered)
      const customers: Provider<'customers'>['customers'] = {
        async create({ accountId }) {
          if (accountId === 'acct_bad') throw new BillingError('provider_rejected', 'No such country.')
          return { externalId: `cus_${accountId}` }
        },
      }
      const { billing, use } = await open(tested, { metering: { ...provider, customers } })
      await billing.accounts.ensure({ accountId: 'acct_bad' })
      await use('acct_bad')
      await use()
      await billing.sync.flush()
      expect(taken).toHaveLength(1)
      expect((await billing.sync.status()).deliveries).toEqual([{ destination: 'meters', status: 'pending', count: 1 }])
    })

    it('a handler that fails for good is parked, and somebody is told of it', async () => {
      const { billing, clock } = await open(tested, {})
      const told: unknown[] = []
      billing.on('broken', 'credit.granted', () => {
        throw new Error('never')
      })
      billing.on('watch', 'delivery.parked', ({ data }) => void told.push(data.destination))
      await billing.credits.grant({ accountId: 'acct_1', amount: 1, reason: 'gift', idempotencyKey: 'g-1' })
      for (let attempt = 0; attempt < 25; attempt += 1) {
        await billing.sync.flush()
        clock.now += hourMs
      }
      expect(told).toEqual(['consumer:broken'])
    })

    it('S1.4 a webhook outlasts an outage of days at the provider that has to be asked', async () => {
      let isUp = false
      const asked: string[] = []
      const provider: Provider<'checkout' | 'webhooks'> = {
        id: 'shop',
        webhooks: {
          verify: async () => ({ eventId: 'evt_1', type: 'paid', payload: '{}' }),
          interpret: () => ({ kind: 'checkout', externalId: 'cs_1' }),
        },
        checkout: {
          async create() {
            throw new BillingError('provider_unavailable', 'down')
          },
          async get(externalId) {
            if (!isUp) throw new BillingError('provider_unavailable', 'down')
            asked.push(externalId)
            return {
              externalId,
              status: 'open',
              url: null,
              subtotal: null,
              amount: null,
              paymentMethodId: null,
              subscriptionId: null,
              intentId: null,
              customerId: null,
              expiresAt: null,
            }
          },
        },
      }
      const { billing, clock } = await open(tested, { checkout: provider })
      const { applied } = await billing.webhooks.handle('shop', { rawBody: '{}', headers: {} })
      await applied
      for (let hour = 0; hour < 60; hour += 1) {
        clock.now += hourMs
        await billing.sync.flush()
      }
      expect((await billing.sync.status()).webhooks).toEqual([{ status: 'pending', count: 1 }])
      isUp = true
      clock.now += hourMs
      await billing.sync.flush()
      expect([asked, (await billing.sync.status()).webhooks]).toEqual([['cs_1'], []])
    })

    it('after closing, calls that wait are answered at once', async () => {
      const { billing } = await open(tested, {})
      await billing.close()
      const began = performance.now()
      const call = (key: number) =>
        billing.recordUsage({ accountId: 'acct_1', meter: 'ai_tokens', quantity: 1, idempotencyKey: `u-${key}` })
      const outcomes = await Promise.allSettled(Array.from({ length: 64 }, (_, key) => call(key)))
      expect(outcomes.every((outcome) => outcome.status === 'rejected')).toBe(true)
      expect(performance.now() - began).toBeLessThan(1_000)
    })

    it('a store that fails at first is tried again', async () => {
      const store = await tested.open()
      let failures = 2
      const shaky: Store = {
        ...store,
        async migrate() {
          failures -= 1
          if (failures >= 0) throw new BillingError('storage_unavailable', 'starting')
          await store.migrate()
        },
      }
      const billing = createBilling({ catalog, store: shaky, environment: { onError: () => {} } })
      closing.push(() => billing.close())
      await expect(billing.accounts.ensure({ accountId: 'acct_1' })).rejects.toMatchObject({
        code: 'storage_unavailable',
      })
      await expect(billing.accounts.ensure({ accountId: 'acct_1' })).rejects.toMatchObject({
        code: 'storage_unavailable',
      })
      expect(await billing.accounts.ensure({ accountId: 'acct_1' })).toMatchObject({ created: true })
    })
  })
}
