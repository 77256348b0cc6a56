import type { Pieces } from './upstream-answer.js'

/** One block of a stream of server-sent events: as it came, and the data in it. */
export interface EventBlock {
  /** With the empty line that ends it. */
  readonly raw: string
  /** `null` for a comment or a block without data. */
  readonly data: string | null
}

/** A stream of server-sent events, block by block. */
export interface EventBlocks {
  /** As many blocks as have come together, at least one; `null` at the end. @throws what the stream failed with */
  next(): Promise<readonly EventBlock[] | null>
  /** Blocks that have come and were not taken. */
  rest(): readonly EventBlock[]
  /** Wants no more: `next` answers `null`. */
  cancel(): void
}

/** A block larger than this is no event of any vendor's. */
const maximumBlock = 16 * 1024 * 1024
/** How long what follows a block may wait for more, in ms: less than a picture of a screen lasts. */
const gatherMs = 10
/** How much is read ahead of whoever takes it. */
const maximumAhead = 64 * 1024

/** When what has come by now was read, where the runtime can say so. */
const soon: (action: () => void) => unknown = typeof setImmediate === 'function' ? setImmediate : queueMicrotask

/**
 * Takes a stream apart into blocks, which end with an empty line. One that comes after a pause is handed over at once; those that follow it closely
 * go together, since each hand-over, and the packet it becomes, costs more than the events in it.
 *
 * @see html.spec.whatwg.org/multipage/server-sent-events.html
 */
export function eventBlocks(body: Pieces): EventBlocks {
  const split = splitter()
  let pieces: Uint8Array[] = []
  let ahead = 0
  let isPaused = false
  let isDue = false
  let givenAt = Number.NEGATIVE_INFINITY
  let ended: { readonly error: unknown } | 'whole' | 'left' | null = null
  let taker: { resolve(blocks: readonly EventBlock[] | null): void; reject(error: unknown): void } | null = null

  const read = (): void => {
    if (!isPaused || ended || ahead >= maximumAhead) return
    isPaused = false
    body.resume()
  }
  const end = (how: { readonly error: unknown } | 'whole' | 'left'): void => {
    ended ??= how
    give()
  }
  /** Takes apart what has come: all of it at once, since each time costs more than an event. */
  const take = (): readonly EventBlock[] => {
    const came = pieces
    pieces = []
    ahead = 0
    try {
      const blocks = came.length === 0 ? [] : split.push(joined(came))
      return ended === 'whole' ? [...blocks, ...split.end()] : blocks
    } catch (error) {
      ended = { error }
      body.cancel()
      return []
    }
  }
  const give = (): void => {
    isDue = false
    if (!taker) return
    const blocks = take()
    const { resolve, reject } = taker
    if (blocks.length > 0) {
      givenAt = performance.now()
      taker = null
      resolve(blocks)
    } else if (ended) {
      taker = null
      if (typeof ended === 'string') resolve(null)
      else reject(ended.error)
    } else {
      // A part of a block: it ends with what comes next.
      read()
    }
  }
  body.read({
    piece(bytes) {
      if (ended) return
      pieces.push(bytes)
      ahead += bytes.length
      if (ahead >= maximumAhead && !isPaused) {
        isPaused = true
        body.pause()
      }
      if (isDue) return
      isDue = true
      const leftMs = givenAt + gatherMs - performance.now()
      if (leftMs > 0) setTimeout(give, leftMs)
      else soon(give)
    },
    end: () => end('whole'),
    fail: (error) => end({ error }),
  })
  return {
    next: () =>
      new Promise((resolve, reject) => {
        taker = { resolve, reject }
        if (!isDue) give()
        read()
      }),
    rest: take,
    cancel() {
      body.cancel()
      pieces = []
      end('left')
    },
  }
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const [first] = pieces
  if (first && pieces.length === 1) return first
  const whole = new Uint8Array(pieces.reduce((length, piece) => length + piece.length, 0))
  let at = 0
  for (const piece of pieces) {
    whole.set(piece, at)
    at += piece.length
  }
  return whole
}

/** Any two ends of lines. A carriage return is one by itself where no line feed follows, which is yet to be seen where lines end with both. */
const blockEnd = /(?:\r\n|\n)(?:\r\n|\n|\r(?=[^\n]))|\r(?!\n)(?:\r\n|\r(?!\n))/g

function splitter() {
  const decode = decoder()
  let waiting = ''
  let hasReturns = false
  return {
    push(bytes: Uint8Array): readonly EventBlock[] {
      // Only what is new may hold the end of a block, or the second half of one.
      let from = Math.max(0, waiting.length - 3)
      const text = decode.push(bytes)
      waiting += text
      hasReturns ||= text.includes('\r')
      const blocks: EventBlock[] = []
      let start = 0
      if (hasReturns) {
        blockEnd.lastIndex = from
        while (blockEnd.test(waiting)) {
          blocks.push(blockOf(waiting.slice(start, blockEnd.lastIndex)))
          start = blockEnd.lastIndex
        }
      } else {
        for (let end = waiting.indexOf('\n\n', from); end >= 0; end = waiting.indexOf('\n\n', from)) {
          from = end + 2
          blocks.push(blockOf(waiting.slice(start, from)))
          start = from
        }
      }
      if (start > 0) waiting = waiting.slice(start)
      if (waiting.length > maximumBlock) throw new RangeError('An event of the stream has no end.')
      return blocks
    },
    end(): readonly EventBlock[] {
      const last = waiting + decode.end()
      waiting = ''
      return last.trim() === '' ? [] : [blockOf(`${last}\n\n`)]
    },
  }
}

const whole = new TextDecoder('utf-8', { ignoreBOM: true })

/** Decodes what ends with a whole letter, as nearly all does, by itself: what remembers half a letter takes twice as long. */
function decoder() {
  let halves: TextDecoder | null = null
  let isFirst = true
  let isWaiting = false
  return {
    push(bytes: Uint8Array): string {
      if (isFirst && bytes.length > 0) {
        // A mark of the order of bytes may begin the first.
        isWaiting = bytes[0] === 0xef
        isFirst = false
      }
      const isWhole = (bytes.at(-1) ?? 0) < 0x80
      if (!isWaiting && isWhole) return whole.decode(bytes)
      isWaiting = !isWhole
      halves ??= new TextDecoder()
      return halves.decode(bytes, { stream: true })
    },
    end: () => halves?.decode() ?? '',
  }
}

function blockOf(raw: string): EventBlock {
  // Nearly all are one line of data.
  if (raw.startsWith('data: ') && raw.indexOf('\n') === raw.length - 2 && !raw.includes('\r'))
    return { raw, data: raw.slice(6, -2) }
  let data: string | null = null
  for (const line of raw.split(/\r\n|\n|\r/)) {
    if (!line.startsWith('data:')) continue
    const value = line.slice(line[5] === ' ' ? 6 : 5)
    data = data === null ? value : `${data}\n${value}`
  }
  return { raw, data }
}
