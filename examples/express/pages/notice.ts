import { type Authorization, formatSparks, type RecordedUsage, type RemedyView } from 'billfold'
import { catalog, isPackage } from '../billing.js'
import { date, money, number, sparks } from './figures.js'
import { type Html, html } from './html.js'
import { icons } from './layout.js'

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

const payerWords: Readonly<Record<string, string>> = {
  allowance: 'included in the plan',
  credits: 'paid from credits',
  debt: 'owed',
}

function inWords(remedy: RemedyView): Html {
  switch (remedy.kind) {
    case 'top_up': {
      const { package: name, missingSparks } = remedy
      const offer = isPackage(name)
        ? `: ${catalog.config.packages[name].title} is ${money(catalog.config.packages[name].price)}`
        : ''
      return html`Top up: ${sparks(missingSparks)} Sparks are missing${offer}.`
    }
    case 'upgrade':
      return html`Change to the ${catalog.plans.get(remedy.plan)?.title ?? remedy.plan} plan.`
    case 'smaller_request':
      return html`Ask for at most ${number(remedy.quantity)} tokens.`
    case 'wait':
      return html`Wait until ${date(remedy.until)}.`
  }
}
