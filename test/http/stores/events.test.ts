import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createBilling, defineCatalog, type Store } from 'billfold'
import { type BillingHandler, createHandler, type EventStreamOptions } from 'billfold/http'
import { toNodeListener } from 'billfold/http/node'
import { afterAll, describe, expect, it } from 'vitest'
import { stores, type TestedStore } from '../../core/operations/stores.js'

const catalog = defineCatalog({
  meters: { images: { rate: { mode: 'per_unit', sparks: '1', per: '1' } } },
  plans: { free: { meters: { images: { limit: '10' } } } },
})
/** At the end, as some cases go on at once. */
const closing: (() => unknown)[] = []
afterAll(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

/** A process of an app: its service and the handler of its customers, of whom each is who the header says. */
function start(store: Store, eventStreams: EventStreamOptions = {}) {
  const billing = createBilling({ catalog, store })
  const handler = createHandler(billing, {
    identify: (request) => ({
      accountId: request.headers.get('authorization') ?? '',
      scopes: ['billing:read'],
      by: 'token',
    }),
    eventStreams,
    onError: () => {},
  })
  return { billing, handler }
}

async function openApp(tested: TestedStore, eventStreams?: EventStreamOptions) {
  const store = await tested.open()
  const app = start(store, eventStreams)
  closing.push(() => app.billing.close())
  for (const accountId of ['acme', 'other']) await app.billing.accounts.ensure({ accountId })
  return { ...app, store }
}

interface Frame {
  readonly name: string
  readonly id: string | null
  // biome-ignore lint/suspicious/noExplicitAny: what came is what the test looks at
  readonly data: any
}

/** A stream as a browser reads it. */
async function listen(handler: BillingHandler, who = 'acme', lastEventId?: string) {
  const headers = { authorization: who, ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }) }
  const response = await handler(new Request(`https://app.example${handler.basePath}/events`, { headers }))
  if (response.status !== 200) return { status: response.status, body: await response.json() } as never
  const reader = (response.body ?? new ReadableStream()).getReader()
  closing.push(() => reader.cancel())
  const decoder = new TextDecoder()
  let text = ''
  let comments = 0
  return {
    response,
    reader,
    comments: () => comments,
    /** The next frame; `null` when the stream has ended. */
    async next(): Promise<Frame | null> {
      for (;;) {
        const end = text.indexOf('\n\n')
        if (end >= 0) {
          const lines = text.slice(0, end).split('\n')
          text = text.slice(end + 2)
          const field = (name: string) => lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2)
          const name = field('event')
          if (name !== undefined) return { name, id: field('id') ?? null, data: JSON.parse(field('data') ?? 'null') }
          if (lines[0]?.startsWith(':')) comments += 1
          continue
        }
        const { done, value } = await reader.read()
        if (done) return null
        text += decoder.decode(value, { stream: true })
      }
    },
    /** The frames up to the first that fits. */
    async until(fits: (frame: Frame) => boolean): Promise<Frame[]> {
      const frames: Frame[] = []
      for (;;) {
        const frame = await this.next()
        if (frame) frames.push(frame)
        if (!frame || fits(frame)) return frames
      }
    },
  }
}

const isType = (type: string) => (frame: Frame) => frame.data.type === type
const hasCredits = (credits: string) => (frame: Frame) => frame.name === 'balance' && frame.data.credits === credits
const grant = { accountId: 'acme', amount: 100, reason: 'gift', idempotencyKey: 'g' } as const
const use = (quantity: number, key: string) =>
  ({ accountId: 'acme', meter: 'images', quantity, idempotencyKey: key, onInsufficient: 'refuse' }) as const

