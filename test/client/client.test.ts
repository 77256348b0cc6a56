import { BillingProblem, createBillingClient } from 'billfold/client'
import { toNodeListener } from 'billfold/http/node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serverSentEvents } from '../../src/client/event-stream.js'
import { closeHosts, listening } from '../http/hosts.js'
import { accountId, openWorld, scopes, type World } from '../http/world.js'

let world: World
let ask: typeof fetch
const sent: Request[] = []
beforeAll(async () => {
  world = await openWorld({
    people: {
      owner: { accountId, scopes },
      reader: { accountId, scopes: ['billing:read'] },
      stranger: { accountId: 'mine', organizationIds: [accountId], scopes },
    },
  })
  const host = await listening(toNodeListener(world.handler))
  ask = (input, init) => {
    sent.push(new Request(new URL(String(input), 'http://site'), init))
    return host(String(input), init)
  }
  await world.billing.credits.grant({ accountId, amount: '12.5', reason: 'welcome', idempotencyKey: 'w' })
})
afterAll(async () => {
  await closeHosts()
  await world.close()
})

const clientOf = (who: string, more = {}) =>
  createBillingClient({ fetch: ask, headers: { authorization: `Bearer ${who}` }, ...more })

describe('the client of the routes', () => {
  it('S4.1 asks about the caller’s own account, or about one that it names', async () => {
    expect((await clientOf('owner').credits.balance()).credits).toBe('12.5')
    expect((await clientOf('stranger').credits.balance()).credits).toBe('0')
    expect((await clientOf('stranger').for(accountId).credits.balance()).credits).toBe('12.5')
    expect((await clientOf('owner').account()).organization_id).toBe(accountId)
  })

  it('S3.7 reads lists by the server’s cursors, to their end', async () => {
    const { billing } = world
    const events = Array.from({ length: 5 }, (_, number) => ({
      accountId,
      meter: 'workflows' as const,
      quantity: 1,
      idempotencyKey: `c-${number}`,
    }))
    await billing.recordUsageBatch({ events })
    const client = clientOf('owner')
    const ids: string[] = []
    let cursor: string | null = null
    do {
      const page: Awaited<ReturnType<typeof client.usage.list>> = await client.usage.list({
        limit: 2,
        ...(cursor === null ? {} : { cursor }),
      })
      ids.push(...page.items.map(({ id }) => id))
      cursor = page.next
    } while (cursor !== null)
    expect(new Set(ids).size).toBe(5)
  })

  it('S4.7 throws what the server refused as a problem with its code, detail, outcome and reference', async () => {
    const error = await clientOf('reader')
      .subscription.cancel()
      .catch((thrown: unknown) => thrown)
    expect(BillingProblem.is(error)).toBe(true)
    expect(error).toMatchObject({
      code: 'forbidden',
      status: 403,
      detail: 'This needs the scope billing:admin.',
      outcome: 'not_applied',
      requestId: expect.any(String),
    })
  })

  it('law 12 does not know whether a write that nobody answered happened, and says so; a read changed nothing', async () => {
    const client = createBillingClient({ fetch: () => Promise.reject(new TypeError('fetch failed')) })
    const write = await client.invoices.pay('in_1').catch((thrown: unknown) => thrown)
    expect(write).toMatchObject({ code: 'network_error', outcome: 'unknown', retryable: true, status: 0 })
    expect(await client.plans().catch((thrown: unknown) => thrown)).toMatchObject({ outcome: 'not_applied' })
  })

  it('reads an answer that is not ours, such as a proxy’s, as a problem that can be tried again', async () => {
    const fetch = async () =>
      new Response('<h1>Bad gateway</h1>', { status: 502, headers: { 'content-type': 'text/html' } })
    const error = await createBillingClient({ fetch })
      .plans()
      .catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'invalid_answer', status: 502, retryable: true })
  })

  it('law 2 sends the key of a write, and writes nothing twice under it', async () => {
    const client = clientOf('owner')
    const given = { idempotencyKey: 'one-intent' }
    const first = await client.apiKeys.issue({ name: 'ci' }, given)
    const second = await client.apiKeys.issue({ name: 'ci' }, given)
    expect([first.result, second.result, second.id]).toEqual(['issued', 'duplicate', first.id])
    expect(sent.at(-1)?.headers.get('idempotency-key')).toBe('one-intent')
  })

  it('S4.7 tells of changes as they come, and ends when it is told to', async () => {
    const over = new AbortController()
    const kinds: string[] = []
    for await (const { kind, data } of clientOf('owner').changes(over.signal)) {
      kinds.push(kind)
      if (kinds.length === 1) {
        expect(data).toMatchObject({ credits: '12.5' })
        await world.billing.credits.grant({ accountId, amount: '1', reason: 'more', idempotencyKey: 'more' })
      }
      if (kinds.includes('credit')) over.abort()
    }
    expect(kinds[0]).toBe('balance')
    expect(kinds).toContain('credit')
  })

  it('S4.7 gives up on changes where nobody may look', async () => {
    const client = createBillingClient({ fetch: ask })
    const changes = client.changes(new AbortController().signal)
    await expect(changes.next()).rejects.toMatchObject({ code: 'unauthenticated' })
  })
})

it('S4.7 events are read however the bytes are cut', async () => {
  const text = ': hello\n\nid: 1\nevent: balance\ndata: {"a":\ndata: "ä"}\n\nretry: 5\n\nid: 2\r\ndata: b\r\n\r\n'
  const bytes = new TextEncoder().encode(text)
  for (const size of [1, 3, 7, bytes.length]) {
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        for (let at = 0; at < bytes.length; at += size) controller.enqueue(bytes.slice(at, at + size))
        controller.close()
      },
    })
    const events = []
    for await (const event of serverSentEvents(body)) events.push(event)
    expect(events, `${size}`).toEqual([
      { id: '1', event: 'balance', data: '{"a":\n"ä"}' },
      { id: '2', event: 'message', data: 'b' },
    ])
  }
})
