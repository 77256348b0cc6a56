import type { IncomingMessage, ServerResponse } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import type { MountedHandler } from './mounted.js'
import { sendingPieces } from './send-pieces.js'
import { bodyReadBefore } from './unread-body.js'

export type { MountedHandler }

/** What of a Fastify instance is used. */
export interface FastifyLike {
  /** Forgets how bodies are parsed. */
  removeAllContentTypeParsers(): void
  /** Says how bodies of a type are parsed. */
  addContentTypeParser(
    type: string,
    parser: (request: unknown, payload: unknown, done: (error: Error | null) => void) => void,
  ): unknown
  /** Answers a path by every method. */
  all(
    path: string,
    handler: (
      request: { readonly raw: IncomingMessage },
      reply: { readonly raw: ServerResponse; hijack(): unknown },
    ) => Promise<void>,
  ): unknown
}

/**
 * A handler as a plugin of Fastify 5. Bodies are parsed by nobody but the handler within it, and as ever outside.
 *
 * @example await app.register(toFastify(createHandler(billing, { identify })))
 */
export function toFastify(handler: MountedHandler): (instance: FastifyLike) => Promise<void> {
  const listen = getRequestListener(sendingPieces(handler), { overrideGlobalObjects: false })
  return async (instance) => {
    instance.removeAllContentTypeParsers()
    instance.addContentTypeParser('*', (_request, _payload, done) => done(null))
    instance.all(`${handler.basePath}/*`, async ({ raw: request }, reply) => {
      const error = bodyReadBefore(request, 'no hook before toFastify(handler) may read it')
      if (error) throw error
      reply.hijack()
      await listen(request, reply.raw)
    })
  }
}
