import { createHmac } from 'node:crypto'
import { BillingError } from 'billfold'
import { createHandler } from 'billfold/http'
import { toNodeListener } from 'billfold/http/node'
import { lagoWebhookTypes } from 'billfold/providers/lago'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type Ask, closeHosts, listening } from '../../http/hosts.js'
import { type MeteringWorld, openMeteringWorld } from './metering-world.js'
import { stores } from './stores.js'

const closing: (() => Promise<void>)[] = []
afterAll(async () => {
  await closeHosts()
  for (const close of closing.splice(0).reverse()) await close()
})

const accountId = 'acct_a'

describe.each(stores)('webhooks of Lago that somebody sends to hurt, on $name', (tested) => {
  let world: MeteringWorld
  let app: ReturnType<MeteringWorld['open']>
  let ask: Ask
  let heard: string[]
  beforeAll(async () => {
    world = await openMeteringWorld(closing)
    app = world.open(await tested.open({ now: world.now }), ['lago'])
    await app.billing.accounts.ensure({ accountId })
    const { externalId } = await app.lago.customers.create({ accountId, email: null, name: null }, {})
    await app.store.accounts.link(accountId, 'lago', externalId)
    heard = []
    app.billing.on('watch', 'payment_method.updated', ({ id }) => void heard.push(id))
    ask = await listening(toNodeListener(createHandler(app.billing, { identify: () => null })))
  })

  const sign = (body: string) => createHmac('sha256', world.box.lago.hmacKey).update(body).digest('base64')
  const send = (body: string, more: Readonly<Record<string, string>> = {}) =>
    ask('/api/billing/webhooks/lago', {
      method: 'POST',
      body,
      headers: {
        ...{ 'content-type': 'application/json', 'x-lago-signature': sign(body) },
        ...{ 'x-lago-signature-algorithm': 'hmac', 'x-lago-unique-key': crypto.randomUUID(), ...more },
      },
    })
  const letter = (type: string, object: object, organization = 'o') =>
    JSON.stringify({ webhook_type: type, object_type: 'thing', organization_id: organization, thing: object })
  /** That a method has changed: each is told once. */
  const news = () => letter('customer.updated', { external_id: accountId })
  const applied = async () => {
    await app.billing.sync.flush()
    return (await app.billing.sync.status()).webhooks
  }
  const answer = async (response: Response) => {
    const { code } = (await response.json()) as { readonly code?: string }
    return [response.status, code]
  }

  it('G7 C4 odd characters in a type or a unique key are refused, and nothing is kept of them', async () => {
    for (const odd of ['a\0b', '\0', 'a\ud800b', '\udc00'])
      expect(await answer(await send(letter(odd, {})))).toEqual([400, 'webhook_payload_invalid'])
    // A server would not let it through, and an app may hand over anything.
    const body = news()
    for (const key of ['a\0b', 'a\ud800b'])
      await expect(
        app.billing.webhooks.handle('lago', {
          rawBody: body,
          headers: { 'x-lago-signature': sign(body), 'x-lago-unique-key': key },
        }),
      ).rejects.toMatchObject({ code: 'webhook_payload_invalid' })
    expect(await applied()).toEqual([])
  })

  it('G7 G8 C4 whatever stands where an id should is the end of its event, of every type', async () => {
    const ids = ['a\0b', 'a\ud800b', '../../organizations', '%00', 'x'.repeat(2_000), '__proto__']
    const names = [
      'lago_id',
      'external_id',
      'external_customer_id',
      'lago_invoice_id',
      'transaction_id',
      'lago_credit_note_id',
    ]
    app.failures.length = 0
    for (const id of ids) {
      const own = Object.fromEntries(names.map((name) => [name, id]))
      const object = { ...own, customer: own, event: own, invoice: own, payment: own, invalid_code: [id] }
      const answers = await Promise.all(lagoWebhookTypes.map((type) => send(letter(type, object))))
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
    }
    await applied()
    // What Lago does not have may be there a moment later: it is asked again, and given up in the end.
    expect(app.failures.filter((error) => !isDone(error)).map(String)).toEqual([])
    expect((await app.billing.verifyLedger()).findings).toEqual([])
  })

  it('G7 C4 of fifty that bear one key at the same time one is applied, and any later one is known', async () => {
    heard.length = 0
    const key = crypto.randomUUID()
    const body = news()
    const answers = await Promise.all(Array.from({ length: 50 }, () => send(body, { 'x-lago-unique-key': key })))
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
    // Another letter under the same key is not another event.
    expect(
      (await send(letter('customer.updated', { external_id: 'other' }), { 'x-lago-unique-key': key })).status,
    ).toBe(200)
    await applied()
    await vi.waitFor(() => expect(heard).toHaveLength(1))
  })

  it('G7 C4 a body of a megabyte, any content type, strangers and other organizations are taken and change nothing', async () => {
    heard.length = 0
    const before = await app.billing.accounts.get({ accountId })
    expect((await send(letter('customer.updated', { external_id: 'x', filler: 'x'.repeat(1_000_000) }))).status).toBe(
      200,
    )
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data', 'nonsense'])
      expect((await send(news(), { 'content-type': type })).status).toBe(200)
    for (const type of lagoWebhookTypes)
      expect((await send(letter(type, { lago_id: 'i', external_id: 'stranger' }, 'another'))).status).toBe(200)
    await applied()
    await vi.waitFor(() => expect(heard).toHaveLength(4))
    expect(app.failures.filter((error) => !isDone(error)).map(String)).toEqual([])
    expect(await app.billing.accounts.get({ accountId })).toEqual(before)
  })

  it('G7 C4 a signature of somebody else, of another body, or none is refused over HTTP', async () => {
    const body = news()
    const other = createHmac('sha256', 'another organization').update(body).digest('base64')
    for (const signature of [other, sign(`${body} `), 'é', 'a.b.c', '='.repeat(9_000)])
      expect(await answer(await send(body, { 'x-lago-signature': signature }))).toEqual([
        400,
        'webhook_signature_invalid',
      ])
  })
})

/** What is said of an event, and is no outage that it would be tried again for. */
function isDone(error: unknown): boolean {
  return BillingError.is(error) && !error.retryable
}
