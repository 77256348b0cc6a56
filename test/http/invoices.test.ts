import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { accountId, openWorld, type World } from './world.js'

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
})
