import { type BillingEvent, createBilling, defineCatalog, type Store } from 'billfold'
import { retryDelaysMs, type SendWebhooksOptions, sendWebhooks } from 'billfold/webhooks'
import { Webhook } from 'standardwebhooks'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { stores, type TestedStore } from '../core/operations/stores.js'
import { openReceiver } from './receiver.js'

const catalog = defineCatalog({ plans: { free: {} } })
const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
const older = 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD'
const dayMs = 86_400_000

let receiver: Awaited<ReturnType<typeof openReceiver>>
beforeAll(async () => {
  receiver = await openReceiver()
})
afterAll(() => receiver.close())
const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
  receiver.received.length = 0
  receiver.answer(204)
})

type Endpoints = SendWebhooksOptions['endpoints']

/** A store, and processes on it that send webhooks to the receiver, all by one clock. */
async function open(tested: TestedStore, endpoints?: Endpoints) {
  const clock = { now: Date.now() }
  const now = () => clock.now
  const store = await tested.open({ now })
  closing.push(() => store.close())
  const errors: unknown[] = []
  const process = (over: Partial<Store> = {}) => {
    const shared: Store = { ...store, ...over, close: async () => {} }
    const environment = { now, onError: (error: unknown) => void errors.push(error) }
    const billing = createBilling({ catalog, store: shared, environment })
    closing.push(() => billing.close())
    const given = endpoints ?? [{ id: 'app', url: receiver.url, secrets: [secret] }]
    sendWebhooks(billing, { endpoints: given, now, egress: { allow: [receiver.host] } })
    return billing
  }
  const billing = process()
  const grant = (accountId: string, key: string) =>
    billing.credits.grant({ accountId, amount: '1', reason: 'Ada asked for it', idempotencyKey: key })
  for (const accountId of ['acme', 'bell'])
    await billing.accounts.ensure({ accountId, email: `${accountId}@x.example` })
  await billing.sync.flush()
  return { billing, store, clock, process, grant, errors }
}

const ids = () => receiver.received.map(({ headers }) => headers['webhook-id'])

/** The sender's own reckoning has no part in it. */
function verified({ headers, text }: (typeof receiver.received)[number], by = secret): unknown {
  return new Webhook(by).verify(text, headers as Record<string, string>)
}

for (const tested of stores) {
  describe(`outgoing webhooks on ${tested.name}`, () => {
    it('S4.7 S19 an event is sent once, signed as Standard Webhooks has it, and says nothing that people wrote', async () => {
      const { billing, grant, clock } = await open(tested)
      await grant('acme', 'g')
      await billing.sync.flush()
      await billing.sync.flush()
      expect(receiver.received).toHaveLength(1)
      const [sent] = receiver.received as [(typeof receiver.received)[number]]
      expect(verified(sent)).toEqual({
        version: 1,
        type: 'credit.granted',
        timestamp: new Date(clock.now).toISOString(),
        data: { account: 'acme', grant_id: expect.any(String), sparks: '1', kind: 'promotional' },
      })
      expect(sent.text).not.toMatch(/Ada|@/)
      expect(() => new Webhook(older).verify(sent.text, sent.headers as Record<string, string>)).toThrow()
      const forged = { ...sent, text: sent.text.replace('acme', 'bell') }
      expect(() => verified(forged)).toThrow()
    })

    it('G4 attempts follow the schedule over restarts, with one id and the time of each; what is given up is seen, and replayed', async () => {
      const { grant, clock, process } = await open(tested)
      receiver.answer(500)
      await grant('acme', 'g')
      const times: number[] = []
      for (let attempt = 0; attempt <= retryDelaysMs.length; attempt += 1) {
        // Another process each time: what is known of the schedule is in the store.
        const billing = process()
        await billing.sync.flush()
        await billing.sync.flush()
        times.push(clock.now)
        clock.now += (retryDelaysMs[attempt] ?? dayMs) * 1.1 + 1
        await billing.close()
      }
      expect(receiver.received).toHaveLength(retryDelaysMs.length + 1)
      expect(new Set(ids()).size).toBe(1)
      expect(receiver.received.map(({ headers }) => Number(headers['webhook-timestamp']))).toEqual(
        times.map((time) => Math.floor(time / 1_000)),
      )
      const billing = process()
      await billing.sync.flush()
      const { deliveries } = await billing.sync.status()
      expect(deliveries).toEqual([{ destination: 'consumer:webhook_app', status: 'parked', count: 1 }])
      receiver.answer(204)
      expect(await billing.sync.replay({ kind: 'deliveries', destination: 'webhook_app' })).toMatchObject({
        deliveries: 1,
      })
      await billing.sync.flush()
      expect(new Set(ids()).size).toBe(1)
      expect(receiver.received).toHaveLength(retryDelaysMs.length + 2)
      expect((await billing.sync.status()).deliveries).toEqual([])
    })

    it('G8 the events of an account come in their order: one that fails holds up its own account, and no other', async () => {
      const { billing, grant, clock } = await open(tested)
      const [first] = [await grant('acme', 'g1'), await grant('acme', 'g2'), await grant('bell', 'g3')]
      let isUp = false
      const isFirst = (id: string | undefined) => id === `evt_${first.id}`
      receiver.answer(({ headers }, response) => {
        response.writeHead(isFirst(headers['webhook-id']) && !isUp ? 503 : 204).end()
      })
      await billing.sync.flush()
      const accounts = () =>
        receiver.received.map(({ body, headers }) => [body.data.account, isFirst(headers['webhook-id'])])
      expect(accounts().sort()).toEqual([
        ['acme', true],
        ['bell', false],
      ])
      isUp = true
      clock.now += 6_000
      await billing.sync.flush()
      expect(accounts().slice(2)).toEqual([
        ['acme', true],
        ['acme', false],
      ])
    })

    it('G15 workers that deliver at once send nothing twice, and nothing of an account at the same time', async () => {
      const { process, grant } = await open(tested)
      for (const account of ['acme', 'bell']) for (let n = 0; n < 5; n += 1) await grant(account, `g-${n}`)
      const underWay = new Map<string, number>()
      let most = 0
      receiver.answer(async ({ body }, response) => {
        const { account } = body.data
        underWay.set(account, (underWay.get(account) ?? 0) + 1)
        most = Math.max(most, underWay.get(account) ?? 0)
        await new Promise((resolve) => setTimeout(resolve, 5))
        underWay.set(account, (underWay.get(account) ?? 0) - 1)
        response.writeHead(204).end()
      })
      const workers = [process(), process(), process()]
      // Whoever finds nothing that is not taken already ends: the last one looks when all is over.
      await Promise.all(workers.map((worker) => worker.sync.flush()))
      await workers[0]?.sync.flush()
      expect(ids()).toHaveLength(10)
      expect(new Set(ids()).size).toBe(10)
      expect(most).toBe(1)
    })

    it('G5 what was sent and not noted is sent again, under the same id', async () => {
      const { process, grant, clock, store } = await open(tested)
      await grant('acme', 'g')
      const gone = { ...store.outbox, settle: async () => Promise.reject(new Error('the process is gone')) }
      await process({ outbox: gone })
        .sync.flush()
        .catch(() => {})
      expect(ids()).toHaveLength(1)
      clock.now += 61_000
      await process().sync.flush()
      expect(ids()).toHaveLength(2)
      expect(new Set(ids()).size).toBe(1)
    })
  })
}

