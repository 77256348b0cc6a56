/**
 * A prepaid gateway to models, on Express: sign up, spend $0.50, top up by Stripe Checkout. It runs on the sandbox, so nothing is paid and
 * no model is asked; for real ones give your own keys and addresses.
 *
 * In a folder of its own, whose package.json says "type": "module":
 *
 *   npm install billfold express stripe openai @pydantic/genai-prices tsx     # and libsql on Node before 22.13
 *
 *   node --import tsx examples/gateway/server.ts    # then open http://127.0.0.1:3000, or run journey.ts beside it
 *
 *   curl -X POST localhost:3000/user/signup -H 'content-type: application/json' -d '{"email":"alice@example.com"}'
 *   curl localhost:3000/v1/chat/completions -H "authorization: Bearer $KEY" \
 *     -d '{"model":"gpt-5","messages":[{"role":"user","content":"how are you"}]}'
 *   curl localhost:3000/v1/balance -H "authorization: Bearer $KEY"
 */
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { createBilling, defineCatalog } from 'billfold'
import { sqliteStore } from 'billfold/adapters/sqlite'
import { createGateway } from 'billfold/gateway'
import { toExpress } from 'billfold/http/express'
import { stripeProvider } from 'billfold/providers/stripe'
import { sandbox } from 'billfold/testing'
import express from 'express'
import Stripe from 'stripe'

const box = await sandbox()
const { apiKey, host, port, protocol } = box.stripe
const client = new Stripe(apiKey, { host, port, protocol, telemetry: false })
const app = express()
const server = app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1')
await new Promise((resolve) => server.once('listening', resolve))
const site = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
const endpoint = await client.webhookEndpoints.create({ url: `${site}/webhooks/stripe`, enabled_events: ['*'] })

const billing = createBilling({
  // A Spark is a tenth of a cent and its millionth a nano, so that credit is counted in dollars, to nine digits.
  catalog: defineCatalog({
    sparks: { price: '0.001', margin: '1.25' },
    meters: { tokens: { unit: 'token', rate: { mode: 'by_cost' } } },
    // Of the second one a short answer costs a cent.
    models: {
      'gpt-5': { input: '1.25', cache_read: '0.125', output: '10' },
      demo: { input: '0', output: '1000' },
    },
  }),
  store: sqliteStore({ path: process.env.BILLING_DB ?? 'gateway.db' }),
  providers: { default: stripeProvider({ client, webhookSecret: endpoint.secret ?? '' }) },
  redirects: { allowedOrigins: [site] },
})
void billing.sync.run()

app.post('/webhooks/stripe', express.raw({ type: '*/*' }), async (request, response) => {
  await billing.webhooks.handle('stripe', { rawBody: request.body as Buffer, headers: request.headers })
  response.json({ received: true })
})

const page = fileURLToPath(new URL('./page.html', import.meta.url))
app.get('/', (_request, response) => response.sendFile(page))

// Where a refused caller is sent. Whoever follows the link pays for that account; nothing of it is shown.
app.get('/top-up/:account', async (request, response) => {
  const pages = { successUrl: `${site}/paid`, cancelUrl: `${site}/not-paid` }
  const accountId = request.params.account
  response.redirect((await billing.createCheckout({ accountId, kind: 'credits', amount: '10', ...pages })).url)
})

app.get('/paid', (_request, response) => void response.type('text').send('Paid. Go on where you were.'))
app.get('/not-paid', (_request, response) => void response.type('text').send('Nothing was paid.'))

app.use(
  toExpress(
    createGateway(billing, {
      meter: 'tokens',
      upstreams: [
        {
          provider: 'openai',
          ...box.models.openai,
          models: {
            'gpt-5': { maximumOutputTokens: 128_000, contextTokens: 400_000 },
            demo: { maximumOutputTokens: 8, contextTokens: 1_000 },
          },
        },
      ],
      topUpUrl: ({ accountId }) => `${site}/top-up/${accountId}`,
      // Behind a proxy: the address that your proxy writes, and nobody else can.
      signup: { grant: '0.50', grantDays: 30, dailyGrants: '100', clientAddress: () => null, perNetwork: 1_000 },
    }),
  ),
)
console.log(`The gateway listens on ${site}`)
