import { messagePage, toConsole } from '../page.js'
import { invoicePdf } from './invoice-pdf.js'
import { invoices } from './invoices.js'
import { payPage } from './pay-page.js'
import { portalPage } from './portal-page.js'
import { setupPage } from './setup-page.js'
import type { LagoTwin } from './twin.js'

const pagePath = /^\/lago\/(portal|setup|pay|files)\/([\w.-]+)(?:\/(\w+))?$/

/** Whether an address is that of a page, and not of the API. */
export function isLagoPage(path: string): boolean {
  return pagePath.test(path)
}

/** Where Lago's links lead: the customer portal, the page to leave a payment method, the one to pay an invoice, and its PDF. */
export async function handleLagoPage(twin: LagoTwin, request: Request, path: string): Promise<Response> {
  const [, kind, id = '', action] = pagePath.exec(path) ?? []
  twin.tick()
  try {
    switch (kind) {
      case 'portal':
        return await portalPage(twin.world, request, id, action)
      case 'setup':
        return await setupPage(twin.world, request, id)
      case 'pay':
        return await payPage(twin.world, request, id)
      default:
        return await file(twin, id.replace(/\.pdf$/, ''))
    }
  } finally {
    setImmediate(() => twin.webhooks.wake())
  }
}

async function file({ world }: LagoTwin, id: string): Promise<Response> {
  const invoice = invoices(world).get(id)
  if (invoice === undefined || !invoice.hasFile)
    return messagePage('Nothing here', 'There is no such file.', 404, toConsole)
  return new Response(Buffer.from(invoicePdf(world, invoice)), {
    headers: {
      'content-type': 'application/pdf',
      'content-disposition': `inline; filename="Invoice-${invoice.sequence}.pdf"`,
      'cache-control': 'no-store',
    },
  })
}
