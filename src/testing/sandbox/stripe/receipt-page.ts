import { html } from 'hono/html'
import { formatDate, formatMoney, messagePage, pageResponse, toConsole } from '../page.js'
import { charges, payerOf } from './charges.js'
import { labelOf, paymentMethods } from './payment-methods.js'
import type { StripeTwin } from './twin.js'

/** `GET /receipt/:id`: what a charge's `receipt_url` leads to. */
export function handleReceiptPage({ world, tick }: StripeTwin, request: Request, path: string): Promise<Response> {
  tick()
  const charge = charges(world).get(path.split('/')[2] ?? '')
  if (charge?.paid !== true || request.method !== 'GET') {
    return messagePage('Nothing here', 'There is no such receipt.', 404, toConsole)
  }
  const method = paymentMethods(world).get(charge.payment_method)
  const payer = payerOf(world, charge)
  const money = (amount: number) => formatMoney(amount, charge.currency)
  return pageResponse(
    `Receipt · ${world.merchantName}`,
    html`<section class="card narrow">
<p class="spread"><span class="muted">${world.merchantName}</span>${charge.refunded ? html`<span class="badge warning">↩ Refunded</span>` : html`<span class="badge">✓ Paid</span>`}</p>
<h1 class="amount">${money(charge.amount_captured)}</h1>
<p class="muted">Paid on ${formatDate(charge.created)}${payer === null ? '' : ` by ${payer}`}</p>
<ul class="rows"><li><span>Payment method</span><span class="figure">${method === undefined ? '' : labelOf(world, method)}</span></li>
${charge.description === null ? '' : html`<li><span>For</span><span class="words">${charge.description}</span></li>`}
${charge.amount_refunded === 0 ? '' : html`<li><span>Refunded</span><span class="figure">${money(charge.amount_refunded)}</span></li>`}</ul></section>`,
  )
}
