/** What an upstream answers. */
export interface UpstreamAnswer {
  readonly status: number
  /** A header by its lower-case name; `null` for none. */
  header(name: string): string | null
  readonly body: Pieces
}

/** A body that is pushed piece by piece, since a promise for each piece costs more than what is done with it. */
export interface Pieces {
  /** Begins; once. */
  read(reader: PieceReader): void
  /** Asks for no more for now; some may still come. */
  pause(): void
  resume(): void
  /** Wants no more: nothing comes any more. */
  cancel(): void
}

export interface PieceReader {
  piece(bytes: Uint8Array): void
  end(): void
  fail(error: unknown): void
}

/** Sends a POST by `fetch`. */
export async function fetched(
  fetch: typeof globalThis.fetch,
  url: string,
  request: { readonly headers: HeadersInit; readonly body: string; readonly signal: AbortSignal },
): Promise<UpstreamAnswer> {
  // Where a redirect leads, the key would go too.
  const { status, headers, body } = await fetch(url, { method: 'POST', ...request, redirect: 'error' })
  return { status, header: (name) => headers.get(name), body: body ? streamPieces(body) : noPieces }
}

const noPieces: Pieces = { read: (reader) => reader.end(), pause() {}, resume() {}, cancel() {} }

/** A web stream as pieces. */
export function streamPieces(stream: ReadableStream<Uint8Array>): Pieces {
  const reader = stream.getReader()
  let told: PieceReader | null = null
  let isReading = false
  let isPaused = false
  const read = (): void => {
    if (isReading || isPaused || !told) return
    isReading = true
    reader.read().then(came, failed)
  }
  const came = ({ value, done }: ReadableStreamReadResult<Uint8Array>): void => {
    isReading = false
    if (done) told?.end()
    else {
      told?.piece(value)
      read()
    }
  }
  const failed = (error: unknown): void => told?.fail(error)
  return {
    read(given) {
      told = given
      read()
    },
    pause() {
      isPaused = true
    },
    resume() {
      isPaused = false
      read()
    },
    cancel() {
      told = null
      reader.cancel().catch(() => {})
    },
  }
}

/** The text of a body. @throws RangeError as soon as it has more bytes than that, and what the body failed with */
export function textWithin(body: Pieces, maximumBytes: number): Promise<string> {
  const decoder = new TextDecoder()
  return new Promise((resolve, reject) => {
    let text = ''
    let length = 0
    body.read({
      piece(bytes) {
        length += bytes.length
        if (length <= maximumBytes) {
          text += decoder.decode(bytes, { stream: true })
          return
        }
        body.cancel()
        reject(new RangeError(`The answer has more than ${maximumBytes} bytes.`))
      },
      end: () => resolve(text + decoder.decode()),
      fail: reject,
    })
  })
}
