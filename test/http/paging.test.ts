import { afterAll, beforeAll, expect, it } from 'vitest'
import { inStates } from '../../src/http/paging.js'
import { openWorld, type World } from './world.js'

let world: World
beforeAll(async () => {
  world = await openWorld()
  for (const idempotencyKey of ['a', 'b', 'c'])
    await world.billing.recordUsage({ accountId: 'acme', meter: 'workflows', quantity: 1, idempotencyKey })
})
afterAll(() => world.close())

it('B214 S3.8 a place in usage belongs to the list as it was asked for, whether billed or not', async () => {
  const get = (query: string) => world.ask('GET', `/credits/usage?limit=1${query}`)
  const places = new Map<string, string>()
  for (const filter of ['', '&billed=true']) {
    const { next } = (await get(filter)).body
    places.set(filter, encodeURIComponent(new URL(next, 'http://x').searchParams.get('cursor') ?? ''))
    const { status, body } = await world.ask('GET', next.replace('/api/billing', ''))
    expect([status, body.results.length]).toEqual([200, 1])
  }
  for (const [made, cursor] of places)
    for (const filter of ['', '&billed=true', '&billed=false', '&billed=true&meter=workflows'].filter(
      (x) => x !== made,
    ))
      expect(await get(`${filter}&cursor=${cursor}`), `${made} as ${filter}`).toMatchObject({
        status: 400,
        body: { code: 'invalid_cursor' },
      })
  expect(await get('&billed=true&cursor=billed%3Dtrue.')).toMatchObject({ status: 400 })
})

it('B214 a place in a list of several states is none in another', async () => {
  const asked: unknown[] = []
  const read = async (place: { readonly cursor?: string }) => {
    asked.push(place.cursor)
    return { items: [{ status: 'open' }, { status: 'paid' }], nextCursor: 'n' }
  }
  const page = (states: readonly string[] | null, cursor?: string) =>
    inStates({ accountId: 'acme', cursor }, states, read, ({ status }) => status)
  const { items, nextCursor } = await page(['open', 'void'])
  expect(items).toEqual(['open'])
  await page(['open', 'void'], nextCursor ?? '')
  expect(asked).toEqual([undefined, 'n'])
  await expect(page(['open', 'paid'], nextCursor ?? '')).rejects.toMatchObject({ code: 'invalid_cursor' })
  // What it is of a list without states the service says.
  await page(null, nextCursor ?? '')
  expect(asked.at(-1)).toBe(nextCursor)
})
