import type { CreditBalance, QuotaStatus, QuotaView } from 'billfold'
import { catalog } from '../billing.js'
import type { Overview } from '../overview.js'
import { date, number, sparks } from './figures.js'
import { type Html, html } from './html.js'
import { icons } from './layout.js'
import { remedyForm } from './top-up-form.js'

interface Look {
  readonly tone: 'positive' | 'warning' | 'danger'
  readonly icon: Html
  readonly word: string
}

interface Forms {
  readonly takesTokenCounts: boolean
  /** Micro-sparks that a refused request was short of; otherwise what is owed is missing. */
  readonly missing: bigint | undefined
  readonly key: string
}

/** How much of the plan is used, in one line, a bar and a sentence, and what can be done. */
export function quotaCard({ quota, credits, account }: Overview, { takesTokenCounts, missing, key }: Forms): Html {
  const paysFromCredits = quota.status === 'at_quota' && credits.available > 0n
  const look = looks[quota.status]
  const tone = paysFromCredits ? 'warning' : look.tone
  const plan = catalog.plans.get(account.plan)?.title ?? account.plan
  const isOut = quota.status === 'throttled' || (quota.status === 'at_quota' && !paysFromCredits)
  return html`<section class="card wide ${tone}" aria-labelledby="quota">
<div class="spread">
<h1 id="quota">${headline(quota)}</h1>
<p class="badge" role="status">${look.icon} ${look.word}</p>
</div>
${bar(quota)}
<p class="scale"><span>${number(quota.used)} used</span><span>${plan} plan · resets ${date(quota.resetsAt)}</span></p>
<p>${sentence(quota, credits)}</p>
${isOut ? remedyForm(missing ?? debtOf(credits.balance) + 1n) : null}
<form class="actions" method="post" action="/use" autocomplete="off">
<input type="hidden" name="key" value="${key}">
<span class="muted">Try it:</span>
${
  takesTokenCounts
    ? html`<button name="tokens" value="1000">Use 1,000 tokens</button>
<button name="tokens" value="50000">Use 50,000 tokens</button>`
    : html`<button>Ask the parrot</button>`
}
</form>
</section>`
}

const looks: Readonly<Record<QuotaStatus, Look>> = {
  below_quota: { tone: 'positive', icon: icons.ok, word: 'Below quota' },
  near_quota: { tone: 'warning', icon: icons.warning, word: 'Near quota' },
  at_quota: { tone: 'danger', icon: icons.full, word: 'At quota' },
  throttled: { tone: 'danger', icon: icons.stopped, word: 'Throttled' },
}

function headline({ used, limit, remaining }: QuotaView): string {
  if (limit === null) return `${number(used)} tokens used this month`
  return `${number(remaining ?? '0')} of ${number(limit)} tokens left`
}

function sentence(quota: QuotaView, { available, balance }: CreditBalance): Html {
  const debt = debtOf(balance)
  const left = html`${sparks(available)} Sparks`
  switch (quota.status) {
    case 'below_quota':
      return html`The plan’s tokens are used first, then credits.`
    case 'near_quota': {
      const end = runsOut(quota)
      return html`${end ? html`At this rate the plan’s tokens run out on ${date(end)}.` : 'Most of the plan’s tokens are used.'} After them, ${
        available > 0n ? html`credits pay: there are ${left}.` : 'requests are refused unless there are credits.'
      }`
    }
    case 'at_quota':
      return available > 0n
        ? html`The plan’s tokens are used up. Credits pay now: ${left} are left.`
        : html`The plan’s tokens and the credits are used up${debt > 0n ? html`, and ${sparks(debt)} Sparks are owed` : null}. The next request is refused; top up to go on.`
    case 'throttled':
      if (debt > 0n) {
        return html`A request was refused: the plan’s tokens did not cover it, and ${sparks(debt)} Sparks are owed. Top up to pay them and go on.`
      }
      return html`A request was refused: what is left, ${number(quota.remaining ?? '0')} of the plan’s tokens and ${left}, did not cover it. Top up to go on.`
  }
}

function debtOf(balance: bigint): bigint {
  return balance < 0n ? -balance : 0n
}

/** When nothing would be left if usage goes on as it did since the period began; `null` when it lasts. */
function runsOut({ used, remaining, periodStartsAt, resetsAt }: QuotaView): Date | null {
  if (remaining === null || Number(used) === 0) return null
  const now = Date.now()
  const end = now + ((now - periodStartsAt.getTime()) * Number(remaining)) / Number(used)
  return end < resetsAt.getTime() ? new Date(end) : null
}

/** Drawn as a picture, so that no inline style is needed; the words beside it say the same. */
function bar({ used, limit, status }: QuotaView): Html {
  if (limit === null) return html``
  const percent = Math.min(100, (Number(used) / Number(limit)) * 100)
  const near = catalog.meters.get('ai_tokens')?.nearPercent ?? 80
  return html`<svg class="bar" role="img" aria-label="${number(used)} of ${number(limit)} tokens used, ${looks[status].word.toLowerCase()}" width="100%" height="12">
<defs><pattern id="stripes" width="8" height="8" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect class="fill" width="8" height="8"/><rect class="stripe" width="3" height="8"/></pattern></defs>
<rect class="track" width="100%" height="12" rx="4"/>
<rect ${{ markup: status === 'throttled' ? 'fill="url(#stripes)"' : 'class="fill"' }} width="${percent.toFixed(2)}%" height="12" rx="4"/>
<rect class="tick" x="${near}%" width="1" height="12"/>
</svg>`
}
