import { html } from 'hono/html'
import { eventLog } from './control.js'
import { formatMoney, pageResponse } from './page.js'
import { checkoutSessions } from './stripe/checkout-session.js'
import { portalSessions } from './stripe/portal.js'
import type { Twins } from './twins.js'

const shown = 30

/** The index page: what happened last, and what can be done about it. */
export function consolePage(twins: Twins): Promise<Response> {
  const { world } = twins.stripe
  const log = eventLog(world)
  const sessions = [...checkoutSessions(world).values()].reverse().slice(0, 10)
  const portals = [...portalSessions(world).values()].reverse().slice(0, 5)
  const traces = twins.langfuse.counts()
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
          html`<li><span><a href="/checkout/${session.id}">${session.mode}</a><br><span class="muted small">${session.client_reference_id ?? `${session.id.slice(0, 20)}…`}</span></span><span class="figure">${session.amount_total === null ? '–' : formatMoney(session.amount_total, session.currency ?? 'usd')}<br>${sessionBadge(session.status, session.payment_status)}</span></li>`,
      )}</ul>`
}
</section>
${portals.length === 0 ? '' : html`<section class="card"><h2>Portal sessions</h2><ul class="rows">${portals.map((portal) => html`<li><a href="/portal/${portal.id}">${portal.customer}</a></li>`)}</ul></section>`}
<section class="card"><h2>Stripe events</h2>
${
  log.length === 0
    ? html`<p class="muted">Events appear here as things happen.</p>`
    : html`<div class="scroll"><table>
<thead><tr><th>Event</th><th>About</th><th>Webhooks</th><th></th></tr></thead>
<tbody>${log
        .slice(0, shown)
        .map(
          (event) =>
            html`<tr><td>${event.type}</td><td><code>${event.objectId?.slice(0, 24) ?? ''}</code></td><td>${event.deliveries.length === 0 ? html`<span class="muted">No endpoint</span>` : event.deliveries.map((delivery) => deliveryBadge(delivery.state, delivery.attempts.length))}</td><td><form method="post" action="/_sandbox/webhooks/${event.id}/resend"><button type="submit" aria-label="Send ${event.type} again">Send again</button></form></td></tr>`,
        )}</tbody></table></div>`
}
</section>`,
  )
}

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
