import Stripe from 'stripe'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Sandbox, sandbox } from '../../src/testing/sandbox/sandbox.js'
import { stripeClient } from '../providers/sandboxed.js'
import { receiveWebhooks, type WebhookReceiver } from './webhook-receiver.js'

let box: Sandbox
let stripe: Stripe
let receiver: WebhookReceiver

beforeEach(async () => {
  box = await sandbox()
  stripe = stripeClient(box)
  receiver = await receiveWebhooks()
})
afterEach(async () => {
  await box.close()
  await receiver.close()
})

describe('webhooks by hand', () => {
  beforeEach(async () => {
    await stripe.webhookEndpoints.create({ url: receiver.url, enabled_events: ['*'] })
  })

  it('G8 are held, then sent in the order given, repeated and dropped', async () => {
    box.webhooks.hold()
    const names = ['a', 'b', 'c', 'd']
    for (const name of names) await stripe.customers.create({ name })
    await box.flushWebhooks()
    expect(receiver.received).toEqual([])
    const [a, b, c, d] = box.webhooks.emitted().map(({ id }) => id) as [string, string, string, string]
    expect(box.webhooks.emitted().map(({ deliveries }) => deliveries[0]?.state)).toEqual([
      'held',
      'held',
      'held',
      'held',
    ])
    expect(await box.webhooks.deliver([c, a, c, a])).toEqual([200, 200, 200, 200])
    expect(receiver.received.map(nameOf)).toEqual(['c', 'a', 'c', 'a'])
    box.webhooks.drop([d])
    box.webhooks.release()
    await box.flushWebhooks()
    expect(receiver.received.map(nameOf)).toEqual(['c', 'a', 'c', 'a', 'b'])
    expect(box.webhooks.emitted().find(({ id }) => id === d)?.deliveries[0]?.state).toBe('dropped')
    expect(await box.webhooks.deliver([b, d])).toEqual([200, 200])
  })

  it('G8 of some types only are held', async () => {
    box.webhooks.hold(['customer.created'])
    const { id } = await stripe.customers.create({ name: 'a' })
    await stripe.customers.update(id, { name: 'b' })
    await box.flushWebhooks()
    expect(receiver.received.map(typeOf)).toEqual(['customer.updated'])
  })

  it('G8 come late by the sandbox clock', async () => {
    box.webhooks.delay(60_000)
    await stripe.customers.create({ name: 'a' })
    await box.flushWebhooks()
    expect(receiver.received).toEqual([])
    box.advance(60_000)
    await box.flushWebhooks()
    expect(receiver.received.map(typeOf)).toEqual(['customer.created'])
  })

  it('G8 are steered over HTTP as well', async () => {
    const post = async (path: string, body: unknown) => {
      const answer = await fetch(`${box.url}/_sandbox/webhooks/${path}`, { method: 'POST', body: JSON.stringify(body) })
      return (await answer.json()) as unknown
    }
    await post('hold', {})
    await stripe.customers.create({ name: 'a' })
    const id = box.webhooks.emitted()[0]?.id ?? ''
    expect(await post('deliver', { events: [id, id] })).toEqual({ statuses: [200, 200] })
    await post('drop', { events: [id] })
    await post('release', {})
    await post(`${id}/resend`, {})
    await box.flushWebhooks()
    expect(receiver.received).toHaveLength(3)
  })

  it('G8 tell how each attempt went', async () => {
    receiver.answers.push(500)
    box.webhooks.hold()
    await stripe.customers.create({ name: 'a' })
    const id = box.webhooks.emitted()[0]?.id ?? ''
    expect(await box.webhooks.deliver([id])).toEqual([500])
    expect(await box.webhooks.deliver([id])).toEqual([200])
    expect(box.webhooks.emitted()[0]?.deliveries[0]).toMatchObject({
      state: 'delivered',
      attempts: [{ status: 500 }, { status: 200 }],
    })
  })
})

describe('event destinations', () => {
  it('S4.1 take thin events, which the other parser reads and which are fetched whole', async () => {
    const made = await stripe.v2.core.eventDestinations.create({
      name: 'app',
      type: 'webhook_endpoint',
      event_payload: 'thin',
      enabled_events: ['v2.core.event_destination.ping'],
      webhook_endpoint: { url: receiver.url },
      include: ['webhook_endpoint.signing_secret'],
    })
    const secret = made.webhook_endpoint?.signing_secret ?? ''
    await stripe.v2.core.eventDestinations.ping(made.id)
    await box.flushWebhooks()
    const [first] = receiver.received
    expect(receiver.received).toHaveLength(1)
    expect(() => stripe.webhooks.constructEvent(first?.body ?? '', first?.signature ?? '', secret)).toThrow()
    const notification = stripe.parseEventNotification(first?.body ?? '', first?.signature ?? '', secret)
    expect(notification.type).toBe('v2.core.event_destination.ping')
    expect(first?.body).not.toContain('"data"')
    expect(await stripe.v2.core.events.retrieve(notification.id)).toMatchObject({ object: 'v2.core.event', data: {} })
    expect((await stripe.v2.core.events.list({ object_id: made.id })).data).toHaveLength(1)
  })

  it('S4.1 take snapshots too, are listed page by page, turned off and removed', async () => {
    const ids: string[] = []
    for (const name of ['one', 'two', 'three']) {
      const made = await stripe.v2.core.eventDestinations.create({
        name,
        type: 'webhook_endpoint',
        event_payload: 'snapshot',
        enabled_events: ['customer.created'],
        webhook_endpoint: { url: receiver.url },
      })
      expect(made).not.toHaveProperty('webhook_endpoint')
      ids.push(made.id)
    }
    const listed: string[] = []
    for await (const each of stripe.v2.core.eventDestinations.list({ limit: 2 })) listed.push(each.id)
    expect(listed).toEqual([...ids].reverse())
    await stripe.v2.core.eventDestinations.disable(ids[0] ?? '')
    await stripe.v2.core.eventDestinations.del(ids[1] ?? '')
    await stripe.customers.create({})
    await box.flushWebhooks()
    expect(receiver.received.map(typeOf)).toEqual(['customer.created'])
    await expect(stripe.v2.core.eventDestinations.retrieve(ids[1] ?? '')).rejects.toBeInstanceOf(
      Stripe.errors.StripeError,
    )
  })
})

function typeOf({ body }: { readonly body: string }): string {
  return (JSON.parse(body) as { type: string }).type
}

function nameOf({ body }: { readonly body: string }): string {
  return (JSON.parse(body) as { data: { object: { name: string } } }).data.object.name
}
