import type { IncomingMessage, ServerResponse } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import type { MountedHandler } from './mounted.js'
import { sendingPieces } from './send-pieces.js'
import { bodyReadBefore } from './unread-body.js'

export type { MountedHandler }

/** A middleware as Express has it. */
export type ExpressMiddleware = (
  request: IncomingMessage & { readonly originalUrl?: string },
  response: ServerResponse,
  next: (error?: unknown) => void,
) => void

/**
 * A handler as a middleware of Express 5. What is not under the handler's `basePath` is left to the next one. It has to come before
 * `express.json()` and the like: bodies are read here, as they came.
 *
 * @example app.use(toExpress(createHandler(billing, { identify })))
 */
export function toExpress(handler: MountedHandler): ExpressMiddleware {
  const listen = getRequestListener(sendingPieces(handler), { overrideGlobalObjects: false })
  return (request, response, next) => {
    const url = request.originalUrl ?? request.url ?? '/'
    const path = url.split('?', 1)[0] ?? '/'
    if (path !== handler.basePath && !path.startsWith(`${handler.basePath}/`)) return next()
    const error = bodyReadBefore(request, 'app.use(toExpress(handler)) must come before app.use(express.json())')
    if (error) return next(error)
    // Where it is mounted under a path, Express has cut that off.
    request.url = url
    listen(request, response).catch(next)
  }
}
