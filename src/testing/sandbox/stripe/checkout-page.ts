import { html } from 'hono/html'
import { formatDate, formatMoney, type Markup, messagePage, pageResponse, toConsole } from '../page.js'
import { cardChoices } from './card-choices.js'
import { type CheckoutSession, checkoutSessions, type LineItem, lineItems, sessionPlans } from './checkout-session.js'
import { discountSession } from './checkout-totals.js'
import { coupons, couponTitle, findCode, promotionCodes } from './coupons.js'
import { customers } from './customers.js'
import { isStripeFailure } from './errors.js'
import { needsNoMethod, paySession } from './payment.js'
import { isMetered } from './subscription-object.js'
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
  const problem = new URL(request.url).searchParams.get('problem') ?? undefined
  if (action === undefined && request.method === 'GET') return show(world, session, { problem })
  // The address of a form, from the address bar: the page the form is on.
  if (request.method === 'GET' && actions.includes(action ?? '')) return redirect(`/checkout/${id}`)
  if (request.method !== 'POST' || !actions.includes(action ?? '')) {
    return messagePage('Nothing here', 'There is no such page.', 404, {
      href: `/checkout/${id}`,
      label: 'Back to the checkout',
    })
  }
  // Cancelling leaves an open session open: the buyer may come back to it. One that is over was ended in another tab.
  if (action === 'cancel') return redirect(afterCancel(session))
  const form = new URLSearchParams(await request.text())
  try {
    // Read again: another request may have paid while the form was on its way.
    const answer = world.journal.commit(() =>
      act(world, checkoutSessions(world).get(id) ?? session, action ?? '', form),
    )
    setImmediate(() => webhooks.wake())
    if (typeof answer === 'string') return redirect(answer)
    return show(world, checkoutSessions(world).get(id) ?? session, answer)
  } catch (error) {
    if (!isStripeFailure(error)) throw error
    return show(world, checkoutSessions(world).get(id) ?? session, { problem: error.message })
  }
}

const actions: readonly string[] = ['pay', 'cancel', 'promotion']

interface Shown {
  readonly chosen?: string | null
  readonly problem?: string | undefined
}

/** Pays, or changes the code; the address to go to next, or what to show. */
function act(world: StripeWorld, session: CheckoutSession, action: string, form: URLSearchParams): string | Shown {
  if (action === 'promotion') return promote(world, session, form)
  const country = form.get('country') || null
  const result = paySession(world, session, {
    card: form.get('card') ?? '',
    email: form.get('email') || null,
    location: country === null ? null : { country: country.slice(0, 2), state: country.slice(3) || null },
  })
  if (result.kind === 'authenticate') return `/authenticate/${result.id}`
  if (result.kind === 'declined') return { chosen: form.get('card'), problem: result.message }
  return result.kind === 'closed' ? {} : successUrl(result.session)
}

