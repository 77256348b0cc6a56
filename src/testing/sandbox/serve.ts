import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'

export interface LoopbackServer {
  readonly port: number
  close(): Promise<void>
}

const loopback = '127.0.0.1'

/** Serves `answer` on the loopback interface only. `Response.error()` cuts the connection. */
export async function serveLoopback(
  port: number,
  answer: (request: Request) => Promise<Response>,
): Promise<LoopbackServer> {
  const listener = getRequestListener(
    async (request, { outgoing }) => {
      if (!isLocal(request)) return new Response('The sandbox answers local requests only.\n', { status: 403 })
      const response = await answer(request)
      if (response.type !== 'error') return response
      cut(outgoing as ServerResponse)
      return RESPONSE_ALREADY_SENT
    },
    { overrideGlobalObjects: false },
  )
  const server = createServer((incoming, outgoing) => void listener(incoming, outgoing))
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, loopback, resolve)
  })
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** A reset rather than a polite end: the client cannot know how far its request got. */
function cut(outgoing: ServerResponse): void {
  outgoing.socket?.resetAndDestroy()
}

/**
 * Keeps web pages elsewhere from driving the sandbox: neither by a name that resolves to this machine (DNS rebinding)
 * nor by a form posted across origins.
 */
function isLocal(request: Request): boolean {
  const origin = request.headers.get('origin')
  if (!localNames.has(new URL(request.url).hostname)) return false
  if (origin === null || origin === 'null' || request.method === 'GET') return true
  return URL.canParse(origin) && localNames.has(new URL(origin).hostname)
}

const localNames = new Set(['127.0.0.1', 'localhost', '[::1]'])
