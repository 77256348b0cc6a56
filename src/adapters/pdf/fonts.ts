import { BillingError } from '../../core/errors.js'
import { directionMark, type TextRun, textRuns } from './text-runs.js'

/** A document of pdfkit's, as far as text is concerned. */
export type TextDocument = PDFKit.PDFDocument

/** What is asked of a font of fontkit's. */
interface ShapingFont {
  hasGlyphForCodePoint(codePoint: number): boolean
  layout(text: string, features: unknown, script?: string, language?: string, direction?: TextRun['direction']): unknown
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
  let direction: TextRun['direction'] = 'ltr'
  const coverage = fonts.map((given, place) => {
    const font = openFont(document, given, place)
    const shape = font.layout.bind(font)
    // By itself fontkit guesses which way a run goes, and draws Arabic numbers backwards. pdfkit has no word for it.
    font.layout = (text, wanted) => shape(text, wanted, undefined, undefined, direction)
    return font
  })

  const places = new Map<string, number>()
  function fontOf(character: string): number {
    const known = places.get(character)
    if (known !== undefined) return known
    const code = character.codePointAt(0) ?? 0
    const place = coverage.findIndex((font) => font.hasGlyphForCodePoint(code))
    if (place >= 0) {
      places.set(character, place)
      return place
    }
    const codePoint = `U+${code.toString(16).toUpperCase().padStart(4, '0')}`
    const message = `No font has ${character} (${codePoint}): give pdfRenderer one that does in \`fonts\`.`
    throw new BillingError('option_unsupported', message, { details: { character, codePoint } })
  }

  const runsOf = (text: string) => textRuns(clean(text), fontOf)
  const runWidth = (run: TextRun, size: number) => {
    direction = run.direction
    return document.font(String(run.font)).fontSize(size).widthOfString(run.text, { features })
  }

  const widths = new Map<string, number>()
  function width(text: string, size: number): number {
    const known = widths.get(`${size} ${text}`)
    if (known !== undefined) return known
    const sum = runsOf(text).reduce((total, run) => total + runWidth(run, size), 0)
    widths.set(`${size} ${text}`, sum)
    return sum
  }

  return {
    width,
    draw(text, x, y, size, color = '#111111') {
      let place = x
      for (const run of runsOf(text)) {
        const length = runWidth(run, size)
        document.fillColor(color)
        const draw = () =>
          // By the baseline: fonts differ in how much they rise above it.
          document.text(run.text, place, y + size, { lineBreak: false, baseline: 'alphabetic', features })
        if (run.reads !== run.text || reordering.test(run.text)) saying(document, run.reads, draw)
        else draw()
        place += length
      }
    },
    wrap(text, size, maximum) {
      const cleaned = clean(text)
      const mark = directionMark(cleaned)
      const fits = (line: readonly string[]) => width(line.join('').trim(), size) <= maximum
      const lines: string[] = []
      for (let rest = pieces(cleaned); rest.length > 0; ) {
        const [first = '', ...others] = rest
        // A piece that is longer than a line is broken between characters, as people see characters.
        const parts = fits([first]) ? rest : graphemesOf(first)
        const count = Math.max(1, longestStart(parts, fits))
        lines.push(mark + parts.slice(0, count).join('').trim())
        rest = parts === rest ? rest.slice(count) : [...joinedRest(parts, count), ...others]
      }
      return lines.length === 0 ? [''] : lines
    },
  }
}

/** How many parts fit from the start on: more and more are tried, so that what is measured is never much longer than a line. */
function longestStart(parts: readonly string[], fits: (start: readonly string[]) => boolean): number {
  let least = 0
  let above = 1
  while (above <= parts.length && fits(parts.slice(0, above))) {
    least = above
    above *= 2
  }
  above = Math.min(above, parts.length + 1)
  while (above - least > 1) {
    const middle = (least + above) >> 1
    if (fits(parts.slice(0, middle))) least = middle
    else above = middle
  }
  return least
}

function joinedRest(parts: readonly string[], count: number): readonly string[] {
  return count < parts.length ? [parts.slice(count).join('')] : []
}

/** @throws BillingError `config_invalid` */
function openFont(document: TextDocument, { data, name }: InvoiceFont, place: number): ShapingFont {
  try {
    const source = Buffer.from(data)
    if (name === undefined) document.registerFont(String(place), source)
    else document.registerFont(String(place), source, name)
    document.font(String(place))
    return (document as unknown as { _font: { font: ShapingFont } })._font.font
  } catch (cause) {
    const which = `fonts[${place - 1}]${name === undefined ? '' : ` (${name})`}`
    throw new BillingError('config_invalid', `pdfRenderer(): ${which} cannot be read as a font.`, { cause })
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

function graphemesOf(text: string): readonly string[] {
  return Array.from(new Intl.Segmenter(undefined, { granularity: 'grapheme' }).segment(text), ({ segment }) => segment)
}

/** Line breaks, tabs and other control characters are spaces on an invoice. */
function clean(text: string): string {
  return text.normalize('NFC').replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')
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