// At once: most of their time is what passes until a stream looks for news.
describe.concurrent.each(stores)('server-sent events on $name', (tested) => {
  it('S4.7 tell of the account’s balance and events, and of nobody else’s', async () => {
    const { billing, handler } = await openApp(tested)
    const stream = await listen(handler)
    expect(stream.response.headers.get('content-type')).toContain('text/event-stream')
    expect(stream.response.headers.get('cache-control')).toBe('no-store')
    expect(await stream.next()).toEqual({
      name: 'balance',
      id: null,
      data: { credits: '0', available_credits: '0', held_credits: '0', debt: '0' },
    })
    await billing.credits.grant({ ...grant, accountId: 'other', amount: 77_777 })
    await billing.credits.grant(grant)
    await billing.recordUsage(use(9, 'u'))
    // What is stored in the same millisecond comes in any order.
    const all = await stream.until(hasCredits('91'))
    for (const type of ['credit.granted', 'quota.near'])
      if (!all.some(isType(type))) all.push(...(await stream.until(isType(type))))
    expect(all.find(isType('quota.near'))).toMatchObject({ name: 'quota', data: { data: { meter: 'images' } } })
    expect(JSON.stringify(all)).not.toMatch(/77777|other/)
    await billing.hold({ accountId: 'acme', amount: 5, idempotencyKey: 'h' } as never)
    const held = await stream.until((frame) => frame.data.held_credits === '5')
    expect(held.at(-1)).toMatchObject({ data: { credits: '91', available_credits: '86' } })
  })

  it('S4.7 go on after the last event, in order, with all that happened in between, seen or done by another process', async () => {
    const { billing, handler, store } = await openApp(tested)
    const first = await listen(handler)
    await first.next()
    await billing.credits.grant(grant)
    const granted = (await first.until(isType('credit.granted'))).at(-1)
    await first.reader.cancel()
    await billing.recordUsage(use(9, 'u-1'))
    await new Promise((resolve) => setTimeout(resolve, 5))
    await billing.accounts.suspend({ accountId: 'acme', reason: 'test', idempotencyKey: 's' })
    const other = start(store)
    const second = await listen(other.handler, 'acme', granted?.id ?? '')
    const since = await second.until(isType('account.suspended'))
    const types = since.map(({ data }) => data.type).filter((type) => type !== undefined)
    expect(types.slice(types.indexOf('quota.near'))).toEqual(['quota.near', 'account.suspended'])
    // What the other process does, is seen as well.
    await billing.accounts.resume({ accountId: 'acme', reason: 'test', idempotencyKey: 'r' })
    expect((await second.until(isType('account.resumed'))).map(({ data }) => data.type)).toContain('account.resumed')
    const ids = [...since.map(({ data }) => data.id)].filter((id) => id !== undefined)
    expect(new Set(ids).size).toBe(ids.length)
  })

  it('S6 S3.10 refuse another account’s place, and one that was changed', async () => {
    const { billing, handler } = await openApp(tested)
    const stream = await listen(handler)
    await billing.credits.grant(grant)
    const { id } = (await stream.until(isType('credit.granted'))).at(-1) as Frame
    const refused = { status: 400, body: { code: 'invalid_cursor' } }
    expect(await listen(handler, 'other', id ?? '')).toMatchObject(refused)
    for (const wrong of ['x', `${id}A`, btoa('0 0 0'), (id ?? '').slice(0, -8)])
      expect(await listen(handler, 'acme', wrong)).toMatchObject(refused)
    expect(await listen(handler, 'nobody')).toMatchObject({ status: 404, body: { code: 'not_found' } })
  })
})

