import SwaggerParser from '@apidevtools/swagger-parser'
import { createBilling, defineCatalog } from 'billfold'
import { memoryStore } from 'billfold/adapters/memory'
import { type BillingHandler, createAdminHandler, type Operator, type OperatorScope } from 'billfold/http'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { documented } from './documented.js'
import { accountId, openWorld, site, type World } from './world.js'

const scopes: readonly OperatorScope[] = [
  'accounts:read',
  'accounts:write',
  'accounts:erase',
  'credits:write',
  'payments:write',
  'sync:read',
  'sync:write',
  'audit:read',
]
const without = (scope: OperatorScope): Operator => ({
  operatorId: 'grace',
  scopes: scopes.filter((each) => each !== scope),
})
const operators: Readonly<Record<string, Operator>> = {
  ada: { operatorId: 'ada', scopes },
  ...Object.fromEntries(scopes.map((scope) => [`without ${scope}`, without(scope)])),
}

let world: World
let admin: BillingHandler
beforeEach(async () => {
  world = await openWorld()
  admin = createAdminHandler(world.billing, {
    identify: (request) => operators[request.headers.get('authorization')?.replace('Bearer ', '') ?? ''] ?? null,
  })
})
afterEach(() => world.close())

/** Of the routes of operators; the document is the same each time. */
let look: ReturnType<typeof documented> | undefined

