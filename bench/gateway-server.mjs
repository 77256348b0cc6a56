import { createServer } from 'node:http'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { createBilling, defineCatalog } from 'billfold'
import { postgresStore } from 'billfold/adapters/postgres'
import { createGateway } from 'billfold/gateway'
import { toNodeListener } from 'billfold/http/node'

// The process that is measured: a bare proxy and the gateway, behind a hold for each call or on leases, all on the same HTTP server, and all
// asking the same model. The proxy is as anybody would write one, with `fetch`; the gateway is as it comes.

const { connectionString, schema, modelURL } = JSON.parse(process.argv[2] ?? '{}')
const accountId = 'account-1'
const catalog = defineCatalog({
  sparks: { price: '0.001', margin: '1' },
  meters: { tokens: { rate: { mode: 'by_cost' } } },
  models: { 'gpt-5': { input: '1', output: '10' } },
})
const billing = createBilling({ catalog, store: postgresStore({ connectionString, schema }) })
await billing.accounts.ensure({ accountId })
await billing.credits.grant({ accountId, amount: 1_000_000_000, reason: 'bench', idempotencyKey: 'grant' })

const through = (/** @type {boolean} */ leases) =>
  createGateway(billing, {
    meter: 'tokens',
    upstreams: [
      {
        provider: 'openai',
        baseURL: modelURL,
        apiKey: 'sk-bench',
        models: { 'gpt-5': { maximumOutputTokens: 1_000, contextTokens: 100_000 } },
      },
    ],
    identify: () => ({ accountId }),
    leases,
  })

const headers = { authorization: 'Bearer sk-bench', 'content-type': 'application/json' }
/** Forwards a request and its answer as they are. @param {Request} request */
async function bare(request) {
  const body = await request.text()
  const { status, body: stream } = await fetch(`${modelURL}/chat/completions`, {
    method: 'POST',
    headers,
    body,
    signal: request.signal,
  })
  return new Response(stream, { status, headers: { 'content-type': 'text/event-stream' } })
}

let holds = 0
/** Milliseconds that one durable hold takes. */
async function hold() {
  holds += 1
  const idempotencyKey = `hold-${process.pid}-${holds}`
  const start = performance.now()
  const { id } = await billing.hold({ accountId, amount: 1, idempotencyKey })
  const ms = performance.now() - start
  await billing.release({ accountId, holdId: id, idempotencyKey })
  return ms
}

/** Processor time until now, in ms. */
function used() {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1_000
}

/** What is reachable, in MB. */
function heapInUse() {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
  return process.memoryUsage().heapUsed / 1e6
}

/** @type {Readonly<Record<string, (request: Request) => unknown>>} */
const asked = {
  '/hold': hold,
  '/used': used,
  '/heap': heapInUse,
  '/says': async (request) => {
    await (await fetch(`${modelURL}/says${new URL(request.url).search}`)).text()
  },
}
/** @type {Readonly<Record<string, (request: Request) => Promise<Response>>>} */
const handlers = {
  bare,
  held: through(false),
  leased: through(true),
  control: async (request) => Response.json((await asked[new URL(request.url).pathname]?.(request)) ?? null),
}
/** @type {Record<string, unknown>} */
const ports = {}
for (const [name, handler] of Object.entries(handlers)) {
  const server = createServer(toNodeListener(Object.assign(handler, { basePath: '' })))
  // No connection is closed while a client is about to use it again.
  server.keepAliveTimeout = 600_000
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(null)))
  const address = server.address()
  ports[name] = typeof address === 'object' && address?.port
}
process.once('disconnect', () => void billing.close().finally(() => process.exit()))
process.send?.(ports)