describe('outgoing webhooks', () => {
  const [memory] = stores as [TestedStore]

  it('S19 while a secret is exchanged both sign', async () => {
    const { billing, grant } = await open(memory, [{ id: 'app', url: receiver.url, secrets: [secret, older] }])
    await grant('acme', 'g')
    await billing.sync.flush()
    const [sent] = receiver.received as [(typeof receiver.received)[number]]
    expect(verified(sent, older)).toEqual(verified(sent, secret))
    expect(sent.headers['webhook-signature']?.split(' ')).toHaveLength(2)
  })

  it('S4.7 each endpoint is told what it asked for, and one that fails holds up no other', async () => {
    const { billing, grant } = await open(memory, [
      { id: 'all', url: `${receiver.url}/all`, secrets: [secret] },
      { id: 'stops', url: `${receiver.url}/stops`, secrets: [secret], types: ['account.suspended'] },
      { id: 'down', url: `${receiver.url}/down`, secrets: [secret] },
    ])
    receiver.answer(({ path }, response) => void response.writeHead(path.endsWith('down') ? 500 : 204).end())
    await grant('acme', 'g')
    await billing.accounts.suspend({ accountId: 'acme', reason: 'Ada did not pay', idempotencyKey: 's' })
    await billing.sync.flush()
    const told = (path: string) =>
      receiver.received.filter((each) => each.path.endsWith(path)).map(({ body }) => body.type)
    expect(told('/all')).toEqual(['credit.granted', 'account.suspended'])
    expect(told('/stops')).toEqual(['account.suspended'])
    expect(told('/down')).toEqual(['credit.granted'])
    const { deliveries } = await billing.sync.status()
    expect(deliveries).toEqual([{ destination: 'consumer:webhook_down', status: 'pending', count: 2 }])
  })

  it('S19 410 ends an event at once; 429 is waited out as long as it says', async () => {
    const { billing, grant, clock } = await open(memory)
    receiver.answer(410)
    await grant('acme', 'g1')
    await billing.sync.flush()
    expect((await billing.sync.status()).deliveries).toEqual([
      { destination: 'consumer:webhook_app', status: 'parked', count: 1 },
    ])
    receiver.answer((_, response) => void response.writeHead(429, { 'retry-after': '600' }).end())
    await grant('acme', 'g2')
    await billing.sync.flush()
    clock.now += 599_000
    await billing.sync.flush()
    expect(ids()).toHaveLength(2)
    receiver.answer(204)
    clock.now += 2_000
    await billing.sync.flush()
    expect(ids()).toHaveLength(3)
  })

  it('G18 nothing that is stored, told or shown of a failure has the secret, the address or the answer in it', async () => {
    const url = `${receiver.url}?token=canary-in-url`
    const { billing, store, grant, errors } = await open(memory, [{ id: 'app', url, secrets: [secret] }])
    receiver.answer((_, response) => void response.writeHead(500, { 'x-answer': 'canary-header' }).end('canary-body'))
    const events: BillingEvent[] = []
    billing.on('watcher', 'delivery.parked', (event) => void events.push(event))
    await grant('acme', 'g')
    await billing.sync.flush()
    const [delivery] = receiver.received.map(({ headers }) => `dlv_webhook.app_${headers['webhook-id']}`)
    const state = await store.outbox.delivery('acme', delivery ?? '')
    expect(state?.error).toBe('the endpoint answered 500')
    const shown = JSON.stringify([errors.map((error) => [String(error), (error as Error).stack]), state?.event])
    expect(shown).not.toMatch(/canary|whsec|MfKQ9/)
    expect(errors.length).toBeGreaterThan(0)
  })
})
