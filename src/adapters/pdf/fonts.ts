import { BillingError } from '../../core/errors.js'
import { textRuns } from './text-runs.js'

/** A document of pdfkit's, as far as text is concerned. */
export type TextDocument = PDFKit.PDFDocument

/** What is asked of a font of fontkit's. */
interface Coverage {
  hasGlyphForCodePoint(codePoint: number): boolean
}

/** Draws lines of text in whatever fonts have its characters. */
export interface Typesetter {
  width(text: string, size: number): number
  draw(text: string, x: number, y: number, size: number, color?: string): void
  /** The text in lines that are no wider. */
  wrap(text: string, size: number, maximum: number): readonly string[]
}

/** A font file, and which of its fonts where it is a collection. */
export interface InvoiceFont {
  readonly data: Uint8Array
  /** The PostScript name, such as `NotoSansCJKsc-Regular`, of one in a collection (`.ttc`). */
  readonly name?: string
}

// Asked for by name, a run is shaped as a whole and not word by word, which is what text from the right needs.
const features: PDFKit.Mixins.OpenTypeFeatures[] = ['kern', 'liga']

/** Scripts whose letters move or merge when they are shaped, beside those from the right. */
const reordering =
  /[\p{Script=Devanagari}\p{Script=Bengali}\p{Script=Gurmukhi}\p{Script=Gujarati}\p{Script=Oriya}\p{Script=Tamil}\p{Script=Telugu}\p{Script=Kannada}\p{Script=Malayalam}\p{Script=Sinhala}\p{Script=Thai}\p{Script=Lao}\p{Script=Tibetan}\p{Script=Myanmar}\p{Script=Khmer}]/u

export function typesetter(document: TextDocument, fonts: readonly InvoiceFont[]): Typesetter {
  const coverage = fonts.map(({ data, name }, place) => {
    const source = Buffer.from(data)
    if (name === undefined) document.registerFont(String(place), source)
    else document.registerFont(String(place), source, name)
    document.font(String(place))
    return (document as unknown as { _font: { font: Coverage } })._font.font
  })

  function fontOf(character: string): number {
    const code = character.codePointAt(0) ?? 0
    const place = coverage.findIndex((font) => font.hasGlyphForCodePoint(code))
    if (place >= 0) return place
    const codePoint = `U+${code.toString(16).toUpperCase().padStart(4, '0')}`
    const message = `No font has ${character} (${codePoint}): give pdfRenderer one that does in \`fonts\`.`
    throw new BillingError('option_unsupported', message, { details: { character, codePoint } })
  }

  const runsOf = (text: string) => textRuns(clean(text), fontOf)
  const runWidth = (text: string, font: number, size: number) =>
    document.font(String(font)).fontSize(size).widthOfString(text, { features })

  function width(text: string, size: number): number {
    return runsOf(text).reduce((sum, run) => sum + runWidth(run.text, run.font, size), 0)
  }

  return {
    width,
    draw(text, x, y, size, color = '#111111') {
      let place = x
      for (const run of runsOf(text)) {
        const length = runWidth(run.text, run.font, size)
        document.fillColor(color)
        const draw = () =>
          // By the baseline: fonts differ in how much they rise above it.
          document.text(run.text, place, y + size, { lineBreak: false, baseline: 'alphabetic', features })
        if (reordering.test(run.text)) saying(document, run.text, draw)
        else draw()
        place += length
      }
    },
    wrap(text, size, maximum) {
      const lines: string[] = []
      let line = ''
      for (const piece of pieces(clean(text))) {
        if (line !== '' && width(line + piece.trimEnd(), size) > maximum) {
          lines.push(line.trimEnd())
          line = ''
        }
        line = line === '' ? piece.trimStart() : line + piece
        while (width(line.trimEnd(), size) > maximum) {
          const fitting = longestFitting(line, (start) => width(start, size) <= maximum)
          lines.push(fitting)
          line = line.slice(fitting.length)
        }
      }
      if (line.trimEnd() !== '' || lines.length === 0) lines.push(line.trimEnd())
      return lines
    },
  }
}

/** Where lines may break: between words, which not every script parts by spaces. */
function pieces(text: string): readonly string[] {
  const result: string[] = []
  for (const { segment, isWordLike } of new Intl.Segmenter(undefined, { granularity: 'word' }).segment(text)) {
    const before = result.at(-1)
    const isWord = isWordLike && (before === undefined || /\s$/u.test(before) || isUnspaced(before))
    if (before === undefined || isWord) result.push(segment)
    else result[result.length - 1] = before + segment
  }
  return result
}

function isUnspaced(text: string): boolean {
  return /[\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]\P{L}*$/u.test(
    text,
  )
}

/** At least one character, as people see characters. */
function longestFitting(text: string, fits: (start: string) => boolean): string {
  let start = ''
  for (const { segment } of new Intl.Segmenter(undefined, { granularity: 'grapheme' }).segment(text)) {
    if (start !== '' && !fits(start + segment)) return start
    start += segment
  }
  return start
}

/** Line breaks, tabs and other control characters are spaces on an invoice. */
function clean(text: string): string {
  return text.normalize('NFC').replace(/\p{Cc}+/gu, ' ')
}

/**
 * Draws text that says what it reads, since glyphs that were put in another order, or made of several characters, do not say that by
 * themselves. Readers go by where they are when it is said, so it is said within the text object and not around it.
 */
function saying(document: TextDocument, text: string, draw: () => void): void {
  const utf16 = Array.from({ length: text.length }, (_, at) => text.charCodeAt(at).toString(16).padStart(4, '0'))
  const { addContent } = document
  document.addContent = (data) => {
    if (data === 'ET') addContent.call(document, 'EMC')
    addContent.call(document, data)
    if (data === 'BT') addContent.call(document, `/Span <</ActualText <feff${utf16.join('')}>>> BDC`)
    return document
  }
  try {
    draw()
  } finally {
    document.addContent = addContent
  }
}
