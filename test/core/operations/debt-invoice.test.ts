import { setTimeout } from 'node:timers/promises'
import { formatSparks } from 'billfold'
import { afterEach, describe, expect, it } from 'vitest'
import { stores } from './stores.js'
import { accountId, openStripeWorld } from './stripe-world.js'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const owed = { accountId, of: 'debt', idempotencyKey: 'i1' } as const

describe.each(stores)('an invoice of debt on $name', (tested) => {
  const start = async () => {
    const world = await openStripeWorld(closing)
    const app = await world.open(await tested.open({ now: world.now }))
    await app.billing.paymentMethods.attach({ accountId, id: 'pm_card_visa', setAsDefault: true })
    let used = 0
    /** 100 Sparks a thousand: a million is 100,000 Sparks, which are 4 dollars. */
    const use = (quantity: number) => {
      used += 1
      return app.billing.recordUsage({ accountId, meter: 'ai_tokens', quantity, idempotencyKey: `u${used}` })
    }
    const balance = async () => formatSparks(await app.sparks())
    return { world, app, use, balance, ...app.billing.invoices }
  }

  it('S4.1 lists what usage was not covered, is made once under its key, and paying it repays the debt once', async () => {
    const { world, app, use, balance, generate, pay } = await start()
    expect(await generate(owed)).toBeNull()
    await app.billing.credits.grant({ accountId, amount: '50000', reason: 'gift', idempotencyKey: 'g' })
    await use(1_000_000)
    await use(1_000)
    await app.billing.credits.adjust({ accountId, amount: '-1000', reason: 'by hand', idempotencyKey: 'a' })
    expect(await balance()).toBe('-51100')
    const invoice = await generate({ ...owed, description: 'October' })
    expect(invoice).toMatchObject({ status: 'open', total: '2.05', currency: 'USD', description: 'October' })
    expect(invoice?.lines.map(({ description, amount }) => [description, amount]).sort()).toEqual([
      ['Credits owed: 1000 Sparks', '0.04'],
      ['Usage of ai_tokens: 50100 Sparks', '2.01'],
    ])
    await use(10_000)
    expect((await generate({ ...owed, description: 'October' }))?.id).toBe(invoice?.id)
    await expect(generate({ ...owed, idempotencyKey: 'i2' })).rejects.toMatchObject({
      code: 'invalid_state',
      details: { invoiceId: invoice?.id },
    })
    expect((await world.client.invoices.list()).data).toHaveLength(1)
    const paying = { accountId, id: invoice?.id ?? '' }
    expect((await pay(paying)).payment).toEqual({ status: 'succeeded' })
    await pay(paying)
    await app.relay()
    await app.relay('invoice.paid')
    expect(await balance()).toBe('-1000')
    const rest = await generate({ ...owed, idempotencyKey: 'i2' })
    // Below the least charge: Stripe adds it to the customer's next invoice.
    expect(rest).toMatchObject({ status: 'paid', total: '0.04' })
    await app.relay('invoice.paid')
    expect(await balance()).toBe('0')
    expect((await app.billing.verifyLedger()).findings).toEqual([])
  })

  it('S4.1 is paid on Stripe’s page or by webhook alone, and taken back with a refund', async () => {
    const { world, app, use, balance, generate } = await start()
    await use(10_000_000)
    const invoice = await generate(owed)
    await world.client.invoices.pay(invoice?.id ?? '')
    await app.relay()
    expect(await balance()).toBe('0')
    const [payment] = (await app.billing.payments.list({ accountId })).items
    expect((await app.billing.reconcile()).differences).toEqual([])
    const refund = { accountId, paymentId: payment?.id ?? '', amount: '10', reason: 'asked', idempotencyKey: 'r' }
    await app.billing.payments.refund(refund)
    await app.relay()
    expect(await balance()).toBe('-250000')
  })

  it('S4.1 that is asked for several times at once, under several keys, is made once', async () => {
    const { world, use, generate } = await start()
    await use(1_000_000)
    const asked = await Promise.allSettled(
      Array.from({ length: 6 }, (_, index) => generate({ ...owed, idempotencyKey: `at-once-${index}` })),
    )
    const made = asked.flatMap((each) => (each.status === 'fulfilled' ? each.value : []))
    expect(made).toHaveLength(1)
    for (const each of asked)
      if (each.status === 'rejected') expect(each.reason).toMatchObject({ code: 'invalid_state' })
    expect((await world.client.invoices.list()).data).toHaveLength(1)
    for (let index = 0; index < 6; index += 1)
      await generate({ ...owed, idempotencyKey: `at-once-${index}` }).catch(() => {})
    expect((await world.client.invoices.list()).data).toHaveLength(1)
  })

  it('S4.1 G1 that is asked for several times at once, under one key, is answered each time, and paid once', async () => {
    const { world, app, use, balance, generate, pay } = await start()
    await use(1_000_000)
    await app.billing.credits.adjust({ accountId, amount: '-50000', reason: 'by hand', idempotencyKey: 'a' })
    const asked = await Promise.all(
      Array.from({ length: 8 }, async (_, place) => {
        // One after another, so that some come while the lines are being made.
        await setTimeout(place * 4)
        return generate(owed)
      }),
    )
    expect(new Set(asked.map((invoice) => `${invoice?.id} ${invoice?.status} ${invoice?.total}`)).size).toBe(1)
    expect(asked[0]).toMatchObject({ status: 'open', total: '6' })
    expect(asked[0]?.lines).toHaveLength(2)
    const id = asked[0]?.id ?? ''
    const paid = await Promise.all(Array.from({ length: 5 }, () => pay({ accountId, id })))
    for (const { invoice, payment } of paid) expect([invoice.status, payment.status]).toEqual(['paid', 'succeeded'])
    expect((await world.client.charges.list()).data).toHaveLength(1)
    expect(await balance()).toBe('0')
  })

  it('S4.1 G1 an invoice of what waits is one under its key, asked for at once or when nothing waits any more', async () => {
    const { world, app, generate } = await start()
    const customer = await app.customerId()
    const item = () => world.client.invoiceItems.create({ customer, currency: 'usd', amount: 500 })
    await item()
    const waiting = { accountId, idempotencyKey: 'w1' }
    const asked = await Promise.all(Array.from({ length: 5 }, () => generate(waiting)))
    const [first] = asked
    expect(first).toMatchObject({ status: 'open', total: '5' })
    expect(new Set(asked.map((invoice) => `${invoice?.id} ${invoice?.status}`)).size).toBe(1)
    expect((await generate(waiting))?.id).toBe(first?.id)
    await item()
    world.advance(26 * 3_600_000)
    expect((await generate(waiting))?.id).toBe(first?.id)
    const paid = await app.billing.invoices.pay({ accountId, id: first?.id ?? '' })
    expect(paid.invoice.status).toBe('paid')
    expect(await generate(waiting)).toMatchObject({ id: first?.id, status: 'paid' })
    expect(await generate({ ...waiting, idempotencyKey: 'w2' })).toMatchObject({ total: '5', status: 'open' })
  })

  it('S4.1 that was voided repays nothing, and another one may be made', async () => {
    const { app, use, balance, generate } = await start()
    await use(1_000_000)
    const first = await generate({ ...owed, finalize: false })
    expect(first?.status).toBe('draft')
    expect((await generate(owed))?.status).toBe('open')
    await app.billing.invoices.void({ accountId, id: first?.id ?? '' })
    await app.relay()
    expect(await balance()).toBe('-100000')
    const second = await generate({ ...owed, idempotencyKey: 'i2' })
    expect(second?.id).not.toBe(first?.id)
    expect(second?.total).toBe('4')
  })

  it('S4.1 G1 is made once, whatever becomes of any of its calls', async () => {
    const { world, app, use, balance, generate, pay } = await start()
    let invoices = 0
    for (const kind of ['status', 'status_after', 'reset_after'] as const)
      for (let skip = 0; skip < 5; skip += 1) {
        await use(1_000_000)
        const request = { ...owed, idempotencyKey: `${kind}_${skip}` }
        world.box.faults.inject({ match: { method: 'POST', pathIncludes: '/v1/' }, kind, status: 500, skip })
        await generate(request).catch(() => {})
        world.box.faults.clear()
        world.advance(26 * 3_600_000)
        await use(1_000)
        const invoice = await generate(request)
        invoices += 1
        expect(invoice?.status, request.idempotencyKey).toBe('open')
        await pay({ accountId, id: invoice?.id ?? '' })
        expect(await balance(), request.idempotencyKey).toBe('-100')
        await app.billing.credits.grant({ accountId, amount: '100', reason: 'even', idempotencyKey: `even${invoices}` })
      }
    expect((await world.client.invoices.list({ limit: 100 })).data).toHaveLength(invoices)
  })

  it('S4.1 refuses what is malformed', async () => {
    const { generate } = await start()
    for (const [change, code] of [
      [{ of: 'all' }, 'invalid_request'],
      [{ accountId: 'acct_none' }, 'not_found'],
      [{ idempotencyKey: undefined }, 'idempotency_key_required'],
      [{ amount: '5' }, 'unknown_field'],
    ] as const)
      await expect(generate({ ...owed, ...change } as never)).rejects.toMatchObject({ code })
  })
})
