/**
 * Billing on Hono: an API that is paid by the image, callers known by their API keys, and all routes of billing beside it. In memory, so
 * that it needs nothing; on an edge runtime leave `serve` out and export `app`.
 *
 * In a folder of its own, whose package.json says "type": "module": `npm install billfold hono @hono/node-server tsx`.
 *
 *   node --import tsx examples/hono/server.ts       # prints a key
 *
 *   curl -X POST localhost:3000/images -H "authorization: Bearer $KEY" -H 'idempotency-key: 1'
 *   curl localhost:3000/api/billing/credits/balance -H "authorization: Bearer $KEY"
 */
import type { AddressInfo } from 'node:net'
import { serve } from '@hono/node-server'
import { BillingError, createBilling, defineCatalog, formatSparks } from 'billfold'
import { memoryStore } from 'billfold/adapters/memory'
import { apiKeyIdentity, createHandler } from 'billfold/http'
import { Hono } from 'hono'

const billing = createBilling({
  catalog: defineCatalog({
    meters: { images: { unit: 'image', rate: { mode: 'per_unit', sparks: '10', per: '1' } } },
    plans: { free: { meters: { images: { limit: '100' } } } },
  }),
  store: memoryStore(),
})
void billing.sync.run()

const identify = apiKeyIdentity(billing)
const handler = createHandler(billing, { identify })
const app = new Hono()

app.all('/api/billing/*', ({ req }) => handler(req.raw))

app.post('/images', async (context) => {
  const caller = await identify(context.req.raw)
  if (!caller) return context.json({ detail: 'Send your API key.' }, 401)
  const idempotencyKey = context.req.header('idempotency-key') ?? crypto.randomUUID()
  const { accountId, apiKeyId } = caller
  // Paid for before it is drawn, and given back if it cannot be.
  const { result, usage } = await billing.meter(
    { accountId, ...(apiKeyId && { apiKeyId }), meter: 'images', estimate: { quantity: 1 }, idempotencyKey },
    async () => draw(),
  )
  return context.json({ image: result, sparks: formatSparks(usage?.sparks ?? 0n) }, 201)
})

app.onError((error, context) => {
  if (!BillingError.is(error)) throw error
  return Response.json(
    { code: error.code, detail: error.message, path: context.req.path },
    { status: error.httpStatus },
  )
})

function draw(): string {
  const hue = Math.floor(Math.random() * 360)
  return `<svg xmlns="http://www.w3.org/2000/svg"><rect width="100%" height="100%" fill="hsl(${hue} 70% 50%)"/></svg>`
}

const accountId = 'acme'
await billing.accounts.ensure({ accountId, email: 'billing@acme.example' })
await billing.credits.grant({ accountId, amount: '25', reason: 'welcome', idempotencyKey: 'welcome' })
const issued = await billing.apiKeys.issue({
  accountId,
  name: 'Trial',
  scopes: ['billing:read'],
  idempotencyKey: 'trial',
})
const server = serve(
  { fetch: app.fetch, hostname: '127.0.0.1', port: Number(process.env.PORT ?? 3000) },
  (address: AddressInfo) => {
    const key = issued.result === 'issued' ? issued.secret : ''
    console.log(`Listening on http://127.0.0.1:${address.port}, key ${key}`)
  },
)

for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => {
    server.close()
    void billing.close()
  })
