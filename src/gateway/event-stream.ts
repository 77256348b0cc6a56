import type { Pieces } from './upstream-answer.js'

/** Blocks of a stream of server-sent events that came together, as they came, one behind the other. */
export interface EventText {
  /** Each block with the empty line that ends it. */
  readonly text: string
  /** Where the block ends that begins at a place. */
  endOf(start: number): number
}

/** A stream of server-sent events, as many blocks at a time as have come. */
export interface EventBlocks {
  /** At least one block; `null` at the end. @throws what the stream failed with */
  next(): Promise<EventText | null>
  /** Blocks that have come and were not taken, if there are any. */
  rest(): EventText
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
  let taker: { resolve(blocks: EventText | null): void; reject(error: unknown): void } | null = null

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
  const take = (): EventText => {
    const came = pieces
    pieces = []
    ahead = 0
    try {
      return split.push(joined(came), ended === 'whole')
    } catch (error) {
      ended = { error }
      body.cancel()
      return none
    }
  }
  const give = (): void => {
    isDue = false
    if (!taker) return
    const blocks = take()
    const { resolve, reject } = taker
    if (blocks.text !== '') {
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

/** Where pieces are put together until they are decoded, which is at once. */
const table = new Uint8Array(2 * maximumAhead)

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const [first] = pieces
  if (first && pieces.length === 1) return first
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0)
  const whole = length <= table.length ? table.subarray(0, length) : new Uint8Array(length)
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
  /** Where the last block of what waits ends, of which all before a place was looked at before. */
  const lastEnd = (from: number): number => {
    if (!hasReturns) {
      const at = waiting.slice(from).lastIndexOf('\n\n')
      return at < 0 ? 0 : from + at + 2
    }
    let end = 0
    blockEnd.lastIndex = from
    while (blockEnd.test(waiting)) end = blockEnd.lastIndex
    return end
  }
  return {
    /** What is whole by now; at the end of the stream all of it. */
    push(bytes: Uint8Array, isEnd: boolean): EventText {
      // Only what is new may hold the end of a block, or the second half of one.
      const from = Math.max(0, waiting.length - 3)
      const came = decode.push(bytes)
      waiting += came
      hasReturns ||= came.includes('\r')
      let end = lastEnd(from)
      if (isEnd) {
        waiting += decode.end()
        if (waiting.slice(end).trim() !== '') {
          waiting += '\n\n'
          end = waiting.length
        }
      }
      const text = waiting.slice(0, end)
      waiting = waiting.slice(end)
      if (waiting.length > maximumBlock) throw new RangeError('An event of the stream has no end.')
      return { text, endOf: hasReturns ? endOfAny : endOfFeeds }
    },
  }
}

function endOfFeeds(this: EventText, start: number): number {
  const at = this.text.indexOf('\n\n', start)
  return at < 0 ? this.text.length : at + 2
}

function endOfAny(this: EventText, start: number): number {
  blockEnd.lastIndex = start
  return blockEnd.test(this.text) ? blockEnd.lastIndex : this.text.length
}

const none: EventText = { text: '', endOf: endOfFeeds }

const whole = new TextDecoder('utf-8', { ignoreBOM: true })

/** Decodes what ends with a whole letter, as nearly all does, by itself: what remembers half a letter takes twice as long. */
function decoder() {
  let halves: TextDecoder | null = null
  let hasBegun = false
  let isWaiting = false
  const next = (bytes: Uint8Array): string => {
    const isWhole = (bytes.at(-1) as number) < 0x80
    if (!isWaiting && isWhole) return whole.decode(bytes)
    isWaiting = !isWhole
    halves ??= new TextDecoder('utf-8', { ignoreBOM: true })
    return halves.decode(bytes, { stream: true })
  }
  return {
    push(bytes: Uint8Array): string {
      if (bytes.length === 0) return ''
      const text = next(bytes)
      if (hasBegun || text === '') return text
      hasBegun = true
      // A mark of the order of bytes may begin the stream, and nothing else of it.
      return text.startsWith('\ufeff') ? text.slice(1) : text
    },
    end: () => halves?.decode() ?? '',
  }
}

/** The data of a block; `null` for a comment, and for a block without data. */
export function dataOf(block: string): string | null {
  // Nearly all are one line of data.
  if (block.startsWith('data: ') && block.indexOf('\n') === block.length - 2 && !block.includes('\r'))
    return block.slice(6, -2)
  let data: string | null = null
  for (const line of block.split(/\r\n|\n|\r/)) {
    if (!line.startsWith('data:')) continue
    const value = line.slice(line[5] === ' ' ? 6 : 5)
    data = data === null ? value : `${data}\n${value}`
  }
  return data
}
