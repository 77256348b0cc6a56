import type { IncomingMessage, ServerResponse } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import type { MountedHandler } from './mounted.js'
import { sendingPieces } from './send-pieces.js'
import { bodyReadBefore } from './unread-body.js'

export type { MountedHandler }

/**
 * A handler as a listener of `node:http`.
 *
 * @example createServer(toNodeListener(createHandler(billing, { identify }))).listen(3000)
 */
export function toNodeListener(
  handler: MountedHandler,
): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  const handle = async (request: Request, { incoming }: { readonly incoming: object }) => {
    const isRead = bodyReadBefore(incoming as IncomingMessage, '') !== null
    return handler(isRead ? await read(request) : request)
  }
  // The app's own `Request` and `Response` stay as they are.
  return getRequestListener(sendingPieces(handle), { overrideGlobalObjects: false })
}

/** The same, of which it shows that there is nothing left to read: the handler says so, and to whom its errors are told. */
async function read({ url, method, headers }: Request): Promise<Request> {
  const request = new Request(url, { method, headers, ...(method !== 'GET' && method !== 'HEAD' && { body: ' ' }) })
  await request.arrayBuffer()
  return request
}