function promote(world: StripeWorld, session: CheckoutSession, form: URLSearchParams): string | Shown {
  const here = `/checkout/${session.id}`
  if (session.status !== 'open' || session.allow_promotion_codes !== true) return here
  if (form.get('remove') !== null) {
    discountSession(world, session, [])
    return here
  }
  const code = findCode(world, form.get('code') ?? '')
  if (code === undefined) return { problem: 'This code is invalid.' }
  discountSession(world, session, [{ promotion_code: code.id }])
  return here
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

function show(world: StripeWorld, session: CheckoutSession, { chosen, problem }: Shown = {}): Promise<Response> {
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
${headline(world, session, items)}
<ul class="rows">
${items.map((item) => html`<li><span>${item.description}<br><span class="muted small">${terms(item)}</span></span><span class="figure">${figure(item)}</span></li>`)}
${sums(session, items)}
</ul>
${promotion(world, session)}
</section>
<section class="card" aria-label="Payment">
${problem === undefined ? '' : html`<p class="alert" role="alert"><strong>Not paid.</strong> ${problem}</p>`}
<form method="post" action="/checkout/${session.id}/pay">
${email == null ? html`<label class="field" for="email">Email</label><input id="email" name="email" type="email" autocomplete="email" value="buyer@example.com" required>` : html`<p class="spread"><span class="muted">Email</span> <span>${email}</span></p>`}
${session.automatic_tax.status === 'requires_location_inputs' ? countryField : ''}
${cardChoices({
  legend: session.mode === 'setup' ? 'Save a test card' : 'Pay with a test card',
  chosen,
  saved: needsNoMethod(session) ? [{ value: '', label: 'No card now', does: 'Add one before the trial ends' }] : [],
  // Only cards can be saved here and be charged at once later.
  fits: ({ type }) => session.mode !== 'setup' || type === 'card',
})}
<div class="actions"><button class="primary" type="submit">${payLabel(session)}</button></div>
</form>
<form method="post" action="/checkout/${session.id}/cancel"><div class="actions"><button class="plain" type="submit">Cancel and go back</button></div></form>
</section>
</div>`,
    problem === undefined ? 200 : 402,
  )
}

/** What comes off and on, and what is left to pay today. */
function sums(session: CheckoutSession, items: readonly LineItem[]): Markup | string {
  const { amount_discount: discount = 0, amount_tax: tax = 0 } = session.total_details ?? {}
  const money = (amount: number) => formatMoney(amount, session.currency ?? 'usd')
  if (session.mode === 'setup' || (items.length < 2 && discount === 0 && tax === 0)) return ''
  const row = (label: string, amount: number) =>
    html`<li><span class="muted">${label}</span><span class="figure">${money(amount)}</span></li>`
  return html`${discount === 0 ? '' : row('Discount', -discount)}${tax === 0 ? '' : row('Tax', tax)}
<li class="total"><span>Total today</span><span class="figure">${money(session.amount_total ?? 0)}</span></li>`
}

function promotion(world: StripeWorld, session: CheckoutSession): Markup | string {
  const code = promotionCodes(world).get(session.discounts[0]?.promotion_code ?? '')
  const coupon = coupons(world).get(code?.promotion.coupon ?? session.discounts[0]?.coupon ?? '')
  const title = coupon === undefined ? '' : couponTitle(coupon, formatMoney)
  if (session.allow_promotion_codes !== true)
    return title === '' ? '' : html`<p><span class="badge">✓ ${title}</span></p>`
  if (coupon !== undefined) {
    return html`<form class="inline" method="post" action="/checkout/${session.id}/promotion"><span><span class="badge words">✓ ${code?.code ?? ''}</span> ${title}</span><button type="submit" name="remove" value="1">Remove</button></form>`
  }
  return html`<form class="inline" method="post" action="/checkout/${session.id}/promotion"><label class="field" for="code">Promotion code</label><input id="code" name="code" type="text" autocomplete="off" required><button type="submit">Apply</button></form>`
}

const countries = [
  ['DE', 'Germany'],
  ['AT', 'Austria'],
  ['AU', 'Australia'],
  ['CA', 'Canada'],
  ['CH', 'Switzerland'],
  ['ES', 'Spain'],
  ['FR', 'France'],
  ['GB', 'United Kingdom'],
  ['IE', 'Ireland'],
  ['IT', 'Italy'],
  ['JP', 'Japan'],
  ['NL', 'Netherlands'],
  ['SE', 'Sweden'],
  ['US-CA', 'United States, California'],
  ['US-NY', 'United States, New York'],
  ['US-OR', 'United States, Oregon'],
  ['US-TX', 'United States, Texas'],
]

const countryField = html`<label class="field" for="country">Country, for tax</label><select id="country" name="country" required><option value="">Choose…</option>${countries.map(([value, label]) => html`<option value="${value}">${label}</option>`)}</select>`

function headline(world: StripeWorld, session: CheckoutSession, items: readonly LineItem[]) {
  if (session.mode === 'setup')
    return html`<h1 class="amount">Save a payment method</h1><p class="muted">Nothing is charged today.</p>`
  const amount = formatMoney(session.amount_total ?? 0, session.currency ?? 'usd')
  const recurring = items.find((item) => item.price.recurring !== null)
  const free = trialText(world, session)
  if (free !== undefined)
    return html`<h1 class="amount">${free}</h1><p class="muted">${amount} due today. Then billed ${recurring === undefined ? '' : every(recurring)} until you cancel.</p>`
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

/** How long a trial lasts, if there is one. */
function trialText(world: StripeWorld, session: CheckoutSession): string | undefined {
  const { trialDays = 0, trialEnd = null } = sessionPlans(world).get(session.id)?.subscription ?? {}
  if (trialEnd !== null) return `Free until ${formatDate(trialEnd)}`
  if (trialDays > 0) return `${trialDays} ${trialDays === 1 ? 'day' : 'days'} free`
  return undefined
}
