import { html } from 'hono/html'
import { formatDate, formatMoney, type Markup, messagePage, pageResponse, toConsole } from '../page.js'
import { every } from './checkout-page.js'
import { type Customer, customers } from './customers.js'
import { invoiceBadge } from './invoice-page.js'
import { invoices } from './invoices.js'
import { labelOf, methodsOf } from './payment-methods.js'
import { type PortalSession, portalSessions } from './portal.js'
import { type Deed, featuresOf, portalDeeds } from './portal-actions.js'
import { flowPage, flowStart } from './portal-flows.js'
import { amountFor } from './prices.js'
import { isMetered, type Subscription, type SubscriptionItem, subscriptions, titleOf } from './subscription-object.js'
import type { StripeTwin } from './twin.js'
import { type StripeWorld, seconds, tableOf } from './world.js'

const openForSeconds = 60 * 60

/** Sessions whose flow is over: they go on as the portal's home. */
const finishedFlows = tableOf<{ readonly id: string }>('finished_portal_flows')

/** `GET /portal/:id` and the steps under it, `POST /portal/:id/:deed`: where a customer manages what they have. */
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
  const query = new URL(request.url).searchParams
  if (request.method === 'GET') {
    if (action === 'done') return redirect(afterDeed(world, session, 'Done.'))
    const inFlow = session.flow !== null && !finishedFlows(world).has(id)
    const start = action === undefined && inFlow ? flowStart(session.flow) : undefined
    const step = start?.step ?? action
    if (step === undefined || step === 'home') return home(world, session, customer, query.get('message'))
    const page = flowPage(world, session, step, start?.query ?? query)
    return page ?? messagePage('Nothing here', 'There is no such page.', 404, toPortal)
  }
  const deed = portalDeeds[action ?? '']
  if (request.method !== 'POST' || deed === undefined) {
    return messagePage('Nothing here', 'There is no such page.', 404, toPortal)
  }
  const form = new URLSearchParams(await request.text())
  const result: Deed = world.journal.commit(() => deed(world, session, customer, form))
  setImmediate(() => webhooks.wake())
  if (result.kind === 'missing') return messagePage('Nothing here', 'There is nothing to change here.', 404, toPortal)
  if (result.kind === 'refused') return messagePage('That did not work', result.message, 402, toPortal)
  if (result.kind === 'authenticate') return redirect(result.location)
  return redirect(world.journal.commit(() => afterDeed(world, session, result.message)))
}

/** Where a finished flow leads; without one, home. */
function afterDeed(world: StripeWorld, session: PortalSession, message: string): string {
  const homePage = `/portal/${session.id}/home?message=${encodeURIComponent(message)}`
  if (session.flow === null || finishedFlows(world).has(session.id)) {
    return session.flow === null ? `/portal/${session.id}?message=${encodeURIComponent(message)}` : homePage
  }
  finishedFlows(world).put(session.id, { id: session.id })
  const { type, redirect: target, hosted_confirmation: confirmation } = session.flow.after_completion
  if (type === 'redirect' && target !== null) return target.return_url
  if (type !== 'hosted_confirmation') return homePage
  return `/portal/${session.id}/confirmed?message=${encodeURIComponent(confirmation?.custom_message ?? message)}`
}

function redirect(location: string): Response {
  return new Response(null, { status: 303, headers: { location } })
}

function home(
  world: StripeWorld,
  session: PortalSession,
  customer: Customer,
  message: string | null,
): Promise<Response> {
  const features = featuresOf(world, session)
  const own = [...subscriptions(world).values()].filter((each) => each.customer === customer.id).reverse()
  const billed = [...invoices(world).values()]
    .filter((each) => each.customer === customer.id && each.status !== 'draft')
    .reverse()
    .slice(0, 12)
  return pageResponse(
    `Billing · ${world.merchantName}`,
    html`<div class="narrow wide">
<p class="spread"><span class="muted">${world.merchantName}</span>${session.return_url === null ? '' : html`<a href="${session.return_url}">Return to ${world.merchantName}</a>`}</p>
<h1>Your billing</h1>
<p class="muted">${customer.name ?? customer.email ?? customer.id}${customer.name !== null && customer.email !== null ? ` · ${customer.email}` : ''}</p>
${message === null ? '' : html`<p class="notice" role="status">✓ ${message}</p>`}
${own.length === 0 ? html`<section class="card"><h2>No subscription</h2><p class="muted">Subscriptions appear here once you buy one.</p></section>` : own.map((subscription) => subscriptionCard(world, session, subscription))}
${features.payment_method_update.enabled ? methodsCard(world, session, customer) : ''}
${
  features.invoice_history.enabled
    ? html`<section class="card"><h2>Invoices</h2>
${
  billed.length === 0
    ? html`<p class="muted">Invoices appear here after the first payment.</p>`
    : html`<ul class="rows">${billed.map(
        (invoice) =>
          html`<li><span>${formatDate(invoice.created)}<br><a class="small" href="/invoice/${invoice.id}">${invoice.number}</a> <span class="muted small">·</span> <a class="small" href="/invoice/${invoice.id}/pdf" aria-label="PDF of ${invoice.number}">PDF</a></span><span class="figure">${formatMoney(invoice.total, invoice.currency)}<br>${invoiceBadge(invoice)}</span></li>`,
      )}</ul>`
}
</section>`
    : ''
}
</div>`,
  )
}

