import { afterEach, describe, expect, it } from 'vitest'
import { stores } from '../../core/operations/stores.js'
import { openWorld, type World } from '../world.js'

let world: World
afterEach(() => world.close())

describe.each(stores)('webhooks by HTTP on $name', ({ open }) => {
  it('S1.4 with text that not every database holds are refused, or applied to nothing, and those after them are taken', async () => {
    const told: unknown[] = []
    world = await openWorld({ open, onError: (error) => void told.push(error) })
    const send = async (event: object) => {
      const payload = JSON.stringify({ object: 'event', livemode: false, ...event })
      const answer = await world.ask('POST', '/webhooks/stripe', payload, { 'stripe-signature': world.sign(payload) })
      return [answer.status, answer.body.code ?? answer.body.received]
    }
    const object = { id: 'cs_1', metadata: { account_id: 'acme' } }
    const type = 'checkout.session.completed'
    for (const odd of ['\0', 'a\0b', '\ud800', 'a\udfff'])
      for (const event of [
        { id: `evt_${odd}`, type, data: { object } },
        { id: 'evt_1', type: `${type}${odd}`, data: { object } },
      ])
        expect(await send(event), JSON.stringify(event)).toEqual([400, 'webhook_payload_invalid'])
    const types = ['checkout.session.completed', 'customer.deleted', 'invoice.paid']
    let count = 0
    for (const odd of ['a\0b', '\ud800'])
      for (const of of types) {
        count += 1
        const fields = {
          customer: odd,
          subscription: odd,
          payment_intent: odd,
          metadata: { account_id: odd, [odd]: odd },
        }
        expect(await send({ id: `evt_${count}`, type: of, data: { object: { id: odd, ...fields } } })).toEqual([
          200,
          true,
        ])
      }
    await world.billing.sync.run({ once: true })
    expect(await send({ id: 'evt_good', type: 'customer.updated', data: { object: { id: 'cus_1' } } })).toEqual([
      200,
      true,
    ])
    await world.billing.sync.run({ once: true })
    expect(told).toEqual([])
    expect((await world.billing.sync.status()).webhooks).toEqual([{ status: 'dead', count }])
  })

  it('S1.4 a delivery is settled whatever its handler says of its failure', async () => {
    world = await openWorld({ open })
    const { billing } = world
    const fail = async () => {
      throw new Error('a\0b \ud800')
    }
    billing.on('mail', 'credit.granted', fail, { retry: () => null })
    await billing.credits.grant({ accountId: 'acme', amount: 1, reason: 'test', idempotencyKey: 'g' })
    await billing.sync.run({ once: true })
    expect((await billing.sync.status()).deliveries).toMatchObject([
      { destination: 'consumer:mail', status: 'parked', count: 1 },
    ])
  })
})
