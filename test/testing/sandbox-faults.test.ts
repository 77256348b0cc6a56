import { readdirSync, readFileSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { join } from 'node:path'
import { LangfuseClient } from '@langfuse/client'
import type { RequestHandler } from 'msw'
import { setupServer } from 'msw/node'
import Stripe from 'stripe'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Sandbox, sandbox } from '../../src/testing/sandbox/sandbox.js'

let box: Sandbox
let stripe: Stripe

beforeEach(async () => {
  box = await sandbox()
  const { apiKey, ...address } = box.stripe
  stripe = new Stripe(apiKey, { ...address, telemetry: false, maxNetworkRetries: 0, timeout: 500 })
})
afterEach(() => box.close())

const onCustomers = { method: 'POST', pathIncludes: '/v1/customers' }
const names = async () => (await stripe.customers.list()).data.map(({ name }) => name)

describe('faults', () => {
  it('C4 cuts the connection before anything was done', async () => {
    box.faults.inject({ match: onCustomers, kind: 'reset_before', times: 2 })
    await expect(stripe.customers.create({ name: 'a' })).rejects.toBeInstanceOf(Stripe.errors.StripeConnectionError)
    expect(await names()).toEqual([])
  })

  it('C4 cuts the connection after the work was done; the same key then finds the object', async () => {
    // Twice, because the SDK tries a reset connection once more whatever its settings.
    box.faults.inject({ match: onCustomers, kind: 'reset_after', times: 2 })
    const create = () => stripe.customers.create({ name: 'a' }, { idempotencyKey: 'k1' })
    await expect(create()).rejects.toBeInstanceOf(Stripe.errors.StripeConnectionError)
    expect(await names()).toEqual(['a'])
    await create()
    expect(await names()).toEqual(['a'])
  })

  it('C4 answers a status with headers instead of working, on the request that was meant', async () => {
    box.faults.inject({ match: onCustomers, kind: 'status', status: 429, headers: { 'retry-after': '3' }, skip: 1 })
    await stripe.customers.create({ name: 'first' })
    await expect(stripe.customers.create({ name: 'second' })).rejects.toMatchObject({
      statusCode: 429,
      headers: expect.objectContaining({ 'retry-after': '3' }),
    })
    await stripe.customers.create({ name: 'third' })
    expect(await names()).toEqual(['third', 'first'])
  })

  it('C4 can fail after the work was done', async () => {
    box.faults.inject({ match: onCustomers, kind: 'status_after', status: 500 })
    await expect(stripe.customers.create({ name: 'a' })).rejects.toMatchObject({ statusCode: 500 })
    expect(await names()).toEqual(['a'])
  })

  it('C4 hangs, lets the same key try again, and can still close', async () => {
    box.faults.inject({ match: onCustomers, kind: 'hang' })
    const create = () => stripe.customers.create({ name: 'a' }, { idempotencyKey: 'k1' })
    await expect(create()).rejects.toBeInstanceOf(Stripe.errors.StripeConnectionError)
    await create()
    expect(await names()).toEqual(['a'])
  })

  it('C4 takes faults and clock over HTTP too', async () => {
    const control = (method: string, path: string, body?: unknown) =>
      fetch(`${box.url}/_sandbox/${path}`, { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) })
    expect((await control('POST', 'faults', { match: onCustomers, kind: 'status', status: 503 })).status).toBe(201)
    expect((await control('POST', 'faults', { kind: 'nonsense' })).status).toBe(400)
    await control('DELETE', 'faults')
    await stripe.customers.create({})
    const { nowMs } = (await (await control('POST', 'clock', { advanceMs: 3_600_000 })).json()) as { nowMs: number }
    expect(nowMs).toBeGreaterThan(Date.now() + 3_500_000)
    expect(await (await control('GET', 'langfuse/traces')).json()).toEqual({
      exports: 0,
      traces: 0,
      observations: 0,
      scores: 0,
    })
    expect((await control('GET', 'nothing')).status).toBe(404)
  })
})

describe('who may talk to it', () => {
  it('C4 refuses other host names and forms posted from elsewhere', async () => {
    const statusWith = (headers: Record<string, string>) =>
      new Promise<number | undefined>((resolve, reject) => {
        const sent = httpRequest(`${box.url}/_sandbox/faults`, { method: 'DELETE', headers }, (answer) => {
          answer.resume()
          resolve(answer.statusCode)
        })
        sent.once('error', reject)
        sent.end()
      })
    expect(await statusWith({ host: 'evil.test' })).toBe(403)
    expect(await statusWith({ origin: 'https://evil.test' })).toBe(403)
    expect(await statusWith({ origin: 'http://localhost:3000' })).toBe(200)
  })

  it('C4 has a console that lists what happened', async () => {
    const { id } = await stripe.customers.create({ name: 'a' })
    const console = await (await fetch(box.url)).text()
    expect(console).toContain('customer.created')
    expect(console).toContain('No endpoint to send it to')
    expect(console).toContain(`<code class="muted">${id}</code>`)
  })
})

describe('through msw', () => {
  it('C4 names msw only where it is loaded on demand, so that apps without it compile and run', () => {
    const folder = join(process.cwd(), 'src/testing')
    const naming = readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .filter((name) => /(from|import\() ?'msw/.test(readFileSync(join(folder, name), 'utf8')))
    expect(naming).toEqual([join('sandbox', 'msw.ts')])
    expect(readFileSync(join(folder, 'sandbox/sandbox.ts'), 'utf8')).not.toMatch(/^import .*msw/m)
  })

  it("C4 answers for the providers' real hosts out of the same state", async () => {
    const handlers: RequestHandler[] = await box.handlers<RequestHandler>()
    expect(handlers.length).toBeGreaterThan(0)
    const server = setupServer(...(await box.handlers()))
    server.listen({ onUnhandledRequest: 'bypass' })
    try {
      const real = new Stripe('sk_test_sandbox', { telemetry: false, maxNetworkRetries: 0 })
      const { id } = await real.customers.create({ name: 'through msw' })
      expect(await stripe.customers.retrieve(id)).toMatchObject({ name: 'through msw' })
      const viaFetch = new Stripe('sk_test_sandbox', { telemetry: false, httpClient: Stripe.createFetchHttpClient() })
      expect(await viaFetch.customers.retrieve(id)).toMatchObject({ id })
      box.faults.inject({ match: onCustomers, kind: 'reset_before', times: 2 })
      await expect(real.customers.create({})).rejects.toBeInstanceOf(Stripe.errors.StripeConnectionError)
      const { publicKey, secretKey } = box.langfuse
      const langfuse = new LangfuseClient({ publicKey, secretKey, baseUrl: 'https://cloud.langfuse.com' })
      expect((await langfuse.api.observations.getMany({})).data).toEqual([])
    } finally {
      server.close()
    }
  })
})
