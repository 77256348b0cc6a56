import { html } from 'hono/html'
import { eventLog } from './control.js'
import { formatMoney, formatTime, pageResponse } from './page.js'
import { checkoutSessions } from './stripe/checkout-session.js'
import { webhookEndpoints } from './stripe/events.js'
import { portalSessions } from './stripe/portal.js'
import type { Twins } from './twins.js'

const shown = 30

type LoggedEvent = ReturnType<typeof eventLog>[number]

/** The index page: what happened last, and what can be done about it. */
export function consolePage(twins: Twins): Promise<Response> {
  const { world } = twins.stripe
  const log = eventLog(twins.stripe)
  const sessions = [...checkoutSessions(world).values()].reverse().slice(0, 10)
  const portals = [...portalSessions(world).values()].reverse().slice(0, 5)
  const traces = twins.langfuse.counts()
  const endpoints = [...webhookEndpoints(world).values()].filter(({ status }) => status === 'enabled').length
  return pageResponse(
    'Sandbox console',
    html`<h1>Sandbox console</h1>
<p class="muted">Clock: ${new Date(twins.clock.now()).toISOString()} · ${log.length} Stripe events · ${traces.observations} Langfuse observations in ${traces.traces} traces</p>
<section class="card"><h2>Checkout sessions</h2>
${
  sessions.length === 0
    ? html`<p class="muted">Sessions appear here when your app creates one.</p>`
    : html`<ul class="rows">${sessions.map(
        (session) =>
          html`<li><span><a href="/checkout/${session.id}">${modes[session.mode]}, <span class="nowrap">${formatTime(session.created)}</span></a><br><span class="muted small">${session.client_reference_id ?? `…${session.id.slice(-12)}`}</span></span><span class="figure">${session.amount_total === null ? '–' : formatMoney(session.amount_total, session.currency ?? 'usd')}<br>${sessionBadge(session.status, session.payment_status)}</span></li>`,
      )}</ul>`
}
</section>
${portals.length === 0 ? '' : html`<section class="card"><h2>Portal sessions</h2><ul class="rows">${portals.map((portal) => html`<li><a href="/portal/${portal.id}">${portal.customer}</a></li>`)}</ul></section>`}
<section class="card"><h2>Stripe events</h2>
${
  log.length === 0
    ? html`<p class="muted">Events appear here as things happen.</p>`
    : html`<ul class="rows">${log.slice(0, shown).map((event) => eventRow(event, endpoints))}</ul>`
}
</section>`,
  )
}

function eventRow({ id, type, objectId, deliveries }: LoggedEvent, endpoints: number) {
  const word = deliveries.length === 0 ? 'Send' : 'Send again'
  const again =
    endpoints === 0
      ? html`<span class="muted">No endpoint to send it to</span>`
      : html`<form method="post" action="/_sandbox/webhooks/${id}/resend"><button type="submit" aria-label="${word}: ${type} about ${objectId ?? 'nothing'}">${word}</button></form>`
  const sent =
    deliveries.length === 0
      ? html`<span class="muted">Not asked for</span>`
      : deliveries.map(({ state, attempts }) => deliveryBadge(state, attempts.length))
  return html`<li><span>${type}<br><code class="muted">${objectId ?? ''}</code></span><span class="small buttons">${sent}${again}</span></li>`
}

const modes = { payment: 'One payment', subscription: 'Subscription', setup: 'Save a payment method' }

function sessionBadge(status: string, paymentStatus: string) {
  if (status === 'open') return html`<span class="badge warning">◷ Open</span>`
  if (status === 'expired') return html`<span class="badge danger">✕ Expired</span>`
  return paymentStatus === 'unpaid'
    ? html`<span class="badge warning">◷ Unpaid</span>`
    : html`<span class="badge">✓ Complete</span>`
}

function deliveryBadge(state: string, attempts: number) {
  if (state === 'delivered') return html`<span class="badge">✓ Delivered</span> `
  if (state === 'failed') return html`<span class="badge danger">✕ Given up</span> `
  return html`<span class="badge warning">◷ ${attempts === 0 ? 'Queued' : `Tried ${attempts}×`}</span> `
}
