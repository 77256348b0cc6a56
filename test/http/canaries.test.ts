import { BillingError, type Store } from 'billfold'
import { memoryStore } from 'billfold/adapters/memory'
import { createAdminHandler } from 'billfold/http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { telemetry } from './telemetry.js'
import { accountId, openWorld, scopes, site, type World } from './world.js'

/** What must never be told of, by what it is. */
const canaries = {
  'a password of the database': 'canary-db-pa55word',
  'a token in the query': 'canary-query-token',
  'a cookie': 'canary-cookie',
  'an unknown bearer token': 'canary-bearer',
  'a header': 'canary-header',
  'a path': 'canary-path',
  'a prompt': 'canary-prompt',
  'an e-mail': 'canary.person@mail.example',
  'a card number': '4242424242424242',
  'a card number as people write it': '4000 0566 5566 5556',
  'a secret of webhooks': 'whsec_of_the_world',
} as const
/** Answers to the one who sent it may say again what its path names, and nothing else. */
const inAnswers = Object.entries(canaries).filter(([what]) => what !== 'a path')

const { instrumentation, spans, metrics } = telemetry()
const told: string[] = []
const tell = (...what: unknown[]) => void told.push(shown(what))
const logger = { debug: tell, info: tell, warn: tell, error: tell }

let isBroken = false
let world: World
let admin: ReturnType<typeof createAdminHandler>
let key: string
beforeAll(async () => {
  world = await openWorld({
    observed: { logger, instrumentation },
    open: async (clock) => breakable(memoryStore(clock)),
    people: { owner: { accountId, scopes }, reader: { accountId, scopes: ['billing:read'] } },
  })
  admin = createAdminHandler(world.billing, {
    identify: (request) =>
      request.headers.get('authorization') === 'Bearer owner'
        ? {
            operatorId: 'ada',
            scopes: [
              'accounts:read',
              'accounts:write',
              'accounts:erase',
              'credits:write',
              'payments:write',
              'sync:read',
              'sync:write',
              'audit:read',
            ],
          }
        : null,
    logger,
    instrumentation,
  })
  const issued = await world.billing.apiKeys.issue({ accountId, name: 'CI', idempotencyKey: 'k' })
  key = issued.secret ?? ''
})
afterAll(() => world.close())

/** A store that fails, on request, as drivers do: with where it is and how it is signed in to in the error. */
function breakable(store: Store): Store {
  const failing = (group: object) =>
    new Proxy(group, {
      get(target, name) {
        const method: unknown = Reflect.get(target, name)
        if (!isBroken || typeof method !== 'function') return method
        return async () => {
          throw new Error(`connect ECONNREFUSED postgres://app:${canaries['a password of the database']}@db:5432`)
        }
      },
    })
  const parts = Object.entries(store).map(([name, part]) => [
    name,
    typeof part !== 'object'
      ? part
      : Object.fromEntries(
          Object.keys(part).map((verb) => [verb, (...given: unknown[]) => Reflect.get(failing(part), verb)(...given)]),
        ),
  ])
  return Object.fromEntries(parts) as Store
}

function shown(value: unknown): string {
  return JSON.stringify(value, (_, each) => {
    if (typeof each === 'bigint') return String(each)
    return each instanceof Error ? { ...each, text: String(each.stack) } : each
  })
}

function expectNone(text: string, among: readonly (readonly [string, string])[], where: string): void {
  for (const [what, canary] of among)
    if (text.includes(canary)) throw new Error(`${what} is in ${where}: ${text.slice(0, 400)}`)
  if (key !== '' && text.includes(key)) throw new Error(`an API key is in ${where}`)
}

const bodies: readonly (string | undefined)[] = [
  undefined,
  JSON.stringify({ email: canaries['an e-mail'], prompt: canaries['a prompt'] }),
  JSON.stringify({ reason: `my card is ${canaries['a card number as people write it']}, thanks` }),
  JSON.stringify({ [canaries['a card number']]: 1 }),
  `{"prompt": "${canaries['a prompt']}"`,
]
const callers = (): readonly string[] => [
  'Bearer owner',
  `Bearer ${key}`,
  `Bearer ${canaries['an unknown bearer token']}`,
]

