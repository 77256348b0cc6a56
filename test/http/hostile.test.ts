import type { BillingError } from 'billfold'
import { createAdminHandler, createHandler, type HandlerOptions, type Identity } from 'billfold/http'
import { toNodeListener } from 'billfold/http/node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { closeHosts, hosts, listening } from './hosts.js'
import { accountId, openWorld, scopes, site, type World } from './world.js'

let world: World
beforeAll(async () => {
  world = await openWorld()
})
afterAll(async () => {
  await closeHosts()
  await world.close()
})

const owner: Identity = { accountId, scopes }
const jsonType = { 'content-type': 'application/json' }

/** A handler of the owner's with these options, how it is asked, and what its app heard of. */
function asked(options: Partial<HandlerOptions> = {}) {
  const heard: unknown[] = []
  const handler = createHandler(world.billing, {
    identify: () => owner,
    onError: (error) => heard.push(error),
    ...options,
  })
  const ask = (path: string, init: RequestInit = {}) => handler(new Request(`${site}${path}`, init))
  return { handler, heard, ask }
}

const codeOf = async (answer: Response) => ((await answer.json()) as { code: string }).code

describe('a hostile client', () => {
  it('S4.7 gets a request id and the headers of safety with every answer, wherever it asks', async () => {
    const { ask } = asked()
    for (const path of ['/elsewhere', '/api/billinx/health', '/api/billing/x%2fy', '/api/billing/../health']) {
      const answer = await ask(path)
      expect([path, answer.status]).toEqual([path, 404])
      const { request_id: id } = (await answer.json()) as { request_id: string }
      expect(id).toMatch(/^[\da-f-]{36}$/)
      expect(Object.fromEntries(answer.headers)).toMatchObject({
        'x-request-id': id,
        'cache-control': 'no-store',
        'x-content-type-options': 'nosniff',
      })
    }
  })

  it('S4.7 holds no stream open by HEAD, which has no body', async () => {
    const { ask } = asked({ eventStreams: { maximumPerAccount: 1 } })
    for (let times = 0; times < 3; times += 1)
      expect((await ask('/api/billing/events', { method: 'HEAD' })).status).toBe(200)
    const stream = await ask('/api/billing/events')
    expect(stream.status).toBe(200)
    await stream.body?.cancel()
    expect((await ask('/api/billing/costs/export', { method: 'HEAD' })).headers.get('content-type')).toContain('csv')
  })

  it('S9 a password that browsers send by themselves is no token: its writes are taken from pages of this site alone', async () => {
    const { ask } = asked()
    const cancel = (headers: Record<string, string>) =>
      ask('/api/billing/subscription/cancel', { method: 'POST', headers })
    for (const authorization of ['Basic YTpi', 'basic YTpi', 'Negotiate abc', 'Digest username="a"']) {
      const forged = await cancel({ authorization, origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' })
      expect([authorization, await codeOf(forged)]).toEqual([authorization, 'csrf_failed'])
    }
    expect(await codeOf(await cancel({ authorization: 'Basic YTpi', origin: site }))).toBe('not_found')
    expect(await codeOf(await cancel({ authorization: 'Bearer x' }))).toBe('not_found')
  })

  it('S5 says nothing twice, which something before this may have read another way', async () => {
    const { ask } = asked({ identify: () => ({ ...owner, by: 'token' }) })
    const send = async (fields: string) => {
      const body = `{"meter":"workflows","quantity":1,"idempotency_key":"k"${fields}}`
      return codeOf(await ask('/api/billing/usage/events', { method: 'POST', headers: jsonType, body }))
    }
    const wide = ' '.repeat(50)
    for (const twice of [
      ',"quantity":2',
      `,"quantity"${wide}:2`,
      ',"q\\u0075antity":2',
      ',"dimensions":{"a":"b","a":"c"}',
    ])
      expect([twice, await send(twice)]).toEqual([twice, 'invalid_json'])
    // Only a name is said twice, and only in one object.
    const values = ',"dimensions":{"meter":"quantity","a\\"b":"a","b":"a"}'
    expect(await send(`${values},"unknown":[{"a":1},{"a":1}]`)).toBe('unknown_field')
    expect(await send(values)).toBeUndefined()
  })

  it('S7 that leaves while it sends is nobody’s failure, whether it had said how much was to come or not', async () => {
    const { ask, heard } = asked()
    for (const path of ['/api/billing/usage/events', '/api/billing/webhooks/stripe'])
      for (const announced of [{}, { 'content-length': '500' }]) {
        const begun = [new TextEncoder().encode('{"meter":')]
        const body = new ReadableStream<Uint8Array>({
          pull(controller) {
            const piece = begun.shift()
            if (piece) controller.enqueue(piece)
            else controller.error(new Error('aborted'))
          },
        })
        const headers = { ...jsonType, ...announced, authorization: 'Bearer t' }
        const answer = await ask(path, { method: 'POST', headers, body, duplex: 'half' } as RequestInit)
        expect([answer.status, await codeOf(answer)]).toEqual([400, 'invalid_request'])
      }
    expect(heard).toEqual([])
  })

  it('S7 cannot keep a request open by a body that does not end', async () => {
    const { ask } = asked({ maximumBodySeconds: 0.05 })
    for (const path of ['/api/billing/usage/events', '/api/billing/webhooks/stripe']) {
      let isCancelled = false
      const body = new ReadableStream({
        start: (controller) => controller.enqueue(new TextEncoder().encode('{')),
        cancel() {
          isCancelled = true
        },
      })
      const init = { method: 'POST', headers: { ...jsonType, authorization: 'Bearer x' }, body, duplex: 'half' }
      const answer = await ask(path, init as RequestInit)
      expect([answer.status, await codeOf(answer), isCancelled]).toEqual([408, 'request_timeout', true])
    }
  })
})

describe('a careless app', () => {
  it('B286 is not let in by an identify that throws, whatever it throws, and hears of it', async () => {
    for (const thrown of [new Error('secret of the session'), 'text', null, new Response('in')]) {
      const { ask, heard } = asked({
        identify: () => {
          throw thrown
        },
      })
      const answer = await ask('/api/billing/account')
      expect([answer.status, await answer.text()]).toEqual([401, expect.not.stringContaining('secret')])
      expect(heard).toEqual([thrown])
    }
    const admin = createAdminHandler(world.billing, {
      identify: () => Promise.reject('text'),
      onError: () => undefined,
    })
    expect((await admin(new Request(`${site}/api/billing-admin/sync`))).status).toBe(401)
  })

  it('S4.7 hears of whatever else is thrown, and its caller is answered', async () => {
    const { ask, heard } = asked({
      rateLimits: {
        address: { requests: 1, seconds: 1 },
        addressOf: () => {
          throw 'text'
        },
      },
    })
    const answer = await ask('/api/billing/config')
    expect([answer.status, await codeOf(answer)]).toEqual([500, 'internal_error'])
    expect(heard).toMatchObject([{ cause: 'text' }])
  })

  it('S3.10 grants no account called by a letter where it names others as text', async () => {
    const { ask } = asked({ identify: () => ({ ...owner, organizationIds: 'acme' as never }) })
    expect((await ask('/api/billing/account/a')).status).toBe(401)
  })

  it('S4.1 may write its path with a slash at the end, or as nothing, and no pattern of several', async () => {
    for (const [basePath, path] of [
      ['/pay/', '/pay/config'],
      ['/', '/config'],
      ['', '/config'],
    ] as const) {
      const { handler } = asked({ basePath })
      const ask = await (hosts.express as (typeof hosts)[string])(handler)
      expect([basePath, (await ask(path)).status]).toEqual([basePath, 200])
    }
    for (const basePath of ['pay', '/:tenant', '/*', '/a b', '//pay', '/a/../b', 'https://app.example/pay'])
      expect(() => asked({ basePath }), basePath).toThrow(TypeError)
  })

  it('law 7 hears loudly of a body that something else has read, and how that is mended', async () => {
    const { handler, heard } = asked()
    const fix = { code: 'config_invalid', message: expect.stringContaining('request.clone()') } as Partial<BillingError>
    for (const path of ['usage/events', 'webhooks/stripe']) {
      const request = new Request(`${site}/api/billing/${path}`, {
        ...{ method: 'POST', body: '{}', headers: { ...jsonType, authorization: 'Bearer x' } },
      })
      await request.text()
      expect((await handler(request)).status).toBe(500)
      expect(heard.splice(0)).toMatchObject([fix])
    }
    const listen = toNodeListener(handler)
    const server: Parameters<typeof listening>[0] = async (request, response) => {
      for await (const _ of request);
      await listen(request, response)
    }
    const ask = await listening(server)
    const answer = await ask('/api/billing/webhooks/stripe', { method: 'POST', headers: jsonType, body: '{"a":1}' })
    expect([answer.status, heard]).toMatchObject([500, [fix]])
  })
})
