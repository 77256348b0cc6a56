import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { BillingError, createBilling, defineCatalog, type Store } from 'billfold'
import { memoryStore } from 'billfold/adapters/memory'
import { postgresStore } from 'billfold/adapters/postgres'
import { sqliteStore } from 'billfold/adapters/sqlite'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { type PostgresServer, quickFolder, startPostgres } from '../adapters/postgres-server.js'
import { counts } from './counts.js'

vi.setConfig({ testTimeout: counts.timeoutMs })

/** One request of a production service: when, and how many tokens went in and came out. */
interface TracedRequest {
  readonly id: string
  readonly accountId: string
  readonly model: string
  readonly at: string
  readonly ms: number
  readonly input: number
  readonly output: number
}

const million = 1_000_000n
const accounts = 20

const catalog = defineCatalog({
  meters: {
    tokens: { rate: { mode: 'per_unit', sparks: '100', per: '1000' } },
    model_calls: { rate: { mode: 'by_cost' } },
  },
  models: { code: { input: '0.15', output: '0.6' }, conversation: { input: '1.25', output: '10' } },
  plans: { free: { meters: { tokens: { included: '1000000' } } } },
})

let server: PostgresServer
let folder: string

beforeAll(async () => {
  folder = mkdtempSync(join(quickFolder(), 'billfold-replay-'))
  server = await startPostgres()
})
afterAll(async () => {
  await server?.stop()
  rmSync(folder, { recursive: true, force: true })
})

const stores: readonly { readonly name: string; open(): Store }[] = [
  { name: 'memory', open: () => memoryStore() },
  { name: 'SQLite', open: () => sqliteStore({ path: join(folder, 'replay.db') }) },
  { name: 'PostgreSQL', open: () => postgresStore({ connectionString: server.connectionString, schema: 'replay' }) },
]

it.for(stores)('S3.8 S3.11 real traffic replayed through $name gives the exact totals', async ({ open }, context) => {
  const folderOfData = process.env.DATA_DIR
  if (folderOfData === undefined) return context.skip('DATA_DIR names no folder with the traces')
  const requests = ['code', 'conversation'].flatMap((model) => readTrace(folderOfData, model))
  requests.sort((left, right) => left.ms - right.ms)
  expect(requests).toHaveLength(28_185)

  const billing = createBilling({ catalog, store: open() })
  for (let index = 0; index < accounts; index += 1) {
    const accountId = `acct_${index}`
    await billing.accounts.ensure({ accountId })
    await billing.credits.grant({ accountId, amount: '100000', reason: 'replay', idempotencyKey: 'grant' })
  }
  const lateMs = await replay(requests, (request) => record(billing, request))
  if (counts.replaySpeed <= 100) expect(lateMs, 'how late the last request was').toBeLessThan(30_000)

  let found = 0n
  for (let index = 0; index < accounts; index += 1) {
    const accountId = `acct_${index}`
    const own = requests.filter((request) => request.accountId === accountId)
    const expected = totalsOf(own)
    const summary = await billing.usage.summary({ accountId, from: '2023-11-16', to: '2023-11-17' })
    expect(summary.events).toBe(own.length * 2)
    const sums = Object.fromEntries(summary.byMeter.map(({ name, quantity, sparks }) => [name, [quantity, sparks]]))
    expect(sums).toEqual({
      tokens: [String(expected.tokens), expected.tokenSparks],
      model_calls: [String(expected.tokens), expected.callSparks],
    })
    const { balance } = await billing.credits.balance({ accountId })
    expect(balance).toBe(100_000n * million - expected.chargedSparks)
    found += BigInt(own.length)
  }
  expect(found).toBe(28_185n)
  await billing.close()
})

type Billing = ReturnType<typeof createBilling<Record<never, never>, typeof catalog>>

/** The request as usage, on a meter that is rated per unit and on one that is rated by cost. */
async function record(billing: Billing, { id, accountId, model, at, input, output }: TracedRequest): Promise<void> {
  const usage = { accountId, tokens: { input, output }, model, occurredAt: at }
  await Promise.all([
    patiently(() => billing.recordUsage({ ...usage, meter: 'tokens', idempotencyKey: `${id}-t` })),
    patiently(() => billing.recordUsage({ ...usage, meter: 'model_calls', idempotencyKey: `${id}-c` })),
  ])
}

/** Comes again when the service has too much to do, as its error says. */
async function patiently(send: () => Promise<unknown>): Promise<void> {
  for (;;) {
    try {
      await send()
      return
    } catch (error) {
      if (!(error instanceof BillingError) || error.code !== 'overloaded') throw error
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
}

/** Sends each request when its time has come, as many times as fast as it happened. @returns how late the last answer was */
async function replay(requests: readonly TracedRequest[], send: (request: TracedRequest) => Promise<void>) {
  const first = requests[0]?.ms ?? 0
  const began = performance.now()
  const sent: Promise<void>[] = []
  for (const request of requests) {
    const due = (request.ms - first) / counts.replaySpeed
    const wait = due - (performance.now() - began)
    if (wait > 1) await new Promise((resolve) => setTimeout(resolve, wait))
    sent.push(send(request))
  }
  await Promise.all(sent)
  return performance.now() - began - ((requests.at(-1)?.ms ?? 0) - first) / counts.replaySpeed
}

function readTrace(folderOfData: string, model: string): readonly TracedRequest[] {
  const lines = readFileSync(join(folderOfData, `azure-llm-2023-${model}.csv`), 'utf8')
    .trim()
    .split(/\r?\n/)
    .slice(1)
  return lines.map((line, index) => {
    const [time = '', input = '', output = ''] = line.split(',')
    const at = `${time.replace(' ', 'T').slice(0, 23)}Z`
    const accountId = `acct_${index % accounts}`
    return {
      id: `${model}-${index}`,
      accountId,
      model,
      at,
      ms: Date.parse(at),
      input: Number(input),
      output: Number(output),
    }
  })
}

/** The same by plain integer arithmetic: a tenth of a Spark a token, a million of them free; cost × 1.2 ÷ 0.00004, half to even. */
function totalsOf(requests: readonly TracedRequest[]) {
  let tokens = 0n
  let tokenSparks = 0n
  let callSparks = 0n
  let charged = 0n
  let included = 1_000_000n
  for (const { model, input, output } of requests) {
    const used = BigInt(input + output)
    const sparks = used * 100_000n
    const free = used < included ? used : included
    included -= free
    tokens += used
    tokenSparks += sparks
    charged += (used - free) * 100_000n
    // Cents of a cent of a cent: prices in hundredths of a dollar per million tokens.
    const [inputPrice, outputPrice] = model === 'code' ? [15n, 60n] : [125n, 1_000n]
    const cost = BigInt(input) * inputPrice + BigInt(output) * outputPrice
    // cost/10⁸ dollars × 1.2 ÷ 0.00004 × 10⁶ micro-sparks = cost × 300
    callSparks += cost * 300n
  }
  return { tokens, tokenSparks, callSparks, chargedSparks: charged + callSparks }
}
