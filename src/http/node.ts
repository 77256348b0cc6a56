import type { IncomingMessage, ServerResponse } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import type { MountedHandler } from './mounted.js'

export type { MountedHandler }

/**
 * A handler as a listener of `node:http`.
 *
 * @example createServer(toNodeListener(createHandler(billing, { identify }))).listen(3000)
 */
export function toNodeListener(
  handler: MountedHandler,
): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  // The app's own `Request` and `Response` stay as they are.
  return getRequestListener(handler, { overrideGlobalObjects: false })
}
