import { html } from 'hono/html'
import { formatDate, formatMoney, formatPeriod, type Markup, messagePage, pageResponse, toConsole } from '../page.js'
import { cardChoices } from './card-choices.js'
import { customers } from './customers.js'
import { collectInvoice } from './invoice-collection.js'
import { invoiceLines, type Line } from './invoice-lines.js'
import { type Invoice, invoices } from './invoice-object.js'
import { intentOf } from './invoice-payments.js'
import { invoicePdf } from './invoice-pdf.js'
import {
  attachPaymentMethod,
  createPaymentMethod,
  labelOf,
  methodsOf,
  noBillingDetails,
  paymentMethods,
} from './payment-methods.js'
import { testCardNumbered } from './test-cards.js'
import type { StripeTwin } from './twin.js'
import type { StripeWorld } from './world.js'

/** `GET /invoice/:id`, `GET /invoice/:id/pdf` and `POST /invoice/:id/pay`: where an invoice's addresses lead. */
export async function handleInvoicePage(
  { world, webhooks, tick }: StripeTwin,
  request: Request,
  path: string,
): Promise<Response> {
  const [, , id = '', action] = path.split('/')
  tick()
  const invoice = invoices(world).get(id)
  if (invoice === undefined || invoice.status === 'draft') {
    return messagePage('Nothing here', 'There is no such invoice.', 404, toConsole)
  }
  if (request.method === 'GET' && action === undefined) return show(world, invoice)
  if (request.method === 'GET' && action === 'pdf') return pdf(world, invoice)
  // The address of the form, from the address bar: the page the form is on.
  if (request.method === 'GET' && action === 'pay') {
    return new Response(null, { status: 303, headers: { location: `/invoice/${id}` } })
  }
  if (request.method !== 'POST' || action !== 'pay') {
    return messagePage('Nothing here', 'There is no such page.', 404, {
      href: `/invoice/${id}`,
      label: 'Back to the invoice',
    })
  }
  const form = new URLSearchParams(await request.text())
  const answer = world.journal.commit(() => pay(world, invoice, form.get('card') ?? ''))
  setImmediate(() => webhooks.wake())
  if (answer.kind === 'moved') return new Response(null, { status: 303, headers: { location: answer.location } })
  return show(world, invoices(world).get(id) ?? invoice, answer.problem)
}

type Answer =
  | { readonly kind: 'moved'; readonly location: string }
  | { readonly kind: 'refused'; readonly problem: string }

/** Pays with a saved method or a test card, which is saved with the customer. */
function pay(world: StripeWorld, invoice: Invoice, choice: string): Answer {
  const here = { kind: 'moved', location: `/invoice/${invoice.id}` } as const
  if (invoice.status !== 'open' && invoice.status !== 'uncollectible') return here
  const saved = paymentMethods(world).get(choice)
  const card = testCardNumbered(choice)
  if (saved?.customer !== invoice.customer && card === undefined) {
    return { kind: 'refused', problem: 'Your card number is incorrect. Pick one of the test cards.' }
  }
  const own = saved?.customer === invoice.customer ? saved : undefined
  const billing = { ...noBillingDetails, email: invoice.customer_email }
  const fresh = own === undefined && card !== undefined ? createPaymentMethod(world, { card, billing }) : undefined
  const keeps = fresh !== undefined && card?.refusesToBeSaved !== true && customers(world).has(invoice.customer)
  const method = own ?? (keeps ? attachPaymentMethod(world, fresh, invoice.customer) : fresh)
  const collection = collectInvoice(world, invoice, { method, offSession: false })
  if (collection.decline !== undefined) return { kind: 'refused', problem: collection.decline.message }
  if (collection.kind === 'requires_action' && collection.intent !== undefined) {
    return { kind: 'moved', location: `/authenticate/${collection.intent.id}` }
  }
  return here
}

function pdf(world: StripeWorld, invoice: Invoice): Response {
  const bytes = invoicePdf(invoice, linesOf(world, invoice))
  return new Response(Buffer.from(bytes), {
    headers: {
      'content-type': 'application/pdf',
      'content-disposition': `inline; filename="Invoice-${invoice.number ?? invoice.id}.pdf"`,
      'cache-control': 'no-store',
    },
  })
}

