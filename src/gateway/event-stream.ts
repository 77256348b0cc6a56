/** One block of a stream of server-sent events: as it came, and the data in it. */
export interface EventBlock {
  /** With the empty line that ends it. */
  readonly raw: string
  /** `null` for a comment or a block without data. */
  readonly data: string | null
}

/** A block larger than this is no event of any vendor's. */
const maximumBlock = 16 * 1024 * 1024

/**
 * Takes a stream apart into blocks, which end with an empty line: as many at a time as came together.
 *
 * @see html.spec.whatwg.org/multipage/server-sent-events.html
 */
export async function* eventBlocks(body: ReadableStream<Uint8Array>): AsyncGenerator<readonly EventBlock[]> {
  const decoder = new TextDecoder()
  const reader = body.getReader()
  let waiting = ''
  try {
    for (;;) {
      const { value, done } = await reader.read()
      waiting += done ? decoder.decode() : decoder.decode(value, { stream: true })
      const blocks: EventBlock[] = []
      let start = 0
      const ending = /\r\n\r\n|\n\n|\r\r/g
      while (ending.test(waiting)) {
        blocks.push(blockOf(waiting.slice(start, ending.lastIndex)))
        start = ending.lastIndex
      }
      waiting = waiting.slice(start)
      if (waiting.length > maximumBlock) throw new RangeError('An event of the stream has no end.')
      if (done && waiting.trim() !== '') blocks.push(blockOf(`${waiting}\n\n`))
      if (blocks.length > 0) yield blocks
      if (done) return
    }
  } finally {
    await reader.cancel().catch(() => {})
  }
}

function blockOf(raw: string): EventBlock {
  let data: string | null = null
  for (const line of raw.split(/\r\n|\n|\r/)) {
    if (!line.startsWith('data:')) continue
    const value = line.slice(line[5] === ' ' ? 6 : 5)
    data = data === null ? value : `${data}\n${value}`
  }
  return { raw, data }
}
