import { dataOf } from './event-stream.js'
import type { Seen, StreamWatch } from './protocols/protocol.js'

/** So many templates in a row that fitted nothing: each event of this stream has something of its own. */
const maximumMisses = 3
/** What a JSON text cannot hold as it is. */
const escaped = /["\\\p{Cc}]/u

/** What is known of a stream from its blocks until now. */
export interface BlockWatch extends Pick<StreamWatch, 'usage' | 'inputUsage'> {
  /** A block that stands in a text. @returns `null` for one without data */
  see(text: string, start: number, end: number): Seen | null
}

/**
 * Watches a stream without parsing what it has parsed before: most blocks of a stream differ from the last one in their text alone. One
 * that begins and ends as the last did, with a plain JSON text in between, says the same with another text.
 */
export function alikeEvents(watch: StreamWatch): BlockWatch {
  let before = ''
  let after = ''
  let misses = 0
  let isKnown = false

  /** Learns what comes before and after the text, and proves it on another text. */
  const learn = (block: string, { text, isForwarded }: Seen): void => {
    isKnown = false
    const quoted = JSON.stringify(text)
    const at = block.indexOf(quoted)
    if (!isForwarded || at < 0 || block.indexOf(quoted, at + 1) >= 0) return
    before = block.slice(0, at + 1)
    after = block.slice(at + quoted.length - 1)
    const other = watch.see(dataOf(`${before}another text${after}`) ?? '')
    isKnown = other.text === 'another text' && other.isForwarded && !other.isLast
    misses += 1
  }

  return {
    ...watch,
    see(text, start, end) {
      const from = start + before.length
      const to = end - after.length
      // Pieces that are equal are found so in half the time that `startsWith` takes.
      if (isKnown && from < to && text.slice(start, from) === before && text.slice(to, end) === after) {
        const said = text.slice(from, to)
        if (!escaped.test(said)) {
          misses = 0
          return { text: said, isForwarded: true, isLast: false }
        }
      }
      const block = text.slice(start, end)
      const data = dataOf(block)
      if (data === null) return null
      const seen = watch.see(data)
      // What tells of usage is looked at by itself always.
      if (seen.text !== '' && misses < maximumMisses && watch.usage() === null) learn(block, seen)
      return seen
    },
  }
}
