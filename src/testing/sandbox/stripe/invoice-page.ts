import { html } from 'hono/html'
import { formatDate, formatMoney, messagePage, pageResponse, toConsole } from '../page.js'
import { invoices } from './invoices.js'
import type { StripeTwin } from './twin.js'

/** `GET /invoice/:id`: what an invoice's `hosted_invoice_url` leads to. */
export function handleInvoicePage({ world }: StripeTwin, request: Request, path: string): Promise<Response> {
  const invoice = invoices(world).get(path.split('/')[2] ?? '')
  if (invoice === undefined || request.method !== 'GET') {
    return messagePage('Nothing here', 'There is no such invoice.', 404, toConsole)
  }
  const paid = invoice.status === 'paid'
  return pageResponse(
    `Invoice ${invoice.number} · ${world.merchantName}`,
    html`<section class="card narrow wide">
<p class="spread"><span class="muted">${world.merchantName}</span>${paid ? html`<span class="badge">✓ Paid</span>` : html`<span class="badge warning">◷ Open</span>`}</p>
<h1 class="amount">${formatMoney(invoice.total, invoice.currency)}</h1>
<p class="muted">Invoice ${invoice.number} · ${formatDate(invoice.created)}${invoice.customer_email === null ? '' : ` · ${invoice.customer_email}`}</p>
<ul class="rows">
${invoice.lines.data.map((line) => html`<li><span>${line.description}<br><span class="muted small">${formatDate(line.period.start)} to ${formatDate(line.period.end)}</span></span><span class="figure">${formatMoney(line.amount, line.currency)}</span></li>`)}
<li class="total"><span>${paid ? 'Paid' : 'Due'}</span><span class="figure">${formatMoney(paid ? invoice.amount_paid : invoice.amount_remaining, invoice.currency)}</span></li>
</ul></section>`,
  )
}
