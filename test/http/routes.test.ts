import type { Identity, Scope } from 'billfold/http'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { accountId, openWorld, people, scopes, type World } from './world.js'

let world: World
beforeEach(async () => {
  const callers = { ...people, ...Object.fromEntries(scopes.map((scope) => [`without ${scope}`, without(scope)])) }
  // A stream that ends by itself.
  world = await openWorld({ people: callers, eventStreams: { maximumSeconds: 0.05 } })
})
afterEach(() => world.close())

type Rows = Readonly<Record<string, { readonly scope: Scope | null; readonly body?: object; readonly right: number }>>

/** Routes of the caller's own account that are also there below one that is named. */
function atBoth(rows: Rows): Rows {
  const named = Object.entries(rows).map(([name, row]) => [name.replace(' ', ' /account/{organization_id}'), row])
  return { ...rows, ...Object.fromEntries(named) }
}

/** Each route as it is asked for: whose account it is about, the scope it needs, a body that it takes, and what the owner is answered. */
const routes: Rows = {
  'get /health': { scope: null, right: 200 },
  'get /ready': { scope: null, right: 200 },
  'get /config': { scope: null, right: 200 },
  'get /account': { scope: 'billing:read', right: 200 },
  'get /account/{organization_id}': { scope: 'billing:read', right: 200 },
  'post /account/{organization_id}/payment-method': {
    scope: 'billing:admin',
    body: { payment_method_id: 'pm_card_visa', set_as_default: true },
    right: 200,
  },
  'get /account/{organization_id}/payment-methods': { scope: 'billing:read', right: 200 },
  'delete /account/{organization_id}/payment-methods/{payment_method_id}': { scope: 'billing:admin', right: 404 },
  ...atBoth({
    'get /subscription': { scope: 'billing:read', right: 200 },
    'post /subscription/cancel': { scope: 'billing:admin', body: {}, right: 404 },
    'post /subscription/reactivate': { scope: 'billing:admin', body: {}, right: 404 },
    'post /subscription/preview': { scope: 'billing:read', body: { plan: 'pro' }, right: 404 },
    'post /subscription/change': { scope: 'billing:admin', body: { plan: 'pro' }, right: 404 },
    'post /checkout': { scope: 'billing:pay', body: { kind: 'package', package: 'small' }, right: 200 },
    'get /checkout/{checkout_id}': { scope: 'billing:read', right: 404 },
    'post /invoices/generate': { scope: 'billing:pay', body: {}, right: 200 },
    'get /costs/summary': { scope: 'billing:read', right: 200 },
    'get /costs': { scope: 'billing:read', right: 200 },
    'get /costs/export': { scope: 'billing:read', right: 200 },
  }),
  'get /plans': { scope: 'billing:read', right: 200 },
  'post /account/{organization_id}/credits/checkout': { scope: 'billing:pay', body: { amount_usd: 10 }, right: 200 },
  'post /account/{organization_id}/lifetime/checkout': { scope: 'billing:pay', body: {}, right: 200 },
  'post /account/{organization_id}/portal': { scope: 'billing:admin', body: {}, right: 409 },
  'get /portal': { scope: 'billing:admin', right: 409 },
  'get /account/{organization_id}/invoices': { scope: 'billing:read', right: 200 },
  'get /invoices': { scope: 'billing:read', right: 200 },
  'get /invoices/{invoice_id}': { scope: 'billing:read', right: 404 },
  'post /invoices/{invoice_id}/pay': { scope: 'billing:pay', body: {}, right: 404 },
  'get /invoices/{invoice_id}/pdf': { scope: 'billing:read', right: 404 },
  'get /invoices/{invoice_id}/download_pdf': { scope: 'billing:read', right: 404 },
  'get /usage': { scope: 'billing:read', right: 200 },
  'get /account/{organization_id}/usage': { scope: 'billing:read', right: 200 },
  'get /credits/usage': { scope: 'billing:read', right: 200 },
  'get /explanations/{id}': { scope: 'billing:read', right: 404 },
  'post /usage/events': {
    scope: 'usage:write',
    body: { meter: 'workflows', quantity: 1, idempotency_key: 'w1' },
    right: 200,
  },
  'get /transactions': { scope: 'billing:read', right: 200 },
  'get /credits/transactions': { scope: 'billing:read', right: 200 },
  'get /credits/balance': { scope: 'billing:read', right: 200 },
  'get /credits/usage/summary': { scope: 'billing:read', right: 200 },
  'get /credits/usage/limits': { scope: 'billing:read', right: 200 },
  'get /credit-packages': { scope: 'billing:read', right: 200 },
  'post /credit-packages/{package_id}/purchase': { scope: 'billing:pay', body: {}, right: 200 },
  'get /payments': { scope: 'billing:read', right: 200 },
  'get /payments/{payment_id}': { scope: 'billing:read', right: 404 },
  'post /payments/manual': {
    scope: 'billing:pay',
    body: { invoice_id: 'in_1', payment_method: 'bank_transfer', transaction_reference: 'TX-1' },
    right: 501,
  },
  'get /payment-methods/available': { scope: 'billing:read', right: 200 },
  'get /payment-methods': { scope: 'billing:read', right: 200 },
  'post /payment-methods': { scope: 'billing:admin', body: { payment_method_id: 'pm_card_visa' }, right: 201 },
  'get /payment-methods/{payment_method_id}': { scope: 'billing:read', right: 404 },
  'put /payment-methods/{payment_method_id}': { scope: 'billing:admin', body: { name: 'Ada' }, right: 404 },
  'patch /payment-methods/{payment_method_id}': { scope: 'billing:admin', body: { name: 'Ada' }, right: 404 },
  'post /payment-methods/{payment_method_id}/set_default': { scope: 'billing:admin', body: {}, right: 404 },
  'delete /payment-methods/{payment_method_id}': { scope: 'billing:admin', right: 404 },
  'get /api-keys': { scope: 'billing:read', right: 200 },
  'get /api-keys/{key_id}': { scope: 'billing:read', right: 404 },
  'post /api-keys': { scope: 'billing:admin', body: { name: 'CI', scopes: ['usage:write'] }, right: 201 },
  'post /api-keys/{key_id}/rotate': { scope: 'billing:admin', body: {}, right: 404 },
  'put /api-keys/{key_id}/budget': { scope: 'billing:admin', body: { limit: '10' }, right: 404 },
  'delete /api-keys/{key_id}': { scope: 'billing:admin', right: 404 },
  'get /events': { scope: 'billing:read', right: 200 },
  'post /webhooks/{provider}': { scope: null, body: {}, right: 400 },
}

