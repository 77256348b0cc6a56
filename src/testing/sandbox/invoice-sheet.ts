/** What an invoice says, in words. */
export interface InvoiceSheet {
  /** What people call it. */
  readonly number: string
  /** Where it stands, in a word. */
  readonly stamp: string
  readonly facts: readonly (readonly [label: string, value: string])[]
  readonly seller: string
  readonly buyer: readonly string[]
  readonly rows: readonly InvoiceRow[]
  /** What it comes to; the last two are what counts. */
  readonly totals: readonly (readonly [label: string, value: string])[]
}

export interface InvoiceRow {
  readonly description: string
  readonly period: string
  readonly quantity: string
  readonly amount: string
}

/** One piece of text on the page. Measures are points; the origin is at the lower left. */
interface Text {
  readonly x: number
  readonly y: number
  readonly size: number
  readonly bold?: boolean
  readonly value: string
  /** Ends at `x` rather than begins there. */
  readonly end?: boolean
}

const pageWidth = 595
const pageHeight = 842
const margin = 56
const rightEdge = pageWidth - margin
const rowHeight = 34
const rowsOnFirstPage = 11
const rowsOnOtherPages = 18

/** An invoice as a PDF: its lines, what they come to and where the invoice stands. Latin text only. */
export function invoicePdfOf(sheet: InvoiceSheet): Uint8Array {
  const pages = inPages(sheet.rows).map((rows, index, all) => {
    const top = index === 0 ? 560 : pageHeight - margin - 40
    return [
      ...(index === 0 ? heading(sheet) : []),
      ...rowTexts(rows, top),
      ...(index === all.length - 1 ? totals(sheet, top - rows.length * rowHeight) : []),
      {
        x: margin,
        y: 32,
        size: 9,
        value: `${sheet.number} · Sandbox: no money moved · Page ${index + 1} of ${all.length}`,
      },
    ]
  })
  return assemble(pages)
}

function inPages(rows: readonly InvoiceRow[]): readonly (readonly InvoiceRow[])[] {
  const pages = [rows.slice(0, rowsOnFirstPage)]
  for (let start = rowsOnFirstPage; start < rows.length; start += rowsOnOtherPages) {
    pages.push(rows.slice(start, start + rowsOnOtherPages))
  }
  return pages
}

function heading({ stamp, facts, seller, buyer }: InvoiceSheet): Text[] {
  return [
    { x: margin, y: 772, size: 22, bold: true, value: 'Invoice' },
    { x: rightEdge, y: 772, size: 14, bold: true, value: stamp, end: true },
    ...facts.flatMap(([label, value], index) => [
      { x: margin, y: 742 - index * 16, size: 10, bold: true, value: label },
      { x: margin + 100, y: 742 - index * 16, size: 10, value },
    ]),
    { x: margin, y: 676, size: 11, bold: true, value: seller },
    { x: margin + 250, y: 676, size: 11, bold: true, value: 'Bill to' },
    ...buyer.slice(0, 5).map((value, index) => ({ x: margin + 250, y: 660 - index * 14, size: 10, value })),
    { x: margin, y: 590, size: 10, bold: true, value: 'Description' },
    { x: 400, y: 590, size: 10, bold: true, value: 'Quantity', end: true },
    { x: rightEdge, y: 590, size: 10, bold: true, value: 'Amount', end: true },
  ]
}

function rowTexts(rows: readonly InvoiceRow[], top: number): Text[] {
  return rows.flatMap(({ description, period, quantity, amount }, index) => {
    const y = top - index * rowHeight
    return [
      { x: margin, y, size: 10, value: shortened(description) },
      { x: margin, y: y - 13, size: 8, value: period },
      { x: 400, y, size: 10, value: quantity, end: true },
      { x: rightEdge, y, size: 10, value: amount, end: true },
    ]
  })
}

function totals({ totals: rows }: InvoiceSheet, top: number): Text[] {
  return rows.flatMap(([label, value], index) => {
    const last = index >= rows.length - 2
    const y = top - 16 - index * 18
    return [
      { x: 400, y, size: 10, bold: last, value: label, end: true },
      { x: rightEdge, y, size: 10, bold: last, value, end: true },
    ]
  })
}

function shortened(value: string): string {
  return value.length > 54 ? `${value.slice(0, 53)}…` : value
}

/** The file: a catalog, the pages with their streams, two of the fonts every reader has, and where each object begins. */
function assemble(pages: readonly (readonly Text[])[]): Uint8Array {
  const first = 5
  const kids = pages.map((_, index) => `${first + index * 2} 0 R`).join(' ')
  const objects = [
    '<< /Type /Catalog /Pages 2 0 R >>',
    `<< /Type /Pages /Kids [${kids}] /Count ${pages.length} >>`,
    '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>',
    '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica-Bold /Encoding /WinAnsiEncoding >>',
    ...pages.flatMap((texts, index) => {
      const stream = texts.map(draw).join('\n')
      return [
        `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 ${pageWidth} ${pageHeight}] /Resources << /Font << /F1 3 0 R /F2 4 0 R >> >> /Contents ${first + index * 2 + 1} 0 R >>`,
        `<< /Length ${stream.length} >>\nstream\n${stream}\nendstream`,
      ]
    }),
  ]
  let file = '%PDF-1.4\n'
  const offsets = objects.map((object, index) => {
    const at = file.length
    file += `${index + 1} 0 obj\n${object}\nendobj\n`
    return at
  })
  const table = offsets.map((at) => `${String(at).padStart(10, '0')} 00000 n \n`).join('')
  file += `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${table}`
  file += `trailer\n<< /Size ${objects.length + 1} /Root 1 0 R >>\nstartxref\n${file.lastIndexOf('xref\n')}\n%%EOF\n`
  return Buffer.from(file, 'latin1')
}

function draw({ x, y, size, bold, value, end }: Text): string {
  const bytes = winAnsi(value)
  const left = end === true ? x - widthOf(bytes, size) : x
  const escaped = bytes.replace(/[\\()]/g, (character) => `\\${character}`)
  return `BT /F${bold ? 2 : 1} ${size} Tf ${left.toFixed(2)} ${y} Td (${escaped}) Tj ET`
}

const beyondLatin1: Readonly<Record<string, string>> = {
  '€': '\x80',
  '…': '\x85',
  '–': '\x96',
  '—': '\x97',
  '‘': '\x91',
  '’': '\x92',
  '“': '\x93',
  '”': '\x94',
  '×': '\xd7',
  '·': '\xb7',
}

/** Text in the encoding of the fonts; what they do not have becomes a question mark. */
function winAnsi(value: string): string {
  return [...value]
    .map(
      (character) =>
        beyondLatin1[character] ??
        (character === '\u00a0' ? ' ' : /[\x20-\x7e\xa1-\xff]/.test(character) ? character : '?'),
    )
    .join('')
}

/** About as wide as Helvetica: digits and most capitals are known exactly, which is what stands in columns. */
function widthOf(value: string, size: number): number {
  const units = [...value].reduce((sum, character) => sum + unitsOf(character), 0)
  return (units * size) / 1000
}

function unitsOf(character: string): number {
  if (/[0-9$\x80+]/.test(character)) return 556
  if (/[.,:; ]/.test(character)) return 278
  if (character === '-') return 333
  if (/[A-Z]/.test(character)) return /[MW]/.test(character) ? 850 : character === 'I' ? 278 : 690
  return /[ijl]/.test(character) ? 222 : /[mw]/.test(character) ? 800 : 530
}
