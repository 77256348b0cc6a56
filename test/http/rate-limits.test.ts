import { apiKeyIdentity, createAdminHandler, createHandler, type HandlerRateLimits } from 'billfold/http'
import { RateLimiterMemory } from 'rate-limiter-flexible'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { addressPrefix } from '../../src/http/address.js'
import { countInProcess } from '../../src/http/rate-limit.js'
import { accountId, openWorld, people, site, type World } from './world.js'

let world: World
beforeEach(async () => {
  world = await openWorld()
})
afterEach(async () => {
  vi.useRealTimers()
  await world.close()
})

/** Asks a handler with these limits as whoever a token stands for, from an address. */
function limited(rateLimits: HandlerRateLimits, onError: (error: unknown) => void = () => {}) {
  const byKey = apiKeyIdentity(world.billing)
  const handler = createHandler(world.billing, {
    identify: async (request) =>
      people[request.headers.get('authorization')?.replace('Bearer ', '') ?? ''] ?? (await byKey(request)),
    rateLimits,
    onError,
  })
  return (who: string, path = '/credits/balance', headers: Record<string, string> = {}, method = 'GET') =>
    handler(
      new Request(`${site}/api/billing${path}`, { method, headers: { authorization: `Bearer ${who}`, ...headers } }),
    )
}

const headersOf = (response: Response) =>
  ['limit', 'remaining', 'reset'].map((name) => response.headers.get(`ratelimit-${name}`))

