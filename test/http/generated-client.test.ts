import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClient } from '@hey-api/openapi-ts'
import { toNodeListener } from 'billfold/http/node'
import ts from 'typescript'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { closeHosts, listening } from './hosts.js'
import { openWorld, type World } from './world.js'

let world: World
let folder: string
beforeEach(async () => {
  world = await openWorld()
  folder = await mkdtemp(join(tmpdir(), 'billfold-client-'))
})
afterEach(async () => {
  await closeHosts()
  await world.close()
  await rm(folder, { recursive: true, force: true })
})

const use = `import { getInvoices, postUsageEvents } from './out/index'
export async function story() {
  const recorded = await postUsageEvents({ body: { meter: 'workflows', quantity: '2', idempotency_key: 'w1' } })
  const status: string | undefined = recorded.data && 'status' in recorded.data ? recorded.data.status : undefined
  const invoices = await getInvoices({ query: { limit: 5 } })
  const totals: number[] = (invoices.data?.results ?? []).map((invoice) => invoice.total)
  const refused = await getInvoices({ query: { cursor: 'nonsense' } })
  const detail: string | undefined = refused.error?.detail
  return { status, totals, detail }
}
`

/** What the compiler says of a client, as an app's would. */
function complaints(file: string): readonly string[] {
  const program = ts.createProgram([file], {
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    lib: ['lib.es2023.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts'],
    types: [],
  })
  return ts.getPreEmitDiagnostics(program).map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))
}

describe('a client that is generated from the document', () => {
  it('S4.1 compiles, records usage, lists invoices and is told what is wrong', async () => {
    const output = { path: join(folder, 'out') }
    await createClient({ input: structuredClone(world.handler.document()) as never, output, logs: { level: 'silent' } })
    const file = join(folder, 'use.ts')
    await writeFile(file, use)
    expect(complaints(file)).toEqual([])

    const ask = await listening(toNodeListener(world.handler))
    const { client } = await import(join(folder, 'out/client.gen.ts'))
    client.setConfig({
      baseUrl: 'http://client.example',
      fetch: named(ask),
      headers: { authorization: 'Bearer owner' },
    })
    const method = await world.ask('POST', '/payment-methods', { payment_method_id: 'pm_card_visa' })
    expect(method.status).toBe(201)
    await world.billing.recordUsage({
      accountId: 'acme',
      meter: 'ai_tokens',
      costUsd: '10',
      quantity: 1,
      idempotencyKey: 'd',
    })
    await world.ask('POST', '/account/acme/invoices/generate', { of: 'debt' })

    const { story } = (await import(file)) as { story(): Promise<object> }
    expect(await story()).toEqual({ status: 'recorded', totals: [12], detail: expect.stringContaining('cursor') })
  }, 120_000)
})

/** The client's requests, sent to the server that listens. */
function named(ask: (path: string, init?: RequestInit) => Promise<Response>) {
  return async (request: Request) => {
    const url = new URL(request.url)
    const body = request.method === 'GET' ? undefined : await request.text()
    const { method, headers } = request
    return ask(`${url.pathname}${url.search}`, { method, headers, ...(body === undefined ? {} : { body }) })
  }
}
