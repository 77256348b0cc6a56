import { readFile } from 'node:fs/promises'
import PDFDocument from 'pdfkit'
import type { Invoice } from '../core/ports/capabilities/invoices.js'
import type { InvoiceRenderer } from '../core/ports/invoice-renderer.js'
import { type InvoiceFont, typesetter } from './pdf/fonts.js'
import { englishLabels, type InvoiceLabels } from './pdf/labels.js'
import { drawInvoice } from './pdf/layout.js'

export type { InvoiceFont } from './pdf/fonts.js'
export type { InvoiceLabels } from './pdf/labels.js'

/** What the PDF renderer is told. */
export interface PdfRendererOptions {
  /** Fonts for what the shipped one lacks, which has Latin, Greek and Cyrillic. The first that has a character draws it. */
  readonly fonts?: readonly InvoiceFont[]
  /** Other words, in another language say. Default: English. */
  readonly labels?: Partial<InvoiceLabels>
  /** What stands below the sums, a paragraph each: how to pay, what the law wants. */
  readonly notes?: (invoice: Invoice) => readonly string[]
  /** Default `A4`. */
  readonly size?: 'A4' | 'LETTER'
}

/** Beside the package's code, in `src` and in `dist` alike. */
const shipped = new URL('../../fonts/NotoSans-invoice.ttf', import.meta.url)

/**
 * Draws invoices with pdfkit. The same invoice gives the same bytes.
 *
 * @example const billing = createBilling({ store, invoiceRenderer: pdfRenderer(), … })
 */
export function pdfRenderer({ fonts = [], labels, notes, size = 'A4' }: PdfRendererOptions = {}): InvoiceRenderer {
  let own: Promise<Uint8Array> | undefined
  return {
    async render(invoice) {
      own ??= readFile(shipped)
      const date = new Date(invoice.finalizedAt ?? invoice.createdAt)
      const title = invoice.number ?? invoice.externalId
      const info = { Title: title, CreationDate: date, ModDate: date, Producer: 'billfold', Creator: 'billfold' }
      const document = new PDFDocument({ size, margin: 0, info, font: '' })
      const chunks: Uint8Array[] = []
      const ended = new Promise((resolve, reject) => {
        document.on('data', (chunk: Uint8Array) => chunks.push(chunk))
        document.on('end', resolve)
        document.on('error', reject)
      })
      const type = typesetter(document, [{ data: await own }, ...fonts])
      const words = { ...englishLabels, ...labels }
      drawInvoice(document, type, invoice, { labels: words, notes: notes?.(invoice) ?? [] })
      document.end()
      await ended
      return new Uint8Array(Buffer.concat(chunks))
    },
  }
}
