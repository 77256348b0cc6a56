import type { Seen, StreamWatch } from './protocols/protocol.js'

/** So many templates in a row that fitted nothing: each event of this stream has something of its own. */
const maximumMisses = 3
/** What a JSON text cannot hold as it is. */
const escaped = /["\\\p{Cc}]/u

/**
 * Watches a stream without parsing what it has parsed before: most events of a stream differ from the last one in their text alone. One
 * that begins and ends as the last did, with a plain JSON text in between, says the same with another text.
 */
export function alikeEvents(watch: StreamWatch): StreamWatch {
  let before = ''
  let after = ''
  let misses = 0
  let isKnown = false

  /** Learns what comes before and after the text, and proves it on another text. */
  const learn = (data: string, { text, isForwarded }: Seen): void => {
    isKnown = false
    const quoted = JSON.stringify(text)
    const at = data.indexOf(quoted)
    if (!isForwarded || at < 0 || data.indexOf(quoted, at + 1) >= 0) return
    before = data.slice(0, at + 1)
    after = data.slice(at + quoted.length - 1)
    const other = watch.see(`${before}another text${after}`)
    isKnown = other.text === 'another text' && other.isForwarded && !other.isLast
    misses += 1
  }

  return {
    ...watch,
    see(data) {
      if (isKnown && data.length > before.length + after.length) {
        const text = data.slice(before.length, -after.length)
        // Pieces that are equal are found so in half the time that `startsWith` takes.
        const isAlike = data.slice(0, before.length) === before && data.slice(-after.length) === after
        if (isAlike && !escaped.test(text)) {
          misses = 0
          return { text, isForwarded: true, isLast: false }
        }
      }
      const seen = watch.see(data)
      // What tells of usage is looked at by itself always.
      if (seen.text !== '' && misses < maximumMisses && watch.usage() === null) learn(data, seen)
      return seen
    },
  }
}
