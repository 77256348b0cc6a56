/** A body that is made while it is taken, a piece of text at a time. */
export interface TextPieces {
  /** The next piece; `null` at the end. */
  next(): Promise<string | null>
  /** Nobody takes any more. */
  cancel(): void
}

/** Where the body of a response says what it is made of; the same in every copy of this package. */
const place = Symbol.for('billfold.pieces')

/** The body as the web has it, which is read only where no server of Node's takes the pieces themselves. */
export function piecesStream(pieces: TextPieces): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  const stream = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const text = await pieces.next()
        if (text === null) controller.close()
        else controller.enqueue(encoder.encode(text))
      },
      cancel: () => pieces.cancel(),
    },
    { highWaterMark: 0 },
  )
  return Object.assign(stream, { [place]: pieces })
}

/** What a body is made of; `null` for others, and for one that somebody reads, or has taken a copy of. */
export function piecesOf(body: ReadableStream<Uint8Array> | null): TextPieces | null {
  if (!body || body.locked) return null
  return (body as { readonly [place]?: TextPieces })[place] ?? null
}
