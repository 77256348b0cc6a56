import { toExpress } from 'billfold/http/express'
import express from 'express'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { closeHosts, hosts, listening } from './hosts.js'
import { openWorld, type World } from './world.js'

let world: World
beforeEach(async () => {
  world = await openWorld()
})
afterEach(async () => {
  await closeHosts()
  await world.close()
})

const owner = { authorization: 'Bearer owner' }
const jsonType = { 'content-type': 'application/json' }

describe('a handler', () => {
  for (const [name, host] of Object.entries(hosts)) {
    it(`C7 S4.1 answers in ${name} what it answers by itself`, async () => {
      const ask = await host(world.handler)
      const own = await world.ask('GET', '/credits/balance')
      const answer = await ask('/api/billing/credits/balance', { headers: owner })
      expect(answer.status).toBe(200)
      expect(await answer.json()).toEqual(own.body)
      expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'")

      const event = { meter: 'workflows', quantity: 2, idempotency_key: name.replaceAll(' ', '_') }
      const init = { method: 'POST', headers: { ...owner, ...jsonType }, body: JSON.stringify(event) }
      expect(await (await ask('/api/billing/usage/events', init)).json()).toMatchObject({ status: 'recorded' })
      expect(await (await ask('/api/billing/usage/events', init)).json()).toMatchObject({ status: 'duplicate' })
      expect((await ask('/api/billing/nothing', { headers: owner })).status).toBe(404)
      expect((await ask('/api/billing/account/acme', {})).status).toBe(401)
    })

    it(`law 7 a webhook reaches it in ${name} byte for byte`, async () => {
      const ask = await host(world.handler)
      const payload =
        '{ "id": "evt_1",  "type": "some.future.event", "data": { "object": { "id": "x", "note": "ünïcode" } } }'
      const signature = world.sign(payload)
      const send = (body: string) => {
        const headers = { ...jsonType, 'stripe-signature': signature }
        return ask('/api/billing/webhooks/stripe', { method: 'POST', headers, body })
      }
      const taken = await send(payload)
      expect([taken.status, await taken.json()]).toEqual([200, { received: true }])
      const changed = await send(payload.replace('  ', ' '))
      expect(changed.status).toBe(400)
      expect(await changed.json()).toMatchObject({
        code: 'webhook_signature_invalid',
        detail: 'The webhook was not taken.',
      })
    })
  }

  it('C7 leaves to Express and Fastify what is theirs, and how they parse it', async () => {
    for (const name of ['express', 'fastify']) {
      const ask = await (hosts[name] as (typeof hosts)[string])(world.handler)
      const answer = await ask('/own', { method: 'POST', headers: jsonType, body: '{"a":1}' })
      expect(await answer.json()).toEqual({ a: 1 })
    }
  })

  it('law 7 a body that Express has parsed before is a loud error that names the fix', async () => {
    const app = express()
    let heard: unknown
    app.use(express.json())
    app.use(toExpress(world.handler))
    app.use(((error, _request, response, _next) => {
      heard = error
      response.sendStatus(500)
    }) satisfies express.ErrorRequestHandler)
    const ask = await listening(app)
    const answer = await ask('/api/billing/webhooks/stripe', {
      method: 'POST',
      headers: jsonType,
      body: '{"id":"evt"}',
    })
    expect(answer.status).toBe(500)
    expect(heard).toMatchObject({
      code: 'config_invalid',
      message: expect.stringContaining('before app.use(express.json())'),
    })
    expect((await ask('/api/billing/config')).status).toBe(200)
  })
})
