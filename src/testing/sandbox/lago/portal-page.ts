import { html } from 'hono/html'
import { formatDate, type Markup, messagePage, pageResponse, toConsole } from '../page.js'
import { cardChoices } from '../stripe/card-choices.js'
import { testCardNumbered } from '../stripe/test-cards.js'
import { customerOf, type LagoCustomer } from './customers.js'
import { invoiceBadge, money } from './invoice-markup.js'
import { invoices, numberOf, totalCents } from './invoices.js'
import { openLink } from './page-links.js'
import { paymentLink } from './payment-link.js'
import {
  type LagoPaymentMethod,
  makeDefault,
  methodsOf,
  paymentMethods,
  removeMethod,
  saveMethod,
} from './payment-methods.js'
import { planOf } from './plans.js'
import { billingPeriod, type LagoSubscription, subscriptions } from './subscriptions.js'
import type { LagoWorld } from './world.js'

/** `GET /lago/portal/:id` and its deeds: where a customer sees plan and invoices, and changes what is paid with. */
export async function portalPage(
  world: LagoWorld,
  request: Request,
  id: string,
  action: string | undefined,
): Promise<Response> {
  const link = openLink(world, 'portal', id)
  if (link === undefined) return messagePage('Nothing here', 'There is no such portal.', 404, toConsole)
  if (link === 'expired')
    return messagePage('This link has expired', 'Links to this page last twelve hours. Open it again in the app.', 410)
  const customer = customerOf(world, link.customerId)
  if (request.method === 'GET' && action === undefined) return home(world, id, customer)
  if (request.method !== 'POST')
    return messagePage('Nothing here', 'There is no such page.', 404, { href: `/lago/portal/${id}`, label: 'Go back' })
  const form = new URLSearchParams(await request.text())
  const problem = world.journal.commit(() => act(world, customer, action ?? '', form))
  if (problem !== null) return home(world, id, customer, problem)
  return new Response(null, { status: 303, headers: { location: `/lago/portal/${id}` } })
}

/** @returns what is wrong, `null` when it was done */
function act(
  world: LagoWorld,
  { external_id: customerId }: LagoCustomer,
  action: string,
  form: URLSearchParams,
): string | null {
  if (action === 'card') {
    const card = testCardNumbered(form.get('card') ?? '')
    if (card === undefined) return 'Your card number is incorrect. Pick one of the test cards.'
    if (card.refusesToBeSaved) return card.decline?.message ?? 'Your card was declined.'
    saveMethod(world, customerId, card.number)
    return null
  }
  const method = paymentMethods(world).get(form.get('method') ?? '')
  if (method?.external_customer_id !== customerId) return 'There is no such payment method.'
  if (action === 'default') makeDefault(world, method)
  else if (action === 'remove') removeMethod(world, method)
  else return 'There is nothing to change here.'
  return null
}

function home(world: LagoWorld, id: string, customer: LagoCustomer, problem?: string): Promise<Response> {
  const { name, email } = customer.profile
  const own = [...subscriptions(world).values()].filter(
    (each) => each.external_customer_id === customer.external_id && each.status === 'active',
  )
  return pageResponse(
    `Billing · ${world.merchantName}`,
    html`<div class="narrow wide"><p class="muted">${world.merchantName}</p>
<h1>Your billing</h1>
<p class="muted">${String(name ?? email ?? customer.external_id)}</p>
${problem === undefined ? '' : html`<p class="alert" role="alert">${problem}</p>`}
${own.map((subscription) => planCard(world, subscription))}
${methodsCard(world, id, customer)}
${invoicesCard(world, customer)}</div>`,
    problem === undefined ? 200 : 402,
  )
}

function planCard(world: LagoWorld, subscription: LagoSubscription): Markup {
  const { name } = planOf(world, subscription.plan_code)
  const { endsAt } = billingPeriod(world, subscription, world.now())
  return html`<section class="card"><p class="spread"><span>${name}</span><span class="badge">✓ Active</span></p>
<p class="muted small">Until ${formatDate(endsAt / 1000)}</p></section>`
}

function methodsCard(world: LagoWorld, id: string, customer: LagoCustomer): Markup {
  const methods = methodsOf(world, customer.external_id)
  return html`<section class="card"><h2>Payment methods</h2>
${methods.length === 0 ? html`<p class="muted">No payment method is saved.</p>` : html`<ul class="rows">${methods.map((method) => methodRow(id, method))}</ul>`}
${
  paymentLink(customer) === null
    ? ''
    : html`<details><summary>Add a payment method</summary><form method="post" action="/lago/portal/${id}/card">${cardChoices({ legend: 'Pay with' })}
<div class="actions"><button class="primary" type="submit">Save</button></div></form></details>`
}</section>`
}

function methodRow(id: string, method: LagoPaymentMethod): Markup {
  const label = testCardNumbered(method.card)?.label ?? 'Payment method'
  const button = (action: string, text: string) =>
    html`<form method="post" action="/lago/portal/${id}/${action}"><button type="submit" name="method" value="${method.lago_id}" aria-label="${text} ${label}">${text}</button></form>`
  return html`<li><span>${label}</span><span class="buttons">${method.is_default ? html`<span class="badge">✓ Default</span>` : button('default', 'Make default')}${button('remove', 'Remove')}</span></li>`
}

function invoicesCard(world: LagoWorld, { external_id: customerId }: LagoCustomer): Markup {
  const billed = [...invoices(world).values()]
    .filter((invoice) => invoice.external_customer_id === customerId && invoice.status !== 'draft')
    .reverse()
    .slice(0, 12)
  return html`<section class="card"><h2>Invoices</h2>${
    billed.length === 0
      ? html`<p class="muted">Invoices appear here after the first period.</p>`
      : html`<ul class="rows">${billed.map(
          (invoice) =>
            html`<li><span>${formatDate(invoice.issuedAtMs / 1000)}<br><a class="small" href="/lago/pay/${invoice.lago_id}">${numberOf(world, invoice)}</a></span><span class="figure">${money(totalCents(invoice), invoice)}<br>${invoiceBadge(invoice)}</span></li>`,
        )}</ul>`
  }</section>`
}