/** Asks every route in every way there is above, and says how it was answered. */
async function askAll(handler: World['handler'] | typeof admin): Promise<Set<number>> {
  const statuses = new Set<number>()
  for (const { method, path } of handler.routes)
    for (const authorization of callers())
      for (const body of method === 'get' ? [undefined] : bodies)
        for (const named of [accountId, canaries['a path'], canaries['a card number']]) {
          // A stream that is begun goes on.
          if (path === '/events' && authorization === 'Bearer owner') continue
          const place = path
            .replace(/\{(organization_id|account_id)\}/, named === canaries['a path'] ? named : accountId)
            .replace(/\{\w+\}/g, named)
          if (place === path && named === canaries['a path']) continue
          const query = named === canaries['a card number'] ? `?token=${canaries['a token in the query']}` : ''
          const response = await handler(
            new Request(`${site}${handler.basePath}${place}${query}`, {
              method,
              headers: {
                authorization,
                cookie: `session=${canaries['a cookie']}`,
                'x-forwarded-for': canaries['a header'],
                'stripe-signature': `t=1,v1=${canaries['a header']}`,
                'idempotency-key': 'k-1',
                ...(body === undefined ? {} : { 'content-type': 'application/json' }),
              },
              ...(body === undefined ? {} : { body }),
            }),
          )
          statuses.add(response.status)
          const answer = `${shown([...response.headers])} ${await response.text()}`
          const known = inAnswers.filter(([, canary]) => !place.includes(canary))
          expectNone(answer, known, `the answer to ${method} ${path}`)
        }
  return statuses
}

describe('secrets and what people are known by', () => {
  it.each(['customers', 'operators'])(
    'G18 S31 S32 are in no answer to %s, no log and no span, whatever is asked',
    async (who) => {
      const handler = who === 'customers' ? world.handler : admin
      const statuses = await askAll(handler)
      isBroken = true
      const broken = await askAll(handler)
      isBroken = false
      expect([...statuses].sort()).toEqual(expect.arrayContaining([200, 400, 401, 404]))
      expect([...broken].some((status) => status >= 500)).toBe(true)
      const everything = Object.entries(canaries)
      for (const line of told)
        expectNone(line, [...everything, ['the account’s e-mail', 'ada@acme.example']], 'the log')
      expect(told.length).toBeGreaterThan(100)
      for (const { name, attributes, events, status } of spans())
        expectNone(shown([name, attributes, events, status]), everything, 'a span')
      const points = (await metrics()).flatMap(({ points: each }) => each.map(({ attributes }) => attributes))
      for (const attributes of points) expectNone(shown(attributes), everything, 'a metric')
    },
  )

  it.each([
    ['a text that is one', '4242424242424242'],
    ['a text with one in it', 'card 4242-4242-4242-4242 please'],
    ['a number', 4242424242424242],
    ['a name', { '5555 5555 5555 4444': true }],
  ])('S14 a card number is refused, as %s, and not said again', async (_, value) => {
    told.length = 0
    const { status, body } = await world.ask('POST', '/usage/events', {
      meter: 'ai_tokens',
      quantity: 1,
      dimensions: { value },
    })
    expect([status, body.code]).toEqual([400, 'invalid_request'])
    expect(shown([body, told])).not.toMatch(/4242|5555/)
  })

  it.each([
    '0195f0e2-4242-7242-8242-424242424242',
    '1795366966673',
    '4242424242424241',
    'x4242424242424242',
    '42.42424242424242',
  ])('S14 %s is no card number', async (value) => {
    const { body } = await world.ask('POST', '/usage/events', { reason: value })
    expect(body.detail).not.toContain('card number')
  })

  it('G18 an error that is thrown is told by its code alone', async () => {
    told.length = 0
    world.billing.on('app', 'credit.granted', () => {
      throw new BillingError('provider_rejected', `refused for ${canaries['an e-mail']}`, { cause: new Error(key) })
    })
    await world.billing.credits.grant({ accountId, amount: '1', reason: canaries['a prompt'], idempotencyKey: 'g' })
    await world.billing.sync.flush()
    expect(told.some((line) => line.includes('provider_rejected'))).toBe(true)
    for (const line of told) expectNone(line, Object.entries(canaries), 'the log')
  })
})
