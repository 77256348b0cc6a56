import { html } from 'hono/html'
import { formatDate, formatMoney, messagePage, pageResponse, toConsole } from '../page.js'
import { every } from './checkout-page.js'
import { type Customer, customers } from './customers.js'
import { invoices } from './invoices.js'
import { type PortalSession, portalSessions } from './portal.js'
import { amountFor } from './prices.js'
import { isMetered, type Subscription, type SubscriptionItem, subscriptions, titleOf } from './subscription-object.js'
import { cancelAtPeriodEnd } from './subscriptions.js'
import type { StripeTwin } from './twin.js'
import { type StripeWorld, seconds } from './world.js'

const openForSeconds = 60 * 60

/** `GET /portal/:id` and `POST /portal/:id/cancel|reactivate` with `subscription`: where a customer manages what they have. */
export async function handlePortalPage(
  { world, webhooks, tick }: StripeTwin,
  request: Request,
  path: string,
): Promise<Response> {
  const [, , id = '', action] = path.split('/')
  tick()
  const session = portalSessions(world).get(id)
  const customer = session === undefined ? undefined : customers(world).get(session.customer)
  if (session === undefined || customer === undefined)
    return messagePage('Nothing here', 'There is no such portal session.', 404, toConsole)
  const returnLink = session.return_url === null ? undefined : { href: session.return_url, label: 'Go back' }
  if (seconds(world) - session.created > openForSeconds) {
    return messagePage(
      'This link has expired',
      'Links to this page last an hour. Open it again from the app.',
      410,
      returnLink,
    )
  }
  const toPortal = { href: `/portal/${id}`, label: 'Go back' }
  if (action === undefined && request.method === 'GET') return show(world, session, customer)
  if (request.method !== 'POST' || (action !== 'cancel' && action !== 'reactivate')) {
    return messagePage('Nothing here', 'There is no such page.', 404, toPortal)
  }
  const form = new URLSearchParams(await request.text())
  const subscription = subscriptions(world).get(form.get('subscription') ?? '')
  if (subscription === undefined || subscription.customer !== customer.id) {
    return messagePage('Nothing here', 'There is no such subscription.', 404, toPortal)
  }
  if (subscription.status !== 'canceled') {
    world.journal.commit(() => cancelAtPeriodEnd(world, subscription, action === 'cancel'))
    setImmediate(() => webhooks.wake())
  }
  return new Response(null, { status: 303, headers: { location: `/portal/${id}` } })
}

function show(world: StripeWorld, session: PortalSession, customer: Customer): Promise<Response> {
  const own = [...subscriptions(world).values()].filter((each) => each.customer === customer.id).reverse()
  const billed = [...invoices(world).values()]
    .filter((each) => each.customer === customer.id)
    .reverse()
    .slice(0, 5)
  return pageResponse(
    `Billing · ${world.merchantName}`,
    html`<div class="narrow wide">
<p class="spread"><span class="muted">${world.merchantName}</span>${session.return_url === null ? '' : html`<a href="${session.return_url}">Return to ${world.merchantName}</a>`}</p>
<h1>Your billing</h1>
<p class="muted">${customer.name ?? customer.email ?? customer.id}${customer.name !== null && customer.email !== null ? ` · ${customer.email}` : ''}</p>
${own.length === 0 ? html`<section class="card"><h2>No subscription</h2><p class="muted">Subscriptions appear here once you buy one.</p></section>` : own.map((subscription) => subscriptionCard(world, session, subscription))}
<section class="card"><h2>Invoices</h2>
${
  billed.length === 0
    ? html`<p class="muted">Invoices appear here after the first payment.</p>`
    : html`<ul class="rows">${billed.map(
        (invoice) =>
          html`<li><span>${formatDate(invoice.created)}<br><a class="small" href="/invoice/${invoice.id}">${invoice.number}</a></span><span class="figure">${formatMoney(invoice.total, invoice.currency)}<br>${invoice.status === 'paid' ? html`<span class="badge">✓ Paid</span>` : html`<span class="badge warning">◷ Open</span>`}</span></li>`,
      )}</ul>`
}
</section>
</div>`,
  )
}

function subscriptionCard(world: StripeWorld, session: PortalSession, subscription: Subscription) {
  const ended = subscription.status === 'canceled'
  const action = subscription.cancel_at_period_end ? 'reactivate' : 'cancel'
  return html`<section class="card">
<div class="spread"><h2>${subscription.items.data.map(({ price }) => titleOf(world, price)).join(' + ')}</h2>${badge(subscription)}</div>
<p>${sentence(subscription)}</p>
<ul class="rows">${subscription.items.data.map((item) => html`<li><span>${titleOf(world, item.price)}<br><span class="muted small">${quantityOf(item)}Billed ${every(item)}</span></span><span class="figure">${figure(item)}</span></li>`)}</ul>
${ended ? '' : html`<form method="post" action="/portal/${session.id}/${action}"><input type="hidden" name="subscription" value="${subscription.id}"><button type="submit">${action === 'cancel' ? 'Cancel subscription' : 'Keep subscription'}</button></form>`}
</section>`
}

function badge({ status, cancel_at_period_end: ending }: Subscription) {
  if (status === 'canceled') return html`<span class="badge danger">✕ Canceled</span>`
  if (status === 'past_due') return html`<span class="badge danger">! Past due</span>`
  if (ending) return html`<span class="badge warning">◷ Ending</span>`
  return html`<span class="badge">✓ ${status === 'trialing' ? 'Trial' : 'Active'}</span>`
}

function sentence(subscription: Subscription): string {
  const end = formatDate(Math.min(...subscription.items.data.map((item) => item.current_period_end)))
  if (subscription.status === 'canceled')
    return `Ended on ${formatDate(subscription.ended_at ?? subscription.created)}.`
  if (subscription.cancel_at_period_end) return `Ends on ${end}. Until then everything works as before.`
  return subscription.status === 'trialing' ? `Free until ${end}, then billed.` : `Renews on ${end}.`
}

function quantityOf({ price, quantity }: SubscriptionItem): string {
  if (quantity === undefined || quantity === 1 || price.unit_amount === null) return ''
  return `${quantity} × ${formatMoney(price.unit_amount, price.currency)} · `
}

function figure({ price, quantity }: SubscriptionItem): string {
  if (isMetered(price)) return 'By usage'
  return formatMoney(amountFor(price, String(quantity ?? 1)), price.currency)
}
