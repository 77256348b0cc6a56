import { html } from 'hono/html'
import { formatDate, formatMoney, type Markup, messagePage, pageResponse } from '../page.js'
import { cardChoices } from './card-choices.js'
import { every } from './checkout-page.js'
import { customers } from './customers.js'
import { invoiceItems } from './invoice-items.js'
import { invoices, subscriptionOf } from './invoices.js'
import type { PortalFlow, PortalSession } from './portal.js'
import { featuresOf, portalDeeds } from './portal-actions.js'
import { amountFor, type Price, prices } from './prices.js'
import { periodEnd, type Subscription, subscriptions, titleOf } from './subscription-object.js'
import type { StripeWorld } from './world.js'

/** The step a session with a flow begins with. */
export function flowStart(
  flow: PortalFlow | null,
): { readonly step: string; readonly query: URLSearchParams } | undefined {
  if (flow === null) return undefined
  if (flow.type === 'payment_method_update') return { step: 'card', query: new URLSearchParams() }
  const step = {
    subscription_cancel: 'cancel',
    subscription_pause: 'pause',
    subscription_update: 'plans',
    subscription_update_confirm: 'confirm',
  }[flow.type]
  return { step, query: new URLSearchParams({ subscription: flow[flow.type]?.subscription ?? '' }) }
}

/** One thing to decide, on a page of its own. */
export function flowPage(
  world: StripeWorld,
  session: PortalSession,
  step: string,
  query: URLSearchParams,
): Promise<Response> | undefined {
  const features = featuresOf(world, session)
  if (step === 'confirmed') return confirmed(session, query.get('message') ?? 'Done.')
  if (step === 'card') return features.payment_method_update.enabled ? cardPage(world, session) : undefined
  const subscription = subscriptions(world).get(query.get('subscription') ?? '')
  if (subscription === undefined || subscription.customer !== session.customer) return undefined
  if (step === 'cancel' && features.subscription_cancel.enabled) return cancelPage(world, session, subscription)
  if (step === 'pause' && features.subscription_pause.enabled) return pausePage(world, session, subscription)
  if (!features.subscription_update.enabled) return undefined
  if (step === 'plans') return plansPage(world, session, subscription)
  if (step === 'switch') return switchPage(world, session, subscription, query)
  return step === 'confirm' ? confirmPage(world, session, subscription) : undefined
}

function page(world: StripeWorld, session: PortalSession, title: string, body: Markup): Promise<Response> {
  return pageResponse(
    `${title} · ${world.merchantName}`,
    html`<section class="card narrow"><p class="muted">${world.merchantName}</p><h1>${title}</h1>${body}
<div class="actions-row"><a href="${session.flow !== null && session.return_url !== null ? session.return_url : `/portal/${session.id}/home`}">Go back</a></div></section>`,
  )
}

function form(session: PortalSession, deed: string, button: string, fields: Markup | string = ''): Markup {
  return html`<form method="post" action="/portal/${session.id}/${deed}">${fields}<div class="actions"><button class="primary" type="submit">${button}</button></div></form>`
}