function show(world: StripeWorld, invoice: Invoice, problem?: string): Promise<Response> {
  const money = (amount: number) => formatMoney(amount, invoice.currency)
  const discount = invoice.total_discount_amounts.reduce((sum, { amount }) => sum + amount, 0)
  const tax = invoice.total_taxes.reduce((sum, { amount }) => sum + amount, 0)
  const paid = invoice.status === 'paid'
  const shown = paid ? invoice.amount_paid : invoice.amount_remaining
  return pageResponse(
    `Invoice ${invoice.number} · ${world.merchantName}`,
    html`<section class="card narrow wide">
<p class="spread"><span class="muted">${world.merchantName}</span>${invoiceBadge(invoice)}</p>
<h1 class="amount">${money(shown)}</h1>
<p class="muted">${headline(invoice)}</p>
<p class="muted small">Invoice ${invoice.number} · ${formatDate(invoice.created)}${invoice.customer_email === null ? '' : ` · ${invoice.customer_email}`}</p>
<ul class="rows">
${linesOf(world, invoice).map((line) => lineRow(line))}
${discount === 0 && tax === 0 ? '' : sumRow('Subtotal', money(invoice.subtotal))}
${discount === 0 ? '' : sumRow('Discount', money(-discount))}
${tax === 0 ? '' : sumRow('Tax', money(tax))}
<li class="total"><span>${paid ? 'Paid' : 'Due'}</span><span class="figure">${money(shown)}</span></li>
</ul>
<p><a href="/invoice/${invoice.id}/pdf">Download the PDF</a></p></section>
${invoice.status === 'open' || invoice.status === 'uncollectible' ? payForm(world, invoice, problem) : ''}`,
    problem === undefined ? 200 : 402,
  )
}

function headline(invoice: Invoice): string {
  if (invoice.status === 'paid') return `Paid on ${formatDate(invoice.status_transitions.paid_at ?? invoice.created)}.`
  if (invoice.status === 'void') return 'This invoice was voided. Nothing is due.'
  if (invoice.due_date !== null) return `Due by ${formatDate(invoice.due_date)}.`
  return invoice.attempted ? 'The last payment did not go through.' : 'Due now.'
}

/** Where an invoice stands, in a word. */
export function invoiceBadge(invoice: Invoice): Markup {
  if (invoice.status === 'paid') return html`<span class="badge">✓ Paid</span>`
  if (invoice.status === 'void') return html`<span class="badge danger">✕ Void</span>`
  if (invoice.status === 'uncollectible') return html`<span class="badge danger">! Uncollectible</span>`
  return invoice.attempted
    ? html`<span class="badge danger">! Payment failed</span>`
    : html`<span class="badge warning">◷ Open</span>`
}

function payForm(world: StripeWorld, invoice: Invoice, problem: string | undefined): Markup {
  const saved = methodsOf(world, invoice.customer).map((method) => ({
    value: method.id,
    label: labelOf(world, method),
    does: 'Saved',
  }))
  const waiting = intentOf(world, invoice.id)
  const step =
    waiting?.status === 'requires_action'
      ? html`<p><a class="button" href="/authenticate/${waiting.id}">Complete 3-D Secure</a></p>`
      : ''
  return html`<section class="card narrow wide"><h2>Pay this invoice</h2>${step}
${problem === undefined ? '' : html`<p class="alert" role="alert">${problem}</p>`}
<form method="post" action="/invoice/${invoice.id}/pay">${cardChoices({ legend: 'Pay with', saved })}
<div class="actions"><button class="primary" type="submit">Pay ${formatMoney(invoice.amount_remaining, invoice.currency)}</button></div></form></section>`
}

function lineRow(line: Line): Markup {
  return html`<li><span>${line.description}<br><span class="muted small">${formatPeriod(line.period)}</span></span><span class="figure">${formatMoney(line.amount, line.currency)}</span></li>`
}

function sumRow(label: string, figure: string): Markup {
  return html`<li><span class="muted">${label}</span><span class="figure">${figure}</span></li>`
}

function linesOf(world: StripeWorld, invoice: Invoice): readonly Line[] {
  return invoiceLines(world).get(invoice.id)?.lines ?? invoice.lines.data
}
