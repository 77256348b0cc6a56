import { ServerResponse } from 'node:http'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import { piecesOf, type TextPieces, takePieces, webResponse } from './text-pieces.js'

// Where an app has put another `Response` in the place of the runtime's, it keeps what it was made of, and would be sent again.
void RESPONSE_ALREADY_SENT.bodyUsed

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
    if (!pieces) return webResponse(response)
    await send(response, pieces, outgoing)
    return RESPONSE_ALREADY_SENT
  }
}

async function send({ status, headers }: Response, pieces: TextPieces, outgoing: ServerResponse): Promise<void> {
  let isCanceled = false
  const cancel = () => {
    if (!isCanceled) pieces.cancel()
    isCanceled = true
  }
  // An answer that waits for those before it on its connection has no socket yet, and does not hear that the client left.
  const { socket } = outgoing.req
  const isLeft = () => outgoing.destroyed || socket.destroyed
  if (isLeft()) return cancel()
  outgoing.once('close', cancel)
  socket.once('close', cancel)
  outgoing.setHeaders(headers).writeHead(status)
  const timer = setTimeout(() => outgoing.flushHeaders(), headMs)
  try {
    for (let piece = await pieces.next(); piece !== null; piece = await pieces.next()) {
      clearTimeout(timer)
      if (isLeft()) return
      if (!outgoing.write(piece)) await drained(outgoing)
    }
    outgoing.end()
  } catch (error) {
    outgoing.destroy(error as Error)
  } finally {
    clearTimeout(timer)
    outgoing.off('close', cancel)
    socket.off('close', cancel)
  }
}

/** When there is room again, or nobody to have any. */
function drained(outgoing: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const { socket } = outgoing.req
    const go = () => {
      outgoing.off('drain', go).off('close', go)
      socket.off('close', go)
      resolve()
    }
    outgoing.once('drain', go).once('close', go)
    socket.once('close', go)
  })
}