async function ask(method: string, path: string, body?: object, headers: Readonly<Record<string, string>> = {}) {
  const response = await admin(
    new Request(`${site}${admin.basePath}${path}`, {
      method,
      headers: { authorization: 'Bearer ada', 'content-type': 'application/json', ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }),
  )
  const text = await response.text()
  const answer = { status: response.status, headers: response.headers, body: JSON.parse(text) }
  look ??= documented(admin.document() as object)
  look({ method, path: `${admin.basePath}${path}`, type: response.headers.get('content-type'), ...answer })
  return answer
}

const reason = 'looked into'
/** Each route as it is asked for: the scope it needs, a body that it takes, what is answered, and what the audit calls it. */
const routes: Readonly<
  Record<
    string,
    { readonly scope: OperatorScope; readonly body?: object; readonly right: number; readonly action?: string }
  >
> = {
  'get /accounts/{account_id}': { scope: 'accounts:read', right: 200 },
  'get /accounts': { scope: 'accounts:read', right: 200 },
  'post /accounts/{account_id}/erase': {
    scope: 'accounts:erase',
    body: { reason },
    right: 200,
    action: 'account.erase',
  },
  'get /payments/waiting': { scope: 'accounts:read', right: 501 },
  'post /accounts/{account_id}/suspend': {
    scope: 'accounts:write',
    body: { reason },
    right: 200,
    action: 'account.suspend',
  },
  'post /accounts/{account_id}/resume': {
    scope: 'accounts:write',
    body: { reason },
    right: 200,
    action: 'account.resume',
  },
  'get /accounts/{account_id}/api-keys': { scope: 'accounts:read', right: 200 },
  'post /accounts/{account_id}/api-keys/{key_id}/revoke': {
    scope: 'accounts:write',
    body: {},
    right: 404,
    action: 'api_key.revoke',
  },
  'get /accounts/{account_id}/transactions': { scope: 'accounts:read', right: 200 },
  'post /accounts/{account_id}/credits/grant': {
    scope: 'credits:write',
    body: { amount: '10', reason },
    right: 200,
    action: 'credits.grant',
  },
  'post /accounts/{account_id}/credits/adjust': {
    scope: 'credits:write',
    body: { amount: '-1', reason },
    right: 200,
    action: 'credits.adjust',
  },
  'get /accounts/{account_id}/payments': { scope: 'accounts:read', right: 200 },
  'post /accounts/{account_id}/payments/{payment_id}/approve': {
    scope: 'payments:write',
    body: {},
    right: 501,
    action: 'payment.approve',
  },
  'post /accounts/{account_id}/payments/{payment_id}/reject': {
    scope: 'payments:write',
    body: { reason },
    right: 501,
    action: 'payment.reject',
  },
  'post /accounts/{account_id}/payments/{payment_id}/refund': {
    scope: 'payments:write',
    body: { reason },
    right: 404,
    action: 'payment.refund',
  },
  'get /sync': { scope: 'sync:read', right: 200 },
  'post /sync/replay': { scope: 'sync:write', body: { kind: 'webhooks' }, right: 200, action: 'sync.replay' },
  'post /reconcile': { scope: 'sync:write', body: { account: accountId }, right: 200, action: 'reconcile' },
  'get /audit': { scope: 'audit:read', right: 200 },
}

const addressOf = (path: string, account = accountId) =>
  `${path.replace('{account_id}', account).replace(/\{(\w+)\}/g, 'nothing_like_it')}${path === '/accounts' ? '?email=ada@acme.example' : ''}`

describe('the operators’ handler', () => {
  it('S3.4 each route has a row here, its scope, and a name in the audit if it changes something', () => {
    const registered = admin.routes.map(({ method, path, access }) => [`${method} ${path}`, access])
    const expected = Object.entries(routes).map(([name, { scope, action }]) => [
      name,
      expect.objectContaining({ scope, ...(action === undefined ? {} : { action }) }),
    ])
    expect(Object.fromEntries(registered)).toEqual(Object.fromEntries(expected))
    for (const { method, access } of admin.routes)
      expect((access as { action?: string }).action === undefined).toBe(method === 'get')
  })

  for (const [name, { scope, body, right, action }] of Object.entries(routes)) {
    const [method = '', path = ''] = name.split(' ')
    const as = (who: string, address = addressOf(path)) =>
      ask(method.toUpperCase(), address, body, { authorization: `Bearer ${who}`, 'idempotency-key': 'k' })

    it(`S3.4 ${name} answers ${right} to an operator with the scope, and nothing to others`, async () => {
      const answer = await as('ada')
      expect(answer, JSON.stringify(answer.body)).toMatchObject({ status: right })
      expect(answer.headers.get('cache-control')).toBe('no-store')
      // Whoever the customers' handler knows is nobody here.
      for (const who of ['owner', 'nobody', ''])
        expect(await as(who)).toMatchObject({ status: 401, body: { code: 'unauthenticated' } })
      expect(await as(`without ${scope}`)).toMatchObject({ status: 403, body: { code: 'forbidden' } })
      if (path.includes('{account_id}') && right === 200)
        expect(await as('ada', addressOf(path, 'nobody'))).toMatchObject({ status: 404, body: { code: 'not_found' } })
      const strange = { status: 400, body: { code: 'unknown_field' } }
      expect(
        await ask(method.toUpperCase(), `${addressOf(path)}${path === '/accounts' ? '&' : '?'}unknown=1`, body),
      ).toMatchObject(strange)
      if (body !== undefined)
        expect(await ask(method.toUpperCase(), addressOf(path), { ...body, unknown: 1 })).toMatchObject(strange)

      const { items } = await world.billing.audit.list({ limit: 100 })
      const own = items.filter(({ actor }) => actor === 'ada')
      expect(items).toHaveLength(own.length)
      expect(own.map((entry) => entry.action)).toEqual(own.map(() => action))
      expect(own.length > 0).toBe(action !== undefined)
      if (action === undefined) return
      expect(own.at(-1)).toMatchObject({ outcome: right === 200 ? 'done' : 'refused' })
      expect(own.at(-1)?.requestId).toBe(answer.headers.get('x-request-id'))
    })
  }

  it('S1 S4 lets nobody in who is not named in full, and no cookie from another site', async () => {
    expect(() => createAdminHandler(world.billing, {} as never)).toThrow('give `identify`')
    for (const who of [null, undefined, {}, { operatorId: '' }, { operatorId: 'x' }, { accountId, scopes }]) {
      const handler = createAdminHandler(world.billing, { identify: () => who as never })
      expect((await handler(new Request(`${site}/api/billing-admin/sync`))).status).toBe(401)
    }
    const byCookie = createAdminHandler(world.billing, {
      identify: () => ({ operatorId: 'ada', scopes, by: 'cookie' }),
    })
    const send = (headers: Record<string, string>) =>
      byCookie(
        new Request(`${site}/api/billing-admin/accounts/${accountId}/suspend`, {
          method: 'POST',
          body: JSON.stringify({ reason }),
          headers: { 'content-type': 'application/json', ...headers },
        }),
      )
    expect((await send({ origin: 'https://evil.example' })).status).toBe(403)
    expect((await world.billing.accounts.get({ accountId })).suspendedFor).toBeNull()
    expect((await send({ 'sec-fetch-site': 'same-origin' })).status).toBe(200)
  })

  it('law 2 gives and gives back nothing without an idempotency key, and nothing twice with one', async () => {
    const grant = (headers = {}) =>
      ask('POST', `/accounts/${accountId}/credits/grant`, { amount: '10', reason }, headers)
    expect(await grant()).toMatchObject({ status: 400, body: { code: 'idempotency_key_required' } })
    expect(await grant({ 'idempotency-key': 'g' })).toMatchObject({ body: { status: 'recorded', balance: '10' } })
    expect(await grant({ 'idempotency-key': 'g' })).toMatchObject({ body: { status: 'duplicate', balance: '10' } })
    const refund = await ask('POST', `/accounts/${accountId}/payments/pi_1/refund`, { reason })
    expect(refund).toMatchObject({ status: 400, body: { code: 'idempotency_key_required' } })
  })

  it('G18 says who did what, with what, in order, and what came of it', async () => {
    const told: unknown[] = []
    world.billing.on(
      'security',
      'operator.acted',
      ({ data }) => void told.push([data.actor, data.action, data.outcome]),
    )
    await ask('POST', `/accounts/${accountId}/credits/grant`, { amount: '10', reason }, { 'idempotency-key': 'g' })
    await ask('POST', `/accounts/${accountId}/credits/grant`, { amount: '-1', reason }, { 'idempotency-key': 'h' })
    await ask('POST', '/sync/replay', {})
    const { body } = await ask('GET', '/audit?limit=2')
    expect(body.results).toMatchObject([
      { actor: 'ada', action: 'sync.replay', account: null, outcome: 'done', code: null },
      { action: 'credits.grant', account: accountId, outcome: 'refused', code: 'invalid_amount' },
    ])
    const rest = await ask('GET', body.next.slice(admin.basePath.length))
    expect(rest.body).toMatchObject({
      results: [{ outcome: 'done', facts: { amount: '10', reason, idempotency_key: 'g' } }],
      next: null,
    })
    expect((await ask('GET', `/audit?account=${accountId}`)).body.results).toHaveLength(2)
    expect((await ask('GET', '/audit?account=other')).body.results).toEqual([])
    await world.billing.sync.flush()
    expect(told).toEqual([
      ['ada', 'credits.grant', 'done'],
      ['ada', 'credits.grant', 'refused'],
    ])
  })

  it('G18 does nothing that cannot be recorded', async () => {
    const store = memoryStore()
    const broken = { ...store, records: { ...store.records, write: async () => false } }
    const billing = createBilling({ catalog: defineCatalog({}), store: broken })
    await billing.accounts.ensure({ accountId })
    const handler = createAdminHandler(billing, {
      identify: () => ({ operatorId: 'ada', scopes, by: 'token' }),
      onError: () => {},
    })
    const answer = await handler(
      new Request(`${site}/api/billing-admin/accounts/${accountId}/credits/grant`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'idempotency-key': 'g' },
        body: JSON.stringify({ amount: '10', reason }),
      }),
    )
    expect(answer.status).toBe(503)
    expect((await billing.credits.balance({ accountId })).balance).toBe(0n)
    await billing.close()
  })

  it('S4.1 has a document of its own, without what no provider can do', async () => {
    const document = admin.document() as Parameters<typeof SwaggerParser.validate>[0] & { paths: object }
    await SwaggerParser.validate(structuredClone(document))
    const paths = Object.keys(document.paths)
    expect(paths).toContain('/api/billing-admin/accounts/{account_id}/payments/{payment_id}/refund')
    expect(paths.filter((path) => /approve|reject/.test(path))).toEqual([])
    expect(JSON.stringify(world.handler.document())).not.toMatch(/approve|replay|reconcile/)
  })
})
