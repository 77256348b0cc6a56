import { apiKeyIdentity, createHandler, type Scope } from 'billfold/http'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { accountId, openWorld, people, scopes, site, type World } from './world.js'

let world: World
beforeEach(async () => {
  const manager = { accountId, scopes: ['billing:read', 'billing:admin'] as const }
  world = await openWorld({ people: { ...people, manager } })
})
afterEach(() => world.close())

const base = '/api/billing'
const issue = (body: object, headers: Record<string, string> = {}) => world.ask('POST', '/api-keys', body, headers)

/** Asks as whoever has a key. */
async function askWith(key: string, method: string, path: string, body?: object) {
  const handler = createHandler(world.billing, { identify: apiKeyIdentity(world.billing) })
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
  const request = new Request(`${site}${base}${path}`, { method, headers, body: body ? JSON.stringify(body) : null })
  const response = await handler(request)
  return { status: response.status, body: await response.json() }
}

describe('API keys by HTTP', () => {
  it('S2.1 S2.6 are made, listed, given a budget and another secret, and ended', async () => {
    const budget = { limit: '100', top_ups_raise_budget: true }
    const made = await issue({ name: 'CI', scopes: ['usage:write'], budget }, { 'idempotency-key': 'k' })
    expect(made).toMatchObject({
      status: 201,
      body: {
        result: 'issued',
        secret: expect.stringMatching(/^sk-/),
        status: 'active',
        budget: { limit: '100', used: '0', remaining: '100', interval: 'never' },
        top_ups_raise_budget: true,
      },
    })
    const { id, secret } = made.body
    const again = await issue({ name: 'CI', scopes: ['usage:write'], budget }, { 'idempotency-key': 'k' })
    expect(again).toMatchObject({ status: 201, body: { id, result: 'duplicate', secret: null } })
    const listed = await world.ask('GET', '/api-keys/')
    expect(listed.body.results).toMatchObject([{ id, name: 'CI' }])
    expect(JSON.stringify(listed.body)).not.toContain(secret)

    const usage = { meter: 'workflows', quantity: 1, idempotency_key: 'u' }
    expect(await askWith(secret, 'POST', '/usage/events', usage)).toMatchObject({ status: 200 })
    expect(await askWith(secret, 'GET', '/credits/balance')).toMatchObject({ status: 403, body: { code: 'forbidden' } })
    const set = await world.ask('PUT', `/api-keys/${id}/budget`, { limit: '7.5', interval: 'day' })
    expect(set).toMatchObject({ status: 200, body: { budget: { limit: '7.5', interval: 'day' } } })
    expect(await world.ask('PUT', `/api-keys/${id}/budget`, { limit: '-1' })).toMatchObject({
      status: 400,
      body: { code: 'invalid_amount' },
    })

    const rotated = await world.ask('POST', `/api-keys/${id}/rotate`, { overlap_seconds: 60 })
    expect(rotated).toMatchObject({ status: 200, body: { result: 'issued', open_secrets: 2 } })
    for (const key of [secret, rotated.body.secret])
      expect(await askWith(key, 'POST', '/usage/events', usage)).toMatchObject({ body: { status: 'duplicate' } })
    expect(await world.ask('DELETE', `/api-keys/${id}`)).toMatchObject({ status: 200, body: { status: 'revoked' } })
    for (const key of [secret, rotated.body.secret])
      expect(await askWith(key, 'POST', '/usage/events', usage)).toMatchObject({
        status: 401,
        body: { code: 'unauthenticated' },
      })
    expect((await world.ask('GET', `/api-keys/${id}`)).body).toMatchObject({ status: 'revoked', open_secrets: 0 })
  })

  it('S2.1 API5 nobody makes or exchanges a key that may do more than they may', async () => {
    const as = { authorization: 'Bearer manager' }
    const forbidden = { status: 403, body: { code: 'forbidden' } }
    expect(await issue({ name: 'more', scopes: ['usage:write'] }, as)).toMatchObject(forbidden)
    expect(await issue({ name: 'same', scopes: ['billing:read'] }, as)).toMatchObject({ status: 201 })
    const strong = await issue({ name: 'strong', scopes: [...scopes] })
    expect(await world.ask('POST', `/api-keys/${strong.body.id}/rotate`, {}, as)).toMatchObject(forbidden)
    expect(await world.ask('DELETE', `/api-keys/${strong.body.id}`, undefined, as)).toMatchObject({ status: 200 })
  })

  it('S2.1 S3.10 another account’s are not there', async () => {
    const { id } = (await issue({ name: 'CI' })).body
    const as = { authorization: 'Bearer stranger' }
    await world.billing.accounts.ensure({ accountId: 'other' })
    for (const [method, path, body] of [
      ['GET', `/api-keys/${id}`],
      ['DELETE', `/api-keys/${id}`],
      ['POST', `/api-keys/${id}/rotate`, {}],
      ['PUT', `/api-keys/${id}/budget`, { limit: '1' }],
    ] as const)
      expect(await world.ask(method, path, body, as)).toMatchObject({ status: 404, body: { code: 'not_found' } })
    expect((await world.ask('GET', '/api-keys', undefined, as)).body.results).toEqual([])
  })
})

