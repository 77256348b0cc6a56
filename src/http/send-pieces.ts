import { ServerResponse } from 'node:http'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import { piecesOf, type TextPieces, takePieces } from './text-pieces.js'

/** How long a head waits for its first piece, so that both are one packet. */
const headMs = 10

/** A handler for Node's servers, which writes pieces to them itself: the streams of the web would cost more than what is in them. */
export function sendingPieces(
  handler: (request: Request, bindings: { readonly incoming: object }) => Promise<Response>,
): (request: Request, bindings: { readonly incoming: object; readonly outgoing: object }) => Promise<Response> {
  return async (request, bindings) => {
    const { outgoing } = bindings
    // Not a stream of HTTP/2.
    if (!(outgoing instanceof ServerResponse)) return handler(request, bindings)
    takePieces(request)
    const response = await handler(request, bindings)
    const pieces = piecesOf(response)
    if (!pieces) return response
    await send(response, pieces, outgoing)
    return RESPONSE_ALREADY_SENT
  }
}

async function send({ status, headers }: Response, pieces: TextPieces, outgoing: ServerResponse): Promise<void> {
  const cancel = () => pieces.cancel()
  outgoing.once('close', cancel)
  if (outgoing.destroyed) return cancel()
  outgoing.setHeaders(headers).writeHead(status)
  const timer = setTimeout(() => outgoing.flushHeaders(), headMs)
  try {
    for (let piece = await pieces.next(); piece !== null; piece = await pieces.next()) {
      clearTimeout(timer)
      if (outgoing.destroyed) return
      if (!outgoing.write(piece)) await drained(outgoing)
    }
    outgoing.end()
  } catch (error) {
    outgoing.destroy(error as Error)
  } finally {
    clearTimeout(timer)
    outgoing.off('close', cancel)
  }
}

/** When there is room again, or nobody to have any. */
function drained(outgoing: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const go = () => {
      outgoing.off('drain', go).off('close', go)
      resolve()
    }
    outgoing.once('drain', go).once('close', go)
  })
}
