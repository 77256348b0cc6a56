/** A piece of text that is shaped by itself: of one font and one direction. */
export interface TextRun {
  readonly text: string
  /** The place of its font in the list. */
  readonly font: number
}

const rightToLeft = /[\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}]/u
const isNumber = /^[\p{Nd}.,:/%+-]*\p{Nd}[\p{Nd}.,:/%+-]*$/u

/**
 * Text in the order in which it is drawn from left to right, in pieces of one font each. What is written from the right stands in lines
 * that go from the left: within it words follow each other leftwards, while numbers keep their digits in order (Unicode's bidirectional
 * algorithm for a paragraph from the left, as far as one level goes).
 *
 * @param fontOf the first font that has a character
 */
export function textRuns(text: string, fontOf: (character: string) => number): readonly TextRun[] {
  return directedParts(text).flatMap((part) => byFont(part, fontOf))
}

function directedParts(text: string): readonly string[] {
  const words = text.split(/(\s+)/u)
  const parts: string[] = []
  for (let at = 0; at < words.length; ) {
    const first = words[at] ?? ''
    if (!rightToLeft.test(first)) {
      parts.push(first)
      at += 1
      continue
    }
    let end = at + 1
    for (let next = end; next < words.length; next += 1) {
      const word = words[next] ?? ''
      if (rightToLeft.test(word) || isNumber.test(word)) end = next + 1
      else if (!/^\s*$/u.test(word)) break
    }
    parts.push(...words.slice(at, end).flatMap(withoutNumbers).reverse())
    at = end
  }
  return joined(parts)
}

/** A number in a word from the right is drawn from the left. */
function withoutNumbers(word: string): readonly string[] {
  return word.split(/(\p{Nd}[\p{Nd}.,:/%]*\p{Nd}|\p{Nd})/u).filter((piece) => piece !== '')
}

/** Neighbours that go the same way, as one: a space between two letters from the right is reversed with them. */
function joined(parts: readonly string[]): readonly string[] {
  const result: string[] = []
  let isMixed = true
  for (const part of parts) {
    const goesLeft = rightToLeft.test(part)
    if (goesLeft || isMixed) result.push(part)
    else result[result.length - 1] = `${result.at(-1)}${part}`
    isMixed = goesLeft
  }
  return result
}

function byFont(text: string, fontOf: (character: string) => number): readonly TextRun[] {
  const runs: { text: string; font: number }[] = []
  for (const character of text) {
    const last = runs.at(-1)
    // Marks, joiners and spaces belong to what they follow, or they would not be shaped with it.
    const follows = last !== undefined && /^[\p{M}\p{Cf}\s]$/u.test(character)
    const font = follows ? last.font : fontOf(character)
    if (last && last.font === font) last.text += character
    else runs.push({ text: character, font })
  }
  return runs
}
