/** One block of a stream of server-sent events: as it came, and the data in it. */
export interface EventBlock {
  /** With the empty line that ends it. */
  readonly raw: string
  /** `null` for a comment or a block without data. */
  readonly data: string | null
}

/** A block larger than this is no event of any vendor's. */
const maximumBlock = 16 * 1024 * 1024

/** Takes a stream apart into blocks, which end with an empty line. @see html.spec.whatwg.org/multipage/server-sent-events.html */
export async function* eventBlocks(body: ReadableStream<Uint8Array>): AsyncGenerator<EventBlock> {
  const decoder = new TextDecoder()
  const reader = body.getReader()
  let waiting = ''
  try {
    for (;;) {
      const { value, done } = await reader.read()
      waiting += done ? decoder.decode() : decoder.decode(value, { stream: true })
      for (let end = blockEnd(waiting); end > 0; end = blockEnd(waiting)) {
        yield blockOf(waiting.slice(0, end))
        waiting = waiting.slice(end)
      }
      if (waiting.length > maximumBlock) throw new RangeError('An event of the stream has no end.')
      if (!done) continue
      if (waiting.trim() !== '') yield blockOf(`${waiting}\n\n`)
      return
    }
  } finally {
    await reader.cancel().catch(() => {})
  }
}

/** Where the first block ends; 0 where none does yet. */
function blockEnd(text: string): number {
  const match = /\r\n\r\n|\n\n|\r\r/.exec(text)
  return match ? match.index + match[0].length : 0
}

function blockOf(raw: string): EventBlock {
  const lines = raw.split(/\r\n|\n|\r/).flatMap((line) => {
    const [, value] = /^data:(.*)$/.exec(line) ?? []
    return value === undefined ? [] : [value.startsWith(' ') ? value.slice(1) : value]
  })
  return { raw, data: lines.length === 0 ? null : lines.join('\n') }
}