function methodsCard(world: StripeWorld, session: PortalSession, customer: Customer): Markup {
  const methods = methodsOf(world, customer.id)
  const usual = customer.invoice_settings.default_payment_method
  return html`<section class="card"><h2>Payment methods</h2>
${
  methods.length === 0
    ? html`<p class="muted">No payment method is saved.</p>`
    : html`<ul class="rows">${methods.map(
        (method) =>
          html`<li><span>${labelOf(world, method)}${method.card === undefined ? '' : html`<br><span class="muted small">Expires ${String(method.card.exp_month).padStart(2, '0')}/${method.card.exp_year}</span>`}</span><span class="buttons">${method.id === usual ? html`<span class="badge">✓ Default</span>` : html`${methodButton(session, 'default', method.id, 'Make default')}${methodButton(session, 'remove', method.id, 'Remove')}`}</span></li>`,
      )}</ul>`
}
<div class="actions-row"><a class="button" href="/portal/${session.id}/card">Add a payment method</a></div></section>`
}

function methodButton(session: PortalSession, deed: string, method: string, label: string): Markup {
  return html`<form method="post" action="/portal/${session.id}/${deed}"><input type="hidden" name="method" value="${method}"><button type="submit">${label}</button></form>`
}

function subscriptionCard(world: StripeWorld, session: PortalSession, subscription: Subscription): Markup {
  return html`<section class="card">
<div class="spread"><h2>${subscription.items.data.map(({ price }) => titleOf(world, price)).join(' + ')}</h2>${badge(subscription)}</div>
<p>${sentence(subscription)}</p>
<ul class="rows">${subscription.items.data.map((item) => html`<li><span>${titleOf(world, item.price)}<br><span class="muted small">${quantityOf(item)}Billed ${every(item)}</span></span><span class="figure">${figure(item)}</span></li>`)}</ul>
${buttons(world, session, subscription)}
</section>`
}

function buttons(
  world: StripeWorld,
  session: PortalSession,
  { id, status, cancel_at_period_end: ending }: Subscription,
) {
  if (status === 'canceled' || status === 'incomplete_expired') return ''
  const features = featuresOf(world, session)
  const link = (step: string, label: string) =>
    html`<a class="button" href="/portal/${session.id}/${step}?subscription=${id}">${label}</a>`
  const press = (deed: string, label: string) =>
    html`<form method="post" action="/portal/${session.id}/${deed}"><input type="hidden" name="subscription" value="${id}"><button type="submit">${label}</button></form>`
  if (status === 'paused') return html`<div class="actions-row">${press('resume', 'Resume subscription')}</div>`
  return html`<div class="actions-row">${features.subscription_update.enabled && !ending ? link('plans', 'Change plan') : ''}
${features.subscription_pause.enabled && !ending && status === 'active' ? link('pause', 'Pause') : ''}
${ending ? press('reactivate', 'Keep subscription') : features.subscription_cancel.enabled ? link('cancel', 'Cancel subscription') : ''}</div>`
}

function badge({ status, cancel_at_period_end: ending }: Subscription): Markup {
  if (status === 'canceled' || status === 'incomplete_expired')
    return html`<span class="badge danger">✕ Canceled</span>`
  if (status === 'past_due' || status === 'unpaid') return html`<span class="badge danger">! Past due</span>`
  if (status === 'incomplete') return html`<span class="badge warning">◷ Awaits payment</span>`
  if (status === 'paused') return html`<span class="badge warning">◷ Paused</span>`
  if (ending) return html`<span class="badge warning">◷ Ending</span>`
  return html`<span class="badge">✓ ${status === 'trialing' ? 'Trial' : 'Active'}</span>`
}

function sentence(subscription: Subscription): string {
  const { status } = subscription
  const end = formatDate(Math.min(...subscription.items.data.map((item) => item.current_period_end)))
  if (status === 'canceled') return `Ended on ${formatDate(subscription.ended_at ?? subscription.created)}.`
  if (status === 'incomplete_expired') return 'Never began: the first payment did not come in time.'
  if (status === 'paused') return 'Paused. Nothing is billed until you resume it.'
  if (status === 'past_due' || status === 'unpaid')
    return 'The last payment failed. Change your payment method to keep it.'
  if (subscription.cancel_at_period_end) return `Ends on ${end}. Until then everything works as before.`
  return status === 'trialing' ? `Free until ${end}, then billed.` : `Renews on ${end}.`
}

function quantityOf({ price, quantity }: SubscriptionItem): string {
  if (quantity === undefined || quantity === 1 || price.unit_amount === null) return ''
  return `${quantity} × ${formatMoney(price.unit_amount, price.currency)} · `
}

function figure({ price, quantity }: SubscriptionItem): string {
  if (isMetered(price)) return 'By usage'
  return formatMoney(amountFor(price, String(quantity ?? 1)), price.currency)
}