describe('limits of requests', () => {
  it('S8 are off unless they are asked for', async () => {
    const answer = await limited({})('owner')
    expect([answer.status, ...headersOf(answer)]).toEqual([200, null, null, null])
  })

  it('S8 count an account’s requests, say how they stand, and refuse those beyond until the time is over', async () => {
    vi.useFakeTimers({ toFake: ['performance'] })
    const ask = limited({ account: { requests: 3, seconds: 60 } })
    for (const remaining of ['2', '1', '0']) {
      const answer = await ask('owner')
      expect([answer.status, ...headersOf(answer)]).toEqual([200, '3', remaining, '60'])
    }
    vi.advanceTimersByTime(20_500)
    // Another caller of the same account, and a route that is refused anyway.
    for (const answer of [await ask('reader'), await ask('owner', '/portal')]) {
      expect([answer.status, ...headersOf(answer)]).toEqual([429, '3', '0', '40'])
      expect(answer.headers.get('retry-after')).toBe('40')
      expect(answer.headers.get('content-type')).toContain('application/problem+json')
      expect(await answer.json()).toMatchObject({ code: 'rate_limited', status: 429, retryable: true })
    }
    expect((await ask('stranger')).status).toBe(200)
    vi.advanceTimersByTime(39_500)
    expect((await ask('owner')).status).toBe(200)
  })

  it('S8 count keys by themselves, and tell of the limit that has least room', async () => {
    const { secret } = await world.billing.apiKeys.issue({
      ...{ accountId, name: 'CI', scopes: ['billing:read'], idempotencyKey: 'k' },
    })
    const ask = limited({ account: { requests: 100, seconds: 60 }, apiKey: { requests: 2, seconds: 10 } })
    const answers = [await ask(secret ?? ''), await ask(secret ?? ''), await ask(secret ?? '')]
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 429])
    expect(answers.map((answer) => headersOf(answer)[0])).toEqual(['2', '2', '2'])
    expect((await ask('owner')).status).toBe(200)
  })

  it('S8 count addresses before anybody is asked who they are, an IPv6 network as one, and webhooks apart', async () => {
    const addressOf = (request: Request) => request.headers.get('x-real-ip')
    const ask = limited({ address: { requests: 2, seconds: 60 }, addressOf })
    const from = (address: string, path?: string, method?: string) =>
      ask('nobody', path, { 'x-real-ip': address }, method)
    const statuses = []
    for (const last of ['1', '2', 'ffff:3'])
      statuses.push(
        (await from(`2001:db8:0:7:${last}::`)).status,
        (await from(`2001:db8::8:0:0:0:${last.slice(0, 1)}`)).status,
      )
    expect(statuses).toEqual([401, 401, 401, 401, 429, 429])
    for (let time = 0; time < 3; time += 1)
      expect((await from('2001:db8:0:7::1', '/webhooks/stripe', 'POST')).status).toBe(400)
    expect((await from('192.0.2.1')).status).toBe(401)
    const flooded = limited({ webhookAddress: { requests: 2, seconds: 60 }, addressOf })
    const webhook = (address: string) => flooded('nobody', '/webhooks/stripe', { 'x-real-ip': address }, 'POST')
    const taken = [await webhook('192.0.2.1'), await webhook('192.0.2.1'), await webhook('192.0.2.1')]
    expect(taken.map(({ status }) => status)).toEqual([400, 400, 429])
    expect(taken[2]?.headers.get('retry-after')).toMatch(/^\d+$/)
    expect((await webhook('192.0.2.2')).status).toBe(400)
    expect((await flooded('nobody', '/usage', { 'x-real-ip': '192.0.2.1' })).status).toBe(401)
    expect((await ask('owner')).headers.get('ratelimit-limit')).toBeNull()
    expect(() => limited({ address: { requests: 1, seconds: 1 } })).toThrow('addressOf')
  })

  it('S8 are counted wherever a limiter of rate-limiter-flexible counts, by all processes together', async () => {
    const account = new RateLimiterMemory({ points: 2, duration: 60 })
    const asks = [limited({ account }), limited({ account })]
    const statuses = []
    for (const ask of [...asks, ...asks]) statuses.push((await ask('owner')).status)
    expect(statuses).toEqual([200, 200, 429, 429])
  })

  it('S8 are counted in the process while a limiter is out of order: never not at all', async () => {
    const told: unknown[] = []
    const gone = { points: 2, duration: 60, consume: () => Promise.reject(new Error('Redis is gone')) }
    const ask = limited({ account: gone }, (error) => told.push(error))
    const statuses = [await ask('owner'), await ask('owner'), await ask('owner')].map(({ status }) => status)
    expect(statuses).toEqual([200, 200, 429])
    expect(told).toHaveLength(3)
  })

  it('S8 are counted in the process while a limiter does not answer at all', async () => {
    const told: unknown[] = []
    const hanging = { points: 1, duration: 60, consume: () => new Promise<never>(() => {}) }
    const ask = limited({ account: hanging }, (error) => told.push(error))
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const answers = [ask('owner', '/plans'), ask('owner', '/plans')]
    await vi.advanceTimersByTimeAsync(1_000)
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([200, 429])
    expect(told).toHaveLength(2)
  })

  it('S8 refuse what is no limit, and count operators by themselves', async () => {
    for (const account of [{ requests: 0, seconds: 1 }, { requests: 1.5, seconds: 1 }, { requests: 1, seconds: 0 }, {}])
      expect(() => limited({ account: account as never })).toThrow('rateLimits.account')
    const admin = createAdminHandler(world.billing, {
      identify: () => ({ operatorId: 'ada', scopes: ['sync:read'], by: 'token' }),
      rateLimits: { operator: { requests: 1, seconds: 60 } },
    })
    const ask = () => admin(new Request(`${site}/api/billing-admin/sync`))
    expect([(await ask()).status, (await ask()).status]).toEqual([200, 429])
  })

  it('S8 forget the oldest counts before they fill the memory, and no others', async () => {
    const limiter = countInProcess(1, 3_600, 3)
    const isOver = (key: string) =>
      limiter.consume(key).then(
        () => false,
        () => true,
      )
    const seen = []
    for (const key of ['a', 'b', 'c', 'c', 'd', 'b', 'd', 'a']) seen.push(`${key} ${await isOver(key)}`)
    expect(seen).toEqual(['a false', 'b false', 'c false', 'c true', 'd false', 'b false', 'd true', 'a false'])
  })
})

describe('what an address is counted by', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['192.0.2.1:443', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['2001:db8:0:7::1', '2001:db8:0:7::/64'],
    ['2001:0DB8:0000:0007:1:2:3:4', '2001:db8:0:7::/64'],
    ['[2001:db8:0:7::1]:443', '2001:db8:0:7::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['::', '0:0:0:0::/64'],
    ['unknown', 'unknown'],
  ])('S8 %s', (address, prefix) => {
    expect(addressPrefix(address)).toBe(prefix)
  })
})
