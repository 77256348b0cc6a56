import { randomUUID } from 'node:crypto'
import type { CreditBalance, CreditTransaction, UsageSum, UsageSummary } from 'billfold'
import { catalog, meterTitles, welcomeCredit } from '../billing.js'
import type { Overview } from '../overview.js'
import { change, date, number, sparks, time, worth } from './figures.js'
import { type Html, html } from './html.js'
import { layout } from './layout.js'
import { quotaCard } from './quota-card.js'
import { topUpForm } from './top-up-form.js'

/** What came of the last action. */
export interface Outcome {
  readonly notice?: Html
  /** Micro-sparks that a refused request was short of. */
  readonly missing?: bigint
}

/** Where an account stands. `takesTokenCounts` shows what tries large requests. */
export function billingPage(overview: Overview, takesTokenCounts: boolean, { notice, missing }: Outcome = {}): string {
  const { account, credits, usage, transactions, quota } = overview
  const needsCredit = quota.status === 'throttled' || (quota.status === 'at_quota' && credits.available <= 0n)
  const body = html`${notice}
<div class="grid">
${quotaCard(overview, { takesTokenCounts, missing, key: randomUUID() })}
${creditsCard(credits, needsCredit)}
${usageCard(usage)}
${ledgerCard(transactions)}
</div>`
  return layout({ title: 'Billing', body, account: account.name ?? account.id })
}

/** Before there is an account. */
export function welcomePage(): string {
  const body = html`<section class="card">
<h1>No account yet</h1>
<p>A new account is on the ${catalog.plans.get(catalog.defaultPlan)?.title} plan and gets ${number(welcomeCredit)} Sparks for free. Its usage and credits appear here.</p>
<form method="post" action="/account"><button class="primary">Create the account</button></form>
</section>`
  return layout({ title: 'Welcome', body, isSmall: true })
}

function creditsCard({ balance, grants }: CreditBalance, needsCredit: boolean): Html {
  return html`<section class="card" aria-labelledby="credits">
<h2 id="credits">Credits</h2>
<p class="amount">${sparks(balance)} <span class="unit">Sparks</span></p>
<p class="muted">${balance < 0n ? 'Owed' : 'Worth'} ${worth(balance < 0n ? -balance : balance)}</p>
${
  grants.length === 0
    ? html`<p class="muted">No open credits. What you buy appears here, in the order it is used.</p>`
    : html`<ul class="rows">${grants.map(
        (grant) => html`<li><span>${sentenceCase(grant.reason)}<br><span class="muted">${
          grant.kind === 'paid' ? 'Bought' : 'Free'
        } · ${grant.expiresAt === null ? 'does not expire' : html`expires ${date(grant.expiresAt)}`}</span></span>
<span class="figure">${sparks(grant.remaining)}<br><span class="muted">of ${sparks(grant.amount)}</span></span></li>`,
      )}</ul>`
}
${topUpForm([...catalog.packages.values()], needsCredit ? 'secondary' : 'primary')}
</section>`
}

function usageCard(usage: UsageSummary): Html {
  return html`<section class="card" aria-labelledby="usage">
<h2 id="usage">Usage this period</h2>
${
  usage.events === 0
    ? html`<p class="muted">Nothing used yet. Your first request appears here by meter and model.</p>`
    : html`<p>${number(String(usage.events))} requests, rated at ${sparks(usage.sparks)} Sparks.</p>
${sums('Meter', usage.byMeter, usage.sparks)}
${sums('Model', usage.byModel, usage.sparks)}`
}
</section>`
}

function sums(title: string, rows: readonly UsageSum[], total: bigint): Html {
  return html`<table>
<thead><tr><th scope="col">${title}</th><th scope="col" class="figure">Requests</th><th scope="col" class="figure">Sparks</th></tr></thead>
<tbody>${rows.map(
    (row) => html`<tr><th scope="row">${meterTitles[row.name] ?? (row.name || 'No model')}${
      row.quantity === null ? null : html`<br><span class="muted">${number(row.quantity)} tokens</span>`
    }${row.quantity === null ? share(row.sparks, total) : null}</th>
<td class="figure">${number(String(row.events))}</td><td class="figure">${sparks(row.sparks)}</td></tr>`,
  )}</tbody>
</table>`
}

/** A part of the whole as a line; the figure beside it says how much. */
function share(part: bigint, whole: bigint): Html {
  const permille = whole === 0n ? 0n : (part * 1000n) / whole
  return html`<svg class="share" aria-hidden="true" width="100%" height="4"><rect class="track" width="100%" height="4" rx="2"/><rect class="mark" width="${Number(permille) / 10}%" height="4" rx="2"/></svg>`
}

function ledgerCard(transactions: readonly CreditTransaction[]): Html {
  return html`<section class="card wide" aria-labelledby="ledger">
<h2 id="ledger">Credit ledger</h2>
${
  transactions.length === 0
    ? html`<p class="muted">No entries yet. Credits given, bought and used appear here; what the plan includes costs none.</p>`
    : html`<table class="ledger">
<thead><tr><th scope="col">Entry</th><th scope="col" class="when">Time (UTC)</th><th scope="col" class="figure">Sparks</th><th scope="col" class="figure">Balance</th></tr></thead>
<tbody>${transactions.map(
        (
          entry,
        ) => html`<tr><th scope="row">${nameOf(entry)}<span class="below muted">${time(entry.recordedAt)}</span></th>
<td class="when muted">${time(entry.recordedAt)}</td>
<td class="figure">${change(entry.amount)}</td><td class="figure">${sparks(entry.balanceAfter)}</td></tr>`,
      )}</tbody>
</table>`
}
</section>`
}

function nameOf({ operation, meter, reason }: CreditTransaction): string {
  if (operation === 'usage') return `Usage of ${meterTitles[meter ?? ''] ?? meter}`
  return reason === '' ? sentenceCase(operation) : sentenceCase(reason)
}

function sentenceCase(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1)
}