describe('a stream of events', () => {
  const [memory] = stores as [TestedStore]

  it('S4.7 says that it is alive though nothing happens, and ends in time to be asked again who it is for', async () => {
    const { handler } = await openApp(memory, { heartbeatSeconds: 0.02, maximumSeconds: 0.3 })
    const stream = await listen(handler)
    expect((await stream.next())?.name).toBe('balance')
    expect(await stream.next()).toBeNull()
    expect(stream.comments()).toBeGreaterThan(0)
  })

  it('S8 is one of at most so many of its account, and makes room when it ends, however it does', async () => {
    const { handler } = await openApp(memory, { maximumPerAccount: 2, maximumSeconds: 0.3 })
    const streams = [await listen(handler), await listen(handler)]
    expect(await listen(handler)).toMatchObject({ status: 429, body: { code: 'rate_limited' } })
    expect((await listen(handler, 'other')).response.status).toBe(200)
    await streams[0]?.reader.cancel()
    const third = await listen(handler)
    expect(third.response.status).toBe(200)
    expect(await listen(handler)).toMatchObject({ status: 429 })
    while ((await streams[1]?.next()) !== null);
    expect((await listen(handler)).response.status).toBe(200)
    // One that is refused takes no room.
    for (let time = 0; time < 3; time += 1) expect(await listen(handler, 'nobody')).toMatchObject({ status: 404 })
  })

  it('G16 ends with the service', async () => {
    const { billing, handler } = await openApp(memory)
    const stream = await listen(handler)
    await stream.next()
    const ended = stream.next()
    await billing.close()
    expect(await ended).toBeNull()
  })

  it('S4.7 that nobody reads keeps no more than it must, and goes on from where it was read to', async () => {
    const { billing, handler, store } = await openApp(memory)
    const stream = await listen(handler)
    await stream.next()
    const publish = (count: number) =>
      store.outbox.publish({
        ...{ id: `evt_${String(count).padStart(5, '0')}`, type: 'invoice.paid', accountId: 'acme' },
        ...{ occurredAt: Date.now(), data: { invoiceId: 'in_1' } },
      })
    for (let count = 0; count < 1_500; count += 1) await publish(count)
    await new Promise((resolve) => setTimeout(resolve, 1_500))
    const seen = new Set<string>()
    let last: string | undefined
    const read = async (from: typeof stream) => {
      for (;;) {
        const frame = await from.next()
        if (!frame) return
        if (frame.name === 'invoice') {
          seen.add(frame.data.id)
          last = frame.id ?? ''
        }
        if (seen.size === 1_500) return
      }
    }
    await read(stream)
    expect(seen.size).toBeLessThan(1_500)
    for (let time = 0; time < 3 && seen.size < 1_500; time += 1) await read(await listen(handler, 'acme', last))
    expect(seen.size).toBe(1_500)
    await billing.close()
  })

  it('S4.7 costs two questions a second, however many accounts there are and however many look', async () => {
    const store = await memory.open()
    let questions = 0
    const counting: Store = {
      ...store,
      ledger: { ...store.ledger, balances: (ids) => store.ledger.balances(ids) },
      outbox: {
        ...store.outbox,
        news(ids, asked) {
          questions += 1
          return store.outbox.news(ids, asked)
        },
      },
    }
    const { billing, handler } = start(counting)
    closing.push(() => billing.close())
    for (let count = 0; count < 200; count += 1) await billing.accounts.ensure({ accountId: `a${count}` })
    const streams = []
    for (let count = 0; count < 40; count += 1) streams.push(await listen(handler, `a${count % 20}`))
    questions = 0
    await new Promise((resolve) => setTimeout(resolve, 2_000))
    expect(questions).toBeLessThanOrEqual(3)
    await billing.credits.grant({ ...grant, accountId: 'a7' })
    for (const [index, stream] of streams.entries()) if (index % 20 === 7) await stream.until(isType('credit.granted'))
  })

  it('S4.7 goes through a server of Node as it is written, and ends there when the browser leaves', async () => {
    const { billing, handler } = await openApp(memory, { maximumPerAccount: 1 })
    const server = createServer(toNodeListener(handler))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    closing.push(() => {
      server.closeAllConnections()
      server.close()
    })
    const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/billing/events`
    const ask = (signal?: AbortSignal) => fetch(address, { headers: { authorization: 'acme' }, signal: signal ?? null })
    const leaving = new AbortController()
    const response = await ask(leaving.signal)
    const reader = response.body?.getReader()
    await billing.credits.grant(grant)
    let text = ''
    while (!text.includes('credit.granted')) text += new TextDecoder().decode((await reader?.read())?.value)
    expect((await ask()).status).toBe(429)
    leaving.abort()
    await new Promise((resolve) => setTimeout(resolve, 200))
    const again = await ask()
    expect(again.status).toBe(200)
    await again.body?.cancel()
  })
})
