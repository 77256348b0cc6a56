/** A body that is made while it is taken, a piece of text at a time. */
export interface TextPieces {
  /** The next piece; `null` at the end. */
  next(): Promise<string | null>
  /** Nobody takes any more. */
  cancel(): void
}

/** Where a body says what it is made of, and a request that its server takes pieces; the same in every copy of this package. */
const place = Symbol.for('billfold.pieces')

/** Says that whoever sent the request takes pieces as they are. */
export function takePieces(request: Request): void {
  Object.assign(request, { [place]: true })
}

/** A response to a request whose body is made while it is taken. */
export function piecesResponse(request: Request | null, pieces: TextPieces, headers: HeadersInit): Response {
  const takes = request !== null && (request as { readonly [place]?: boolean })[place] === true
  return takes ? new PiecesResponse(pieces, headers) : new Response(piecesStream(pieces), { headers })
}

/** The body as the web has it, which is read only where no server of Node's takes the pieces themselves. */
function piecesStream(pieces: TextPieces): ReadableStream<Uint8Array> {
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

/** What a response is made of; `null` for others, and for one whose body somebody reads, or has taken a copy of. */
export function piecesOf(response: Response): TextPieces | null {
  const own = (response as { readonly [place]?: TextPieces | null })[place]
  if (own) return own
  const { body } = response
  if (!body || body.locked) return null
  return (body as { readonly [place]?: TextPieces })[place] ?? null
}

/** The same as any server reads it, whatever `Response` is in this app. */
export function webResponse(response: Response): Response {
  return place in response ? new Response(response.body, { headers: response.headers }) : response
}

/** Has a body as the web has it only once somebody looks for one, since making it costs as much as the rest of a short answer. */
class PiecesResponse extends Response {
  readonly #pieces: TextPieces
  #web: Response | null = null

  constructor(pieces: TextPieces, headers: HeadersInit) {
    super(null, { headers })
    this.#pieces = pieces
  }

  get [place](): TextPieces | null {
    return this.#web === null ? this.#pieces : null
  }

  override get body() {
    return this.#whole().body
  }

  override get bodyUsed() {
    return this.#whole().bodyUsed
  }

  override arrayBuffer() {
    return this.#whole().arrayBuffer()
  }

  override blob() {
    return this.#whole().blob()
  }

  override bytes() {
    return this.#whole().bytes()
  }

  override clone() {
    return new Response(this.#whole().clone().body, { headers: this.headers })
  }

  override formData() {
    return this.#whole().formData()
  }

  override json() {
    return this.#whole().json()
  }

  override text() {
    return this.#whole().text()
  }

  #whole(): Response {
    this.#web ??= new Response(piecesStream(this.#pieces), { headers: this.headers })
    return this.#web
  }
}
