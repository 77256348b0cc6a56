import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { setTimeout as after } from 'node:timers/promises'
import { createGateway, type Upstream } from 'billfold/gateway'
import { toNodeListener } from 'billfold/http/node'
import { expect } from 'vitest'
import { accountId, listening, openWorld, type World } from './world.js'

/** What an upstream does with a request. */
export type Answer = (request: IncomingMessage, response: ServerResponse) => unknown

export interface OddWorld extends World {
  /** Of the upstream, with nothing behind it. */
  readonly upstreamURL: string
  /** The gateway in front of it, which lets everybody in as the same account. */
  readonly gatewayURL: string
  /** What the upstream does from now on. */
  answer: Answer
  /** What the upstream was asked; emptied by whoever wants to. */
  readonly asked: { readonly path: string; readonly headers: IncomingMessage['headers']; readonly body: string }[]
  /** What was charged while something was done, in nanos, when nothing is held any more. */
  charged(work: () => Promise<unknown>): Promise<bigint>
}

/** A gateway before an upstream that answers whatever it likes, byte by byte: what no twin of an honest vendor does. */
export async function openOddWorld(served: Omit<Upstream, 'baseURL'>): Promise<OddWorld> {
  const world = await openWorld()
  const asked: OddWorld['asked'] = []
  const upstream = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += String(chunk)
    asked.push({ path: request.url ?? '', headers: request.headers, body })
    await odd.answer(request, response)
  })
  const upstreamURL = await listening(upstream)
  const baseURL = served.provider === 'anthropic' ? upstreamURL : `${upstreamURL}/v1`
  const handler = createGateway(world.billing, {
    meter: 'tokens',
    upstreams: [{ ...served, baseURL }],
    identify: () => ({ accountId }),
    timeoutMs: 2_000,
    onError: (error) => void world.told.push(error),
  })
  const gateway = createServer(toNodeListener(handler))
  const odd: OddWorld = {
    ...world,
    upstreamURL,
    gatewayURL: await listening(gateway),
    answer: whole({}),
    asked,
    async charged(work) {
      const before = await world.balance()
      await work()
      await expect.poll(() => world.held()).toBe(0n)
      return before - (await world.balance())
    },
    async close() {
      for (const server of [gateway, upstream]) {
        server.closeAllConnections()
        server.close()
      }
      await world.close()
    },
  }
  return odd
}

/** An answer in one piece. */
export function whole(body: unknown, status = 200, headers: Readonly<Record<string, string>> = {}): Answer {
  return (_, response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers })
    response.end(typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body))
  }
}

/** Pieces of a stream, each written by itself. */
export function streamed(pieces: readonly (string | Buffer)[], end: 'end' | 'reset' | 'stall' = 'end'): Answer {
  return async (_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    for (const piece of pieces) {
      response.write(piece)
      // Of many, each is by itself, and all together are there in time on a busy machine too.
      await (pieces.length < 100 ? after(1) : new Promise(setImmediate))
    }
    if (end === 'end') response.end()
    if (end === 'reset') response.socket?.resetAndDestroy()
  }
}
