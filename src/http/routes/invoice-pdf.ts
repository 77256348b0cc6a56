import { z } from '@hono/zod-openapi'
import { BillingError } from '../../index.js'
import { type App, addRoute, type Served } from '../app.js'
import { part } from '../billing.js'
import { gathered } from '../body.js'
import { problem, problems } from '../contract/fields.js'
import { invoicePath } from '../contract/invoice.js'
import { RequestError } from '../request-error.js'

const read = { scope: 'billing:read', account: 'own', needs: 'invoices' } as const
const notReady = {
  description: 'It is being made: ask again after `Retry-After` seconds.',
  content: { 'application/problem+json': { schema: problem } },
}
const pdfBytes = {
  description: 'The PDF.',
  content: { 'application/pdf': { schema: z.string().openapi({ format: 'binary' }) } },
}
/** More than any invoice has. */
const maximumBytes = 20 * 1_048_576
const patienceMs = 20_000

/** An invoice as a PDF: where it is, or its bytes. */
export function addInvoicePdfRoutes(app: App, served: Served): void {
  const { billing } = served
  const found = async (accountId: string, id: string) => {
    const pdf = await part(billing, 'invoices').pdf({ accountId, id })
    if (pdf.status !== 'not_ready') return pdf
    const seconds = Math.max(1, Math.ceil(pdf.retryAfterMs / 1000))
    throw new RequestError('not_ready', 'The PDF is being made.', { 'retry-after': String(seconds) })
  }
  addRoute(
    app,
    served,
    read,
    {
      method: 'get',
      path: '/invoices/{invoice_id}/pdf',
      summary: 'Leads to the PDF of an invoice',
      request: { params: invoicePath },
      responses: {
        200: { ...pdfBytes, description: 'The PDF, where it is drawn here.' },
        302: { description: 'Where the PDF is.' },
        ...problems,
        503: notReady,
      },
    },
    async (context) => {
      const id = context.req.valid('param').invoice_id
      const pdf = await found(context.var.accountId, id)
      if (pdf.status === 'ready') return context.redirect(pdf.url, 302)
      return context.body(exactly(pdf.bytes), 200, attached(id))
    },
  )
  addRoute(
    app,
    served,
    read,
    {
      method: 'get',
      path: '/invoices/{invoice_id}/download_pdf',
      summary: 'The PDF of an invoice',
      request: { params: invoicePath },
      responses: {
        200: pdfBytes,
        ...problems,
        503: notReady,
      },
    },
    async (context) => {
      const id = context.req.valid('param').invoice_id
      const pdf = await found(context.var.accountId, id)
      const bytes = pdf.status === 'ready' ? await download(served, pdf.url) : exactly(pdf.bytes)
      return context.body(bytes, 200, attached(id))
    },
  )
}

function attached(id: string) {
  return {
    'content-type': 'application/pdf',
    'content-disposition': `attachment; filename="${id.replace(/[^\w.-]/g, '_')}.pdf"`,
  }
}

/** The bytes in a buffer of their own. */
function exactly(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes)
}

/** Read from the address that the provider said, and handed on only if it is a PDF. */
async function download(served: Served, url: string): Promise<Uint8Array<ArrayBuffer>> {
  let bytes: Uint8Array<ArrayBuffer> | null
  try {
    const response = await served.fetch(url, { signal: AbortSignal.timeout(patienceMs) })
    if (!response.ok) throw new Error(`answered ${response.status}`)
    bytes = response.body && (await gathered(response.body as unknown as AsyncIterable<Uint8Array>, maximumBytes))
  } catch (cause) {
    throw new BillingError('provider_unavailable', 'The provider did not hand out the PDF.', { cause })
  }
  if (bytes && new TextDecoder('latin1').decode(bytes.subarray(0, 5)) === '%PDF-') return bytes
  throw new BillingError('provider_response_invalid', 'The provider handed out something else than a PDF.')
}