function hidden(fields: Readonly<Record<string, string>>): Markup {
  return html`${Object.entries(fields).map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`)}`
}

function cardPage(world: StripeWorld, session: PortalSession): Promise<Response> {
  const fields = cardChoices({ legend: 'Pick a test card', fits: ({ type }) => type === 'card' })
  const body = html`<p>It becomes your default: the next invoices are charged to it.</p>${form(session, 'card', 'Save', fields)}`
  return page(world, session, 'Add a payment method', body)
}

const reasonTexts: Readonly<Record<string, string>> = {
  customer_service: 'Customer service was not what I expected',
  low_quality: 'Quality was not what I expected',
  missing_features: 'Some features are missing',
  other: 'Another reason',
  switched_service: 'I am switching to another service',
  too_complex: 'It is too complex',
  too_expensive: 'It is too expensive',
  unused: 'I do not use it enough',
}

function cancelPage(world: StripeWorld, session: PortalSession, subscription: Subscription): Promise<Response> {
  const { mode, cancellation_reason: reason } = featuresOf(world, session).subscription_cancel
  const asked = reason.enabled
    ? html`<label class="field" for="reason">Why do you leave? (optional)</label><select id="reason" name="reason"><option value="">No answer</option>${reason.options.map((option) => html`<option value="${option}">${reasonTexts[option] ?? option}</option>`)}</select>`
    : ''
  const when =
    mode === 'immediately'
      ? 'It ends at once.'
      : `It goes on until ${formatDate(periodEnd(subscription))} and is not renewed. You can change your mind until then.`
  const fields = html`${hidden({ subscription: subscription.id })}${asked}`
  return page(
    world,
    session,
    'Cancel subscription',
    html`<p><b>${titles(world, subscription)}</b></p><p>${when}</p>${form(session, 'cancel', 'Cancel subscription', fields)}`,
  )
}

function pausePage(world: StripeWorld, session: PortalSession, subscription: Subscription): Promise<Response> {
  const fields = hidden({ subscription: subscription.id })
  const text =
    'Nothing is billed while it is paused. What you paid for and do not use is credited to your next invoice.'
  return page(
    world,
    session,
    'Pause subscription',
    html`<p><b>${titles(world, subscription)}</b></p><p>${text}</p>${form(session, 'pause', 'Pause subscription', fields)}`,
  )
}

function plansPage(world: StripeWorld, session: PortalSession, subscription: Subscription): Promise<Response> {
  const item = subscription.items.data[0]
  const offered = featuresOf(world, session).subscription_update.products.flatMap(({ prices: ids }) =>
    ids.flatMap((id) => prices(world).get(id) ?? []),
  )
  const rows = offered.map((price) => {
    const has = item?.price.id === price.id
    const address = `/portal/${session.id}/switch?subscription=${subscription.id}&item=${item?.id ?? ''}&price=${price.id}`
    return html`<li><span>${titleOf(world, price)}<br><span class="muted small">${costOf(price)}</span></span><span class="buttons">${has ? html`<span class="badge">✓ Your plan</span>` : html`<a class="button" href="${address}" aria-label="Choose ${titleOf(world, price)}, ${costOf(price)}">Choose</a>`}</span></li>`
  })
  return page(world, session, 'Change plan', html`<ul class="rows">${rows}</ul>`)
}

/** Shows what a switch comes to before it is made. */
function switchPage(
  world: StripeWorld,
  session: PortalSession,
  subscription: Subscription,
  query: URLSearchParams,
): Promise<Response> | undefined {
  const price = prices(world).get(query.get('price') ?? '')
  if (price === undefined) return undefined
  const fields = { subscription: subscription.id, item: query.get('item') ?? '', price: price.id }
  const effect = effectOf(world, session, subscription, 'switch', fields)
  if (effect === undefined) return undefined
  const body = html`<p>From <b>${titles(world, subscription)}</b> to <b>${titleOf(world, price)}</b>, ${costOf(price)}.</p>${effect}${form(session, 'switch', 'Confirm', hidden(fields))}`
  return page(world, session, 'Confirm your plan', body)
}

function confirmPage(
  world: StripeWorld,
  session: PortalSession,
  subscription: Subscription,
): Promise<Response> | undefined {
  const wanted = session.flow?.subscription_update_confirm?.items ?? []
  const named = wanted.flatMap(({ id, price: to, quantity }) => {
    const item = subscription.items.data.find((each) => each.id === id)
    const price = prices(world).get(to ?? item?.price.id ?? '')
    const count = quantity ?? item?.quantity ?? 1
    return price === undefined
      ? []
      : [
          html`<li><span>${titleOf(world, price)}<br><span class="muted small">${count} × ${costOf(price)}</span></span></li>`,
        ]
  })
  const effect = effectOf(world, session, subscription, 'confirm', {})
  if (effect === undefined) return undefined
  return page(
    world,
    session,
    'Confirm your plan',
    html`<ul class="rows">${named}</ul>${effect}${form(session, 'confirm', 'Confirm')}`,
  )
}

/** Does it, looks at what came of it, and undoes it. */
function effectOf(
  world: StripeWorld,
  session: PortalSession,
  before: Subscription,
  deed: string,
  fields: Readonly<Record<string, string>>,
): Markup | undefined {
  const undo = new Error('Only a preview.')
  const customer = customers(world).get(session.customer)
  let effect: Markup | undefined
  try {
    world.journal.attempt(() => {
      const known = new Set([...invoices(world).values()].map(({ id }) => id))
      const items = new Set([...invoiceItems(world).values()].map(({ id }) => id))
      const result =
        customer === undefined ? undefined : portalDeeds[deed]?.(world, session, customer, new URLSearchParams(fields))
      if (result?.kind === 'done') {
        const made = [...invoices(world).values()].find(
          (each) => !known.has(each.id) && subscriptionOf(each) === before.id,
        )
        const later = [...invoiceItems(world).values()].filter(({ id, invoice }) => !items.has(id) && invoice === null)
        const sum = later.reduce((total, { amount }) => total + amount, 0)
        const money = (amount: number) => formatMoney(amount, before.currency)
        effect = html`<ul class="rows"><li class="total"><span>Due today</span><span class="figure">${money(made?.amount_due ?? 0)}</span></li>${later.length === 0 ? '' : html`<li><span>On your next invoice, for the rest of this period</span><span class="figure">${money(sum)}</span></li>`}</ul>`
      } else if (result?.kind === 'refused') effect = html`<p class="alert" role="alert">${result.message}</p>`
      throw undo
    })
  } catch (error) {
    if (error !== undo) throw error
  }
  return effect
}

function confirmed(session: PortalSession, message: string): Promise<Response> {
  const back =
    session.return_url === null
      ? { href: `/portal/${session.id}/home`, label: 'To your billing' }
      : { href: session.return_url, label: 'Return' }
  return messagePage('All done', message, 200, back)
}

function titles(world: StripeWorld, { items }: Subscription): string {
  return items.data.map(({ price }) => titleOf(world, price)).join(' + ')
}

function costOf(price: Price): string {
  if (price.recurring?.usage_type === 'metered') return `by usage, billed ${every({ price })}`
  return `${formatMoney(amountFor(price, '1'), price.currency)} ${every({ price })}`
}
