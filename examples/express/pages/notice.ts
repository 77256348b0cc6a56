import { type Authorization, formatSparks, type RecordedUsage, type RemedyView, type VerifiedCheckout } from 'billfold'
import { catalog } from '../billing.js'
import { date, money, number, priceOf, sparks } from './figures.js'
import { type Html, html } from './html.js'
import { icons } from './layout.js'
import { type Purchase, purchaseFor } from './top-up-form.js'

/** What usage cost, and who paid. */
export function usageNotice({ sparks: cost, settledBy }: RecordedUsage): Html {
  const payers = Object.entries(settledBy).filter(([, amount]) => amount > 0n)
  const parts = payers.map(([payer, amount]) => {
    const words = payerWords[payer] ?? payer
    return payers.length === 1 ? words : `${number(formatSparks(amount))} ${words}`
  })
  return html`<p class="notice positive" role="status">${icons.ok}<span>${sparks(cost)} Sparks used${
    parts.length === 0 ? '' : `: ${parts.join(', ')}`
  }.</span></p>`
}

/** Why a request was refused, and every way on. */
export function refusalNotice({ remedies }: Extract<Authorization, { allowed: false }>): Html {
  return html`<div class="notice danger" role="alert">${icons.stopped}<div><p><b>The request was refused</b> and nothing was charged.</p>
${remedies.length === 0 ? null : html`<ul>${remedies.map((remedy) => html`<li>${inWords(remedy)}</li>`)}</ul>`}</div></div>`
}

/** What became of the payment that was begun last; nothing while it has not been made or when it is in the ledger. */
export function checkoutNotice({ status, amount, sparks: bought }: VerifiedCheckout): Html | null {
  if (status === 'processing') {
    return html`<p class="notice warning" role="status">${icons.waiting}<span><b>Payment pending:</b> your bank was asked for ${money(amount)}. That can take some days; ${sparks(bought)} Sparks are added as soon as it is paid.</span></p>`
  }
  if (status !== 'failed') return null
  return html`<p class="notice danger" role="alert">${icons.stopped}<span><b>Payment failed:</b> your bank did not pay ${money(amount)}. Nothing was added; you can top up again.</span></p>`
}

const payerWords: Readonly<Record<string, string>> = {
  allowance: 'included in the plan',
  credits: 'paid from credits',
  debt: 'owed',
}

function offerWords({ offer, quantity }: Purchase): string {
  return `${quantity > 1 ? `${quantity} × ` : ''}${offer.title} for ${priceOf(offer, quantity)}`
}

function inWords(remedy: RemedyView): Html {
  switch (remedy.kind) {
    case 'top_up': {
      const { missingSparks } = remedy
      const purchase = purchaseFor(missingSparks)
      return html`Top up: ${sparks(missingSparks)} Sparks are missing${purchase && `: ${offerWords(purchase)} covers them`}.`
    }
    case 'upgrade':
      return html`Change to the ${catalog.plans.get(remedy.plan)?.title ?? remedy.plan} plan.`
    case 'smaller_request':
      return html`Ask for at most ${number(remedy.quantity)} tokens.`
    case 'wait':
      return html`Wait until ${date(remedy.until)}.`
  }
}
