import { html } from 'hono/html'
import { messagePage, pageResponse, toConsole } from '../page.js'
import { cardChoices } from '../stripe/card-choices.js'
import { testCardNumbered } from '../stripe/test-cards.js'
import { openLink } from './page-links.js'
import { saveMethod } from './payment-methods.js'
import type { LagoWorld } from './world.js'

/** `GET` and `POST /lago/setup/:id`: the payment service's page on which a customer leaves something to pay with. */
export async function setupPage(world: LagoWorld, request: Request, id: string): Promise<Response> {
  const link = openLink(world, 'setup', id)
  if (link === undefined) return messagePage('Nothing here', 'There is no such page.', 404, toConsole)
  if (link === 'expired') return messagePage('This link has expired', 'Ask for a new one in the app.', 410)
  if (request.method !== 'POST') return show(world, id)
  const number = new URLSearchParams(await request.text()).get('card') ?? ''
  const card = testCardNumbered(number)
  if (card === undefined) return show(world, id, 'Your card number is incorrect. Pick one of the test cards.')
  if (card.refusesToBeSaved) return show(world, id, card.decline?.message ?? 'Your card was declined.')
  world.journal.commit(() => saveMethod(world, link.customerId, card.number))
  return messagePage('Saved', 'This is what you pay with from now on. You can close this page.', 200)
}

function show(world: LagoWorld, id: string, problem?: string): Promise<Response> {
  return pageResponse(
    `Payment method · ${world.merchantName}`,
    html`<section class="card narrow wide"><p class="muted">${world.merchantName}</p>
<h1>Add a payment method</h1>
<p class="muted">Nothing is charged now. It becomes your default payment method.</p>
${problem === undefined ? '' : html`<p class="alert" role="alert">${problem}</p>`}
<form method="post" action="/lago/setup/${id}">${cardChoices({ legend: 'Pay with' })}
<div class="actions"><button class="primary" type="submit">Save</button></div></form></section>`,
    problem === undefined ? 200 : 402,
  )
}
