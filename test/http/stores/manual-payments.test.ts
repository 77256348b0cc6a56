import { createBilling, defineCatalog, parseSparks } from 'billfold'
import { createAdminHandler, createHandler, type OperatorScope } from 'billfold/http'
import { manualProvider } from 'billfold/providers/manual'
import { afterEach, describe, expect, it } from 'vitest'
import { createClock } from '../../core/operations/setting.js'
import { stores, type TestedStore } from '../../core/operations/stores.js'

const site = 'https://app.example'
const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

/** An app that sells by bank transfer, with its customers' handler and its operators'. */
async function openShop(tested: TestedStore) {
  const { now } = createClock()
  const store = await tested.open({ now })
  const billing = createBilling({
    catalog: defineCatalog({ packages: { starter: { price: '20', sparks: '500000' } } }),
    store,
    providers: { default: manualProvider({ store, instructions: () => 'Transfer it to DE02…', now }) },
    redirects: { allowedOrigins: [site] },
    environment: { now },
  })
  closing.push(() => billing.close())
  for (const accountId of ['acme', 'other']) await billing.accounts.ensure({ accountId })
  const operator = { operatorId: 'ada', by: 'token' } as const
  const rights: readonly OperatorScope[] = ['accounts:read', 'payments:write', 'audit:read']
  const handlers = [
    createHandler(billing, {
      identify: (request) => ({
        accountId: request.headers.get('authorization') ?? '',
        scopes: ['billing:read', 'billing:pay'],
      }),
      returnUrls: { success: `${site}/ok`, cancel: `${site}/no` },
    }),
    createAdminHandler(billing, { identify: () => ({ ...operator, scopes: rights }) }),
  ] as const
  const ask = async (at: 0 | 1, method: string, path: string, body?: object, who = 'acme') => {
    const response = await handlers[at](
      new Request(`${site}${handlers[at].basePath}${path}`, {
        method,
        headers: { authorization: who, 'content-type': 'application/json' },
        ...(body ? { body: JSON.stringify(body) } : {}),
      }),
    )
    return { status: response.status, body: await response.json() }
  }
  const customer = (method: string, path: string, body?: object, who?: string) => ask(0, method, path, body, who)
  const operate = (method: string, path: string, body?: object) => ask(1, method, path, body)
  /** Buys the package and answers its invoice. */
  async function buy(): Promise<string> {
    const bought = await customer('POST', '/credit-packages/starter/purchase/', {})
    expect(bought, JSON.stringify(bought.body)).toMatchObject({ status: 200 })
    const { body } = await customer('GET', '/invoices/')
    return body.results[0].id
  }
  return { billing, customer, operate, buy }
}

describe.each(stores)('manual payments by HTTP on $name', (tested) => {
  it('S3.4 wait for an operator, who approves what has come; what was sold is given once', async () => {
    const { billing, customer, operate, buy } = await openShop(tested)
    const invoice = await buy()
    const good = { invoice_id: invoice, payment_method: 'bank_transfer', transaction_reference: 'TX-1' }
    for (const name of Object.keys(good)) {
      const { [name as keyof typeof good]: _, ...partial } = good
      const answer = await customer('POST', '/payments/manual/', partial)
      expect(answer).toMatchObject({ status: 400, body: { code: 'invalid_request', errors: [{ field: name }] } })
      expect(answer.body.detail).toContain(name)
    }
    const foreign = await customer('POST', '/payments/manual/', good, 'other')
    expect(foreign).toMatchObject({ status: 404, body: { code: 'not_found' } })

    const submitted = await customer('POST', '/payments/manual/', good)
    expect(submitted).toMatchObject({
      status: 201,
      body: { status: 'pending_approval', invoice_id: invoice, amount: 20 },
    })
    const { id } = submitted.body
    expect((await customer('POST', '/payments/manual/', good)).body.id).toBe(id)
    expect((await customer('GET', '/payments/?status=pending_approval')).body.results).toMatchObject([{ id }])
    expect((await operate('GET', '/accounts/acme/payments?status=pending_approval')).body.results).toMatchObject([
      { id },
    ])
    const waiting = async () => (await operate('GET', '/payments/waiting')).body.results
    expect(await waiting()).toMatchObject([{ id, account: 'acme', status: 'pending_approval', amount: 20 }])
    expect(await operate('POST', `/accounts/other/payments/${id}/approve`, {})).toMatchObject({ status: 404 })
    expect((await billing.credits.balance({ accountId: 'acme' })).balance).toBe(0n)

    for (const _ of [1, 2])
      expect(await operate('POST', `/accounts/acme/payments/${id}/approve`, {})).toMatchObject({
        status: 200,
        body: { status: 'succeeded' },
      })
    expect(await waiting()).toEqual([])
    expect((await billing.credits.balance({ accountId: 'acme' })).balance).toBe(parseSparks('500000'))
    expect((await customer('GET', `/invoices/${invoice}/`)).body).toMatchObject({ status: 'paid' })
    const late = await customer('POST', '/payments/manual/', { ...good, transaction_reference: 'TX-2' })
    expect(late).toMatchObject({ status: 400, body: { code: 'invalid_request' } })
    expect((await operate('GET', '/audit?account=acme')).body.results).toMatchObject([
      { actor: 'ada', action: 'payment.approve', outcome: 'done', facts: { payment_id: id } },
      { action: 'payment.approve', outcome: 'done' },
    ])
  })

  it('S3.4 that have not come are rejected, and their invoice stays open', async () => {
    const { billing, customer, operate, buy } = await openShop(tested)
    const invoice = await buy()
    const submitted = await customer('POST', '/payments/manual/', {
      ...{ invoice_id: invoice, payment_method: 'bank_transfer', transaction_reference: 'TX-1' },
    })
    const path = `/accounts/acme/payments/${submitted.body.id}`
    expect(await operate('POST', `${path}/reject`, {})).toMatchObject({
      status: 400,
      body: { code: 'invalid_request' },
    })
    expect(await operate('POST', `${path}/reject`, { reason: 'nothing came' })).toMatchObject({
      status: 200,
      body: { status: 'failed' },
    })
    expect((await operate('GET', '/payments/waiting')).body).toMatchObject({ results: [], next: null })
    expect(await operate('POST', `${path}/approve`, {})).toMatchObject({ status: 409, body: { code: 'invalid_state' } })
    expect((await customer('GET', `/invoices/${invoice}/`)).body).toMatchObject({ status: 'open' })
    expect((await billing.credits.balance({ accountId: 'acme' })).balance).toBe(0n)
  })
})
