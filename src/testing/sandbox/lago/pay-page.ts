import { html } from 'hono/html'
import { messagePage, pageResponse, toConsole } from '../page.js'
import { cardChoices } from '../stripe/card-choices.js'
import { testCardNumbered } from '../stripe/test-cards.js'
import { collect, isBeingPaid } from './invoice-collection.js'
import { invoiceBadge, invoiceRows, money } from './invoice-markup.js'
import { invoices, type LagoInvoice, numberOf, totalCents } from './invoices.js'
import type { LagoWorld } from './world.js'

/** `GET` and `POST /lago/pay/:invoice`: the payment service's page for one invoice. */
export async function payPage(world: LagoWorld, request: Request, id: string): Promise<Response> {
  const invoice = invoices(world).get(id)
  if (invoice === undefined || invoice.status === 'draft')
    return messagePage('Nothing here', 'There is no such invoice.', 404, toConsole)
  if (request.method !== 'POST') return show(world, invoice)
  const card = testCardNumbered(new URLSearchParams(await request.text()).get('card') ?? '')
  if (card === undefined) return show(world, invoice, 'Your card number is incorrect. Pick one of the test cards.')
  const payment = world.journal.commit(() => (isBeingPaid(world, id) ? undefined : collect(world, id, { card })))
  const after = invoices(world).get(id) ?? invoice
  if (payment?.status === 'failed') return show(world, after, card.decline?.message ?? 'Your card was declined.')
  return show(world, after)
}

function show(world: LagoWorld, invoice: LagoInvoice, problem?: string): Promise<Response> {
  const isOwed = invoice.status === 'finalized' && invoice.payment_status !== 'succeeded'
  const waits = isBeingPaid(world, invoice.lago_id)
  const due = money(isOwed ? totalCents(invoice) : 0, invoice)
  return pageResponse(
    `Invoice ${numberOf(world, invoice)} · ${world.merchantName}`,
    html`<section class="card narrow wide">
<p class="spread"><span class="muted">${world.merchantName}</span>${invoiceBadge(invoice)}</p>
<h1 class="amount">${money(totalCents(invoice), invoice)}</h1>
<p class="muted small">Invoice ${numberOf(world, invoice)}</p>
${waits ? html`<p class="notice" role="status">The bank is working on this payment.</p>` : ''}
${invoiceRows(invoice)}</section>
${
  isOwed && !waits
    ? html`<section class="card narrow wide"><h2>Pay this invoice</h2>
${problem === undefined ? '' : html`<p class="alert" role="alert">${problem}</p>`}
<form method="post" action="/lago/pay/${invoice.lago_id}">${cardChoices({ legend: 'Pay with' })}
<div class="actions"><button class="primary" type="submit">Pay ${due}</button></div></form></section>`
    : ''
}`,
    problem === undefined ? 200 : 402,
  )
}