/** A route's address, with ids that nobody has. */
function addressOf(path: string): string {
  const ids: Readonly<Record<string, string>> = { organization_id: 'acme', package_id: 'small', provider: 'stripe' }
  return path.replace(/\{(\w+)\}/g, (_, name: string) => ids[name] ?? 'nothing_like_it')
}

/** The owner, but for one scope. */
function without(scope: Scope): Identity {
  return { accountId, scopes: scopes.filter((each) => each !== scope) }
}

describe('routes', () => {
  it('S3.10 each that is registered has a row here, and its scope', () => {
    const registered = world.handler.routes.map(({ method, path, access }) => {
      return [`${method} ${path}`, access === 'public' ? null : access.scope]
    })
    expect(Object.fromEntries(registered)).toEqual(
      Object.fromEntries(Object.entries(routes).map(([name, { scope }]) => [name, scope])),
    )
  })

  for (const [name, { scope, body, right }] of Object.entries(routes)) {
    const [method = '', path = ''] = name.split(' ')
    const ask = (who: string, address = addressOf(path)) =>
      world.ask(method.toUpperCase(), address, body, { authorization: `Bearer ${who}` })

    it(`S3.10 ${name} answers ${right} to whom it may concern, and nothing to others`, async () => {
      const answer = await ask('owner')
      expect(answer, JSON.stringify(answer.body)).toMatchObject({ status: right })
      expect(answer.headers.get('cache-control')).toBe('no-store')
      expect((await ask('owner', `${addressOf(path)}/`)).status).toBe(right)
      if (scope === null) return

      expect(await ask('unknown')).toMatchObject({ status: 401, body: { code: 'unauthenticated' } })
      expect(await ask(`without ${scope}`)).toMatchObject({ status: 403, body: { code: 'forbidden' } })
      const foreign = await ask('stranger')
      if (path.includes('{organization_id}')) {
        const missing = await ask('owner', addressOf(path).replace('/acme', '/nobody'))
        expect(foreign.status).toBe(404)
        expect({ ...foreign.body, request_id: '' }).toEqual({ ...missing.body, request_id: '' })
      } else {
        expect(JSON.stringify(foreign.body)).not.toContain(accountId)
      }
    })
  }

  it('S4.7 one that is not there is not found, and another method says which there are', async () => {
    expect(await world.ask('GET', '/nothing')).toMatchObject({ status: 404, body: { code: 'not_found' } })
    const answer = await world.ask('DELETE', '/invoices')
    expect(answer).toMatchObject({ status: 405, body: { code: 'method_not_allowed' } })
    expect(answer.headers.get('allow')).toBe('GET')
  })

  it('S4.7 none takes an unknown field or an unknown question', async () => {
    for (const [name, { scope, body }] of Object.entries(routes)) {
      const [method = '', path = ''] = name.split(' ')
      if (scope === null) continue
      const strange = { status: 400, body: { code: 'unknown_field' } }
      expect(await world.ask(method.toUpperCase(), `${addressOf(path)}?unknown=1`, body), name).toMatchObject(strange)
      if (body === undefined) continue
      const sent = { ...body, unknown: 1 }
      expect(await world.ask(method.toUpperCase(), addressOf(path), sent), name).toMatchObject(strange)
    }
  })
})
