import bidiFactory from 'bidi-js'

/** A piece of text that is shaped by itself: of one font and one direction. */
export interface TextRun {
  readonly text: string
  /** The place of its font in the list. */
  readonly font: number
  readonly direction: 'ltr' | 'rtl'
  /** What it reads, where that is not what is drawn: a bracket that is turned round. */
  readonly reads: string
}

// Its types speak of a module whose default is the function; what Node and bundlers import is the function.
const bidi = (bidiFactory as unknown as typeof bidiFactory.default)()

/** Before the first letters that go leftwards: nothing has to be worked out. */
const goesRight = /^[\0-\u058f]*$/
/** Said to the bidirectional algorithm, and never drawn. */
const directionMarks = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u
/** Belong to what they follow, or they would not be shaped with it: marks, joiners, spaces, what is not seen. */
const following = /[\p{M}\p{Cf}\s\p{Default_Ignorable_Code_Point}]/u

/**
 * Text in the order in which it is drawn from left to right, in pieces of one font and one direction. A line goes the way of its first
 * letter.
 *
 * @param fontOf the first font that has a character
 * @see https://www.unicode.org/reports/tr9/
 */
export function textRuns(text: string, fontOf: (character: string) => number): readonly TextRun[] {
  const levels = goesRight.test(text) ? new Uint8Array(text.length) : bidi.getEmbeddingLevels(text).levels
  const turned = bidi.getMirroredCharactersMap(text, levels)
  const runs: (TextRun & { readonly level: number })[] = []
  let at = 0
  for (const character of text) {
    const level = levels[at] ?? 0
    const other = turned.get(at)
    at += character.length
    if (directionMarks.test(character)) continue
    const last = runs.at(-1)
    const font = last && following.test(character) ? last.font : fontIfSeen(other ?? character, fontOf)
    if (font === null) continue
    // By itself and from the left, since some fonts turn it round once more where they are told that it goes from the right.
    if (other !== undefined) runs.push({ text: other, reads: character, font, direction: 'ltr', level })
    else if (last?.font === font && last.level === level && last.text === last.reads) {
      const longer = last.text + character
      runs[runs.length - 1] = { ...last, text: longer, reads: longer }
    } else runs.push({ text: character, reads: character, font, direction: level % 2 === 1 ? 'rtl' : 'ltr', level })
  }
  return inVisualOrder(runs)
}

/** Begins each line of a text that is broken, so that all of them go the way of the whole; nothing where there is but one way. */
export function directionMark(text: string): string {
  if (goesRight.test(text)) return ''
  const { levels, paragraphs } = bidi.getEmbeddingLevels(text)
  if (levels.every((level) => level === 0)) return ''
  return paragraphs[0]?.level === 1 ? '\u200f' : '\u200e'
}

/** Nothing is missed where what is not seen begins a line. */
function fontIfSeen(character: string, fontOf: (character: string) => number): number | null {
  return /\p{Default_Ignorable_Code_Point}/u.test(character) ? null : fontOf(character)
}

/** From the highest level down, each stretch of that level or a higher one is turned round: rule L2. */
function inVisualOrder<Run extends { readonly level: number }>(runs: readonly Run[]): readonly Run[] {
  let ordered = [...runs]
  for (let level = Math.max(0, ...runs.map((run) => run.level)); level > 0; level -= 1) {
    const next: Run[] = []
    let stretch: Run[] = []
    for (const run of ordered) {
      if (run.level >= level) stretch.unshift(run)
      else {
        next.push(...stretch, run)
        stretch = []
      }
    }
    ordered = [...next, ...stretch]
  }
  return ordered
}
