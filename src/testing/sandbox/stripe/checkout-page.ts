import { html } from 'hono/html'
import { formatMoney, messagePage, pageResponse, toConsole } from '../page.js'
import { type CheckoutSession, checkoutSessions, type LineItem, lineItems } from './checkout-session.js'
import { customers } from './customers.js'
import { paySession } from './payment.js'
import { isMetered } from './subscription-object.js'
import { testCards } from './test-cards.js'
import type { StripeTwin } from './twin.js'
import type { StripeWorld } from './world.js'

/** `GET /checkout/:id`, `POST /checkout/:id/pay` and `POST /checkout/:id/cancel`: the page a buyer is sent to. */
export async function handleCheckoutPage(
  { world, webhooks, tick }: StripeTwin,
  request: Request,
  path: string,
): Promise<Response> {
  const [, , id = '', action] = path.split('/')
  tick()
  const session = checkoutSessions(world).get(id)
  if (session === undefined) return messagePage('Nothing here', 'There is no such checkout session.', 404, toConsole)
  if (action === undefined && request.method === 'GET') return show(world, session)
  if (request.method !== 'POST' || (action !== 'pay' && action !== 'cancel')) {
    return messagePage('Nothing here', 'There is no such page.', 404, {
      href: `/checkout/${id}`,
      label: 'Back to the checkout',
    })
  }
  // Cancelling leaves an open session open: the buyer may come back to it. One that is over was ended in another tab.
  if (action === 'cancel') return redirect(afterCancel(session))
  const form = new URLSearchParams(await request.text())
  const result = world.journal.commit(() =>
    // Read again: another request may have paid while the form was on its way.
    paySession(world, checkoutSessions(world).get(id) ?? session, {
      card: form.get('card') ?? '',
      email: form.get('email') || null,
    }),
  )
  setImmediate(() => webhooks.wake())
  if (result.kind === 'declined')
    return show(world, checkoutSessions(world).get(id) ?? session, form.get('card'), result.message)
  if (result.kind === 'authenticate') return redirect(`/authenticate/${result.id}`)
  if (result.kind === 'closed') return show(world, result.session)
  return redirect(successUrl(result.session))
}

const thanks = {
  paid: 'This order is paid. You were charged once.',
  unpaid: 'Your order is in. The payment is on its way.',
  no_payment_required: 'Your order is complete. Nothing was charged today.',
}

/** Where the buyer goes after paying. */
export function successUrl({ id, success_url: url, ...session }: CheckoutSession): string {
  const target = url ?? ('return_url' in session ? session.return_url : undefined) ?? `/checkout/${id}`
  return target.replaceAll('{CHECKOUT_SESSION_ID}', id)
}

/** Where the buyer goes after turning back: what is complete cannot be cancelled any more. */
function afterCancel(session: CheckoutSession): string {
  if (session.status === 'complete') return successUrl(session)
  return session.cancel_url ?? `/checkout/${session.id}`
}

function redirect(location: string): Response {
  return new Response(null, { status: 303, headers: { location } })
}

function show(world: StripeWorld, session: CheckoutSession, chosen?: string | null, error?: string): Promise<Response> {
  const title = `${session.mode === 'setup' ? 'Save a payment method' : 'Checkout'} · ${world.merchantName}`
  if (session.status === 'expired') {
    const back = session.cancel_url === null ? undefined : { href: session.cancel_url, label: 'Go back' }
    return messagePage('This page has expired', 'Nothing was charged. Go back and start again.', 410, back)
  }
  if (session.status === 'complete') {
    return messagePage('Thank you', thanks[session.payment_status], 200, {
      href: successUrl(session),
      label: 'Continue',
    })
  }
  const items = lineItems(world).get(session.id)?.items ?? []
  const email = session.customer === null ? session.customer_email : customers(world).get(session.customer)?.email
  return pageResponse(
    title,
    html`<div class="columns">
<section aria-label="Order">
<p class="muted">${world.merchantName}</p>
${headline(session, items)}
<ul class="rows">
${items.map((item) => html`<li><span>${item.description}<br><span class="muted small">${terms(item)}</span></span><span class="figure">${figure(item)}</span></li>`)}
${items.length > 1 ? html`<li class="total"><span>Total today</span><span class="figure">${formatMoney(session.amount_total ?? 0, session.currency ?? 'usd')}</span></li>` : ''}
</ul>
</section>
<section class="card" aria-label="Payment">
${error === undefined ? '' : html`<p class="alert" role="alert"><strong>Not paid.</strong> ${error}</p>`}
<form method="post" action="/checkout/${session.id}/pay">
${email == null ? html`<label class="field" for="email">Email</label><input id="email" name="email" type="email" autocomplete="email" value="buyer@example.com" required>` : html`<p class="spread"><span class="muted">Email</span> <span>${email}</span></p>`}
<fieldset><legend>Pay with a test card</legend>
${testCards.map(
  (card, index) =>
    html`<label class="choice"><input type="radio" name="card" value="${card.number}"${(chosen ?? testCards[0]?.number) === card.number || (index === 0 && !isTestCard(chosen)) ? ' checked' : ''}><span><b>${card.label}</b><span class="muted small">${card.does}</span></span></label>`,
)}
</fieldset>
<div class="actions"><button class="primary" type="submit">${payLabel(session)}</button></div>
</form>
<form method="post" action="/checkout/${session.id}/cancel"><div class="actions"><button class="plain" type="submit">Cancel and go back</button></div></form>
</section>
</div>`,
    error === undefined ? 200 : 402,
  )
}

function headline(session: CheckoutSession, items: readonly LineItem[]) {
  if (session.mode === 'setup')
    return html`<h1 class="amount">Save a payment method</h1><p class="muted">Nothing is charged today.</p>`
  const amount = formatMoney(session.amount_total ?? 0, session.currency ?? 'usd')
  const recurring = items.find((item) => item.price.recurring !== null)
  return html`<h1 class="amount">${amount}</h1><p class="muted">${recurring === undefined ? 'One payment' : `Due today, then billed ${every(recurring)} until you cancel`}</p>`
}

function terms(item: LineItem): string {
  const { price, quantity } = item
  if (isMetered(price)) return `Billed for what is used, ${every(item)}`
  const each = quantity === null || quantity === 1 ? '' : `${quantity} × ${unitPrice(item)}`
  const rhythm = price.recurring === null ? '' : `Billed ${every(item)}`
  return [each, rhythm].filter((part) => part !== '').join(' · ') || 'Quantity 1'
}

function figure(item: LineItem): string {
  return isMetered(item.price) ? 'By usage' : formatMoney(item.amount_total, item.currency)
}

function unitPrice({ price, currency }: LineItem): string {
  return price.unit_amount === null
    ? `${price.unit_amount_decimal} minor units`
    : formatMoney(price.unit_amount, currency)
}

export function every({ price }: Pick<LineItem, 'price'>): string {
  const { interval = 'month', interval_count: step = 1 } = price.recurring ?? {}
  if (step > 1) return `every ${step} ${interval}s`
  return { day: 'daily', week: 'weekly', month: 'monthly', year: 'yearly' }[interval]
}

function payLabel(session: CheckoutSession): string {
  if (session.mode === 'setup') return 'Save'
  if ((session.amount_total ?? 0) === 0) return session.mode === 'subscription' ? 'Start' : 'Complete order'
  return `Pay ${formatMoney(session.amount_total ?? 0, session.currency ?? 'usd')}`
}

function isTestCard(number: string | null | undefined): boolean {
  return testCards.some((card) => card.number === number)
}
