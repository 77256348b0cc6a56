// A process of its own that serves a gateway until it reaches a point at which it kills itself: `kill.test.ts` starts one for each.
import { createServer } from 'node:http'
import { createBilling, type Store } from 'billfold'
import { sqliteStore } from 'billfold/adapters/sqlite'
import { createGateway, type LostCalls } from 'billfold/gateway'
import { toNodeListener } from 'billfold/http/node'
import { catalog, listening } from './world.js'

const [path = '', baseURL = '', point = '', lostCalls = 'release'] = process.argv.slice(2)
const die = (): never => {
  process.kill(process.pid, 'SIGKILL')
  throw new Error('unreachable')
}

/** The store, which dies before or after a command of a kind is committed. */
function mortal(store: Store): Store {
  const commit: Store['ledger']['commit'] = async (commands, rules) => {
    const kinds = commands.map((command) => `${command.kind}${'holdId' in command && command.holdId ? ' of hold' : ''}`)
    const hits = (when: string) => kinds.some((kind) => point === `${when} ${kind}`)
    if (hits('before')) die()
    const outcomes = await store.ledger.commit(commands, rules)
    if (hits('after')) die()
    return outcomes
  }
  return { ...store, ledger: { ...store.ledger, commit } }
}

const send: typeof fetch = async (input, init) => {
  if (point === 'before sending') die()
  const response = await fetch(input, init)
  if (point === 'after the headers' || !response.body) die()
  let pieces = 0
  const body = response.body?.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        pieces += new TextDecoder().decode(chunk).split('"content":" ').length - 1
        if (point === 'in the middle' && pieces >= 5) die()
        controller.enqueue(chunk)
      },
    }),
  )
  return new Response(body, response)
}

const billing = createBilling({ catalog, store: mortal(sqliteStore({ path })) })
const limits = { maximumOutputTokens: 1_000, contextTokens: 100_000 }
const gateway = createGateway(billing, {
  meter: 'tokens',
  upstreams: [{ provider: 'openai', baseURL, apiKey: 'sk-openai-sandbox', models: { 'gpt-5': limits } }],
  identify: () => ({ accountId: 'alice' }),
  timeoutMs: 1_000,
  lostCalls: lostCalls as LostCalls,
  fetch: send,
})
process.stdout.write(await listening(createServer(toNodeListener(gateway))))
