import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { accountId, openWorld, site, type World } from './world.js'

const pages = { successUrl: `${site}/paid`, cancelUrl: `${site}/not-paid` }

let world: World
beforeEach(async () => {
  world = await openWorld()
})
afterEach(() => world.close())

describe('invoices by HTTP', () => {
  it('S4.1 S0.1 an account without any has an empty list', async () => {
    expect(await world.ask('GET', `/account/${accountId}/invoices`)).toMatchObject({ status: 200, body: [] })
    expect(await world.ask('GET', '/invoices/')).toMatchObject({
      status: 200,
      body: { results: [], next: null, previous: null },
    })
  })

  it('S4.1 S4.2 S0.1 S0.3 one of debt is made, listed by its status, looked at, and paid', async () => {
    const { billing, ask } = world
    await billing.recordUsage({ accountId, meter: 'ai_tokens', costUsd: '10', quantity: 1_000, idempotencyKey: 'u' })
    const made = await ask(
      'POST',
      `/account/${accountId}/invoices/generate`,
      { of: 'debt' },
      { 'idempotency-key': 'g' },
    )
    expect(made).toMatchObject({ status: 200, body: { status: 'open', total: 12, amount_due: 12, currency: 'USD' } })
    const { id } = made.body
    const again = await ask(
      'POST',
      `/account/${accountId}/invoices/generate`,
      { of: 'debt' },
      { 'idempotency-key': 'g' },
    )
    expect(again.body.id).toBe(id)
    expect((await ask('GET', `/account/${accountId}/invoices?status=open`)).body).toHaveLength(1)
    expect((await ask('GET', `/account/${accountId}/invoices?status=paid`)).body).toEqual([])
    expect((await ask('GET', `/account/${accountId}/invoices?status=finalized`)).status).toBe(400)
    expect((await ask('GET', `/invoices/${id}`)).body).toMatchObject({
      id,
      stripe_invoice_id: id,
      actions: ['pay', 'download', 'void'],
    })
    expect(await ask('POST', `/invoices/${id}/pay`)).toMatchObject({ status: 200, body: { status: 'past_due' } })
  })

  it('S3.11 S3.10 usage and other changes of the balance say how they came about; what else has an id does not', async () => {
    const { billing, ask } = world
    const given = { accountId, amount: '200', reason: 'Welcome', idempotencyKey: 'g' }
    await billing.credits.grant(given)
    const tokens = { input: 1_000, output: 500 }
    const asked = { accountId, meter: 'ai_tokens', model: 'gpt-4o', tokens, idempotencyKey: 'u' } as const
    const { id } = await billing.recordUsage(asked)
    const { body } = await ask('GET', `/explanations/${id}`)
    expect(body).toMatchObject({
      kind: 'usage',
      meter: 'ai_tokens',
      model: 'gpt-4o',
      cost: {
        amount: '0.0075',
        currency: 'USD',
        pools: [
          { pool: 'input', count: 1_000 },
          { pool: 'output', count: 500 },
        ],
      },
      rating: { mode: 'by_cost', by_cost: { margin: '1.2', spark_price: '0.00004', sparks: '225' }, by_units: null },
      sparks: '225',
      settled_by: { credits: '200', debt: '25' },
      balance_before: '200',
      balance_after: '-25',
      burns: [{ kind: 'promotional', reason: 'Welcome', sparks: '200' }],
      corrections: [],
      agrees: true,
    })
    const { results } = (await ask('GET', '/credits/transactions')).body
    const entry = await ask('GET', `/explanations/${results[1].id}`)
    expect(entry.body).toMatchObject({
      kind: 'grant',
      cause: 'hand',
      amount: '200',
      remaining: '0',
      burned_by: [{ id, transaction_type: 'usage', sparks: '200' }],
      agrees: true,
    })
    const foreign = await ask('GET', `/explanations/${id}`, undefined, { authorization: 'Bearer stranger' })
    expect(foreign).toMatchObject({ status: 404, body: { code: 'not_found' } })
    // Sales, deliveries and events are explained to operators.
    const page = await billing.createCheckout({ accountId, kind: 'credits', amount: '5', ...pages })
    expect((await ask('GET', `/explanations/${page.id}`)).status).toBe(404)
  })

  it('S3.8 usage is listed by what paid a part of it', async () => {
    const { billing, ask } = world
    await billing.recordUsage({ accountId, meter: 'workflows', quantity: 1, idempotencyKey: 'w' })
    await billing.recordUsage({ accountId, meter: 'ai_tokens', costUsd: '1', quantity: 1, idempotencyKey: 't' })
    const listed = async (payer: string) => {
      const { results } = (await ask('GET', `/credits/usage?settled_by=${payer}`)).body
      return results.map(({ usage_type }: { usage_type: string }) => usage_type)
    }
    expect([await listed('allowance'), await listed('debt'), await listed('meter:stripe')]).toEqual([
      ['workflows'],
      ['ai_tokens'],
      [],
    ])
  })
})