describe('callers known by an API key', () => {
  it('S2.1 S24 have it in the header alone, and no other scheme', async () => {
    const byKey = apiKeyIdentity(world.billing)
    const { secret } = (await issue({ name: 'CI', scopes: ['billing:read', 'usage:write'] })).body
    const ask = (headers: Record<string, string>, search = '') => byKey(new Request(`${site}/${search}`, { headers }))
    const known = { accountId, scopes: ['billing:read', 'usage:write'], by: 'token' }
    expect(await ask({ authorization: `Bearer ${secret}` })).toMatchObject(known)
    expect(await ask({ authorization: `bearer  ${secret}` })).toMatchObject(known)
    for (const authorization of [secret, `Basic ${btoa(`${secret}:`)}`, 'Bearer', 'Bearer ', `Bearer ${secret} x`])
      expect(await ask({ authorization }), authorization.slice(0, 10)).toBeNull()
    expect(await ask({ 'x-api-key': secret })).toBeNull()
    expect(await ask({}, `?api_key=${secret}`)).toBeNull()
  })

  it('S2.6 record usage under their own key, whatever they say, up to its budget', async () => {
    await world.billing.credits.grant({ accountId, amount: 10_000, reason: 'gift', idempotencyKey: 'g' })
    const [{ id, secret }, other] = [
      (await issue({ name: 'CI', scopes: ['usage:write'], budget: { limit: '400' } })).body,
      (await issue({ name: 'other' })).body,
    ]
    const event = { meter: 'ai_tokens', cost_usd: '0.01', quantity: 1, on_insufficient: 'refuse' }
    const send = (key: string, change: object = {}) =>
      askWith(secret, 'POST', '/usage/events', { ...event, idempotency_key: key, ...change })
    expect(await send('a', { api_key_id: other.id })).toMatchObject({
      status: 400,
      body: { errors: [{ field: 'api_key_id' }] },
    })
    expect(await send('a')).toMatchObject({ status: 200, body: { sparks: '300' } })
    expect(await send('b')).toMatchObject({ status: 429, body: { code: 'quota_exceeded' } })
    const { results } = (
      await askWith(secret, 'POST', '/usage/events', { events: [{ ...event, idempotency_key: 'c', api_key_id: id }] })
    ).body
    expect(results).toMatchObject([{ status: 'refused', error: { code: 'quota_exceeded' } }])
    expect((await world.ask('GET', `/api-keys/${id}`)).body.budget).toMatchObject({ used: '300' })
  })

  it('S2.1 may hold only what the wire knows of their scopes', async () => {
    const { secret } = await world.billing.apiKeys.issue({
      ...{ accountId, name: 'app', idempotencyKey: 'app' },
      scopes: ['billing:read', 'reports:read'],
    })
    const granted: readonly Scope[] = ['billing:read']
    const request = new Request(site, { headers: { authorization: `Bearer ${secret}` } })
    expect(await apiKeyIdentity(world.billing)(request)).toMatchObject({ scopes: granted })
  })
})
