import type { CreditPackage } from 'billfold'
import { catalog } from '../billing.js'
import { priceOf, sparks } from './figures.js'
import { type Html, html } from './html.js'

/** So many of a package. */
export interface Purchase {
  readonly offer: CreditPackage
  readonly quantity: number
}

/** What to buy when `missing` micro-sparks are needed: the smallest package that suffices, or as many of the largest as it takes. */
export function purchaseFor(missing: bigint): Purchase | null {
  const offers = [...catalog.packages.values()].sort((one, other) => Number(one.sparks - other.sparks))
  const largest = offers.at(-1)
  if (!largest) return null
  const offer = offers.find(({ sparks: given }) => given >= missing) ?? largest
  return { offer, quantity: Math.max(1, Number((missing + offer.sparks - 1n) / offer.sparks)) }
}

/** One button: what brings as much as is missing. */
export function remedyForm(missing: bigint): Html {
  const purchase = purchaseFor(missing)
  if (!purchase) return html``
  const { offer, quantity } = purchase
  const given = offer.sparks * BigInt(quantity)
  return html`<form class="actions" method="post" action="/top-up">
<input type="hidden" name="package" value="${offer.name}"><input type="hidden" name="quantity" value="${quantity}">
<button class="primary">Top up ${priceOf(offer, quantity)}</button>
<span class="muted">${quantity > 1 ? `${quantity} × ${offer.title}: ` : null}${sparks(given)} Sparks · one payment, no renewal</span>
</form>`
}

/** Choose a package, see what is paid today, go to the hosted page. */
export function topUpForm(offers: readonly CreditPackage[], look: 'primary' | 'secondary'): Html {
  if (offers.length === 0) return html``
  return html`<form method="post" action="/top-up">
<fieldset><legend>Top up</legend>
${offers.map(
  (
    offer,
    index,
  ) => html`<label class="choice"><input type="radio" name="package" value="${offer.name}"${index === 0 ? html` checked` : null}>
<span>${offer.title}<br><span class="muted">${sparks(offer.sparks)} Sparks</span></span><b>${priceOf(offer, 1)}</b></label>`,
)}
</fieldset>
<div class="actions"><button class="${look}">Top up</button><span class="muted">One payment today, no renewal.</span></div>
</form>`
}
