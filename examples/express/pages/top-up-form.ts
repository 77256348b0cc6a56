import type { CreditPackage } from 'billfold'
import { catalog, isPackage } from '../billing.js'
import { money, sparks } from './figures.js'
import { type Html, html } from './html.js'

/** Choose a package, see what is paid today, go to the hosted page. */
export function topUpForm(offers: readonly CreditPackage[], look: 'primary' | 'secondary'): Html {
  const [only, ...others] = offers
  if (!only) return html``
  if (others.length === 0) {
    return html`<form class="actions" method="post" action="/top-up">
<input type="hidden" name="package" value="${only.name}">
<button class="${look}">Top up ${priceOf(only)}</button>
<span class="muted">${sparks(only.sparks)} Sparks · one payment, no renewal</span>
</form>`
  }
  return html`<form method="post" action="/top-up">
<fieldset><legend>Top up</legend>
${offers.map(
  (
    offer,
    index,
  ) => html`<label class="choice"><input type="radio" name="package" value="${offer.name}"${index === 0 ? html` checked` : null}>
<span>${offer.title}<br><span class="muted">${sparks(offer.sparks)} Sparks</span></span><b>${priceOf(offer)}</b></label>`,
)}
</fieldset>
<div class="actions"><button class="${look}">Top up</button><span class="muted">One payment today, no renewal.</span></div>
</form>`
}

function priceOf({ name }: CreditPackage): string {
  return isPackage(name) ? money(catalog.config.packages[name].price) : ''
}
