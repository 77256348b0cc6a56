import type { QuotaView, VerifiedCheckout } from 'billfold'
import { money, sparks } from './figures.js'
import { type Html, html } from './html.js'
import { icons, layout } from './layout.js'

/** Where a customer lands after the hosted page: says only what the provider has confirmed. */
export function successPage(checkout: VerifiedCheckout, quota: QuotaView): string {
  switch (checkout.status) {
    case 'paid':
      return card('Payment received', 'positive', icons.ok, 'Paid', paid(checkout, quota))
    case 'open':
    case 'processing':
      return card('Waiting for the payment', 'warning', icons.waiting, 'Not confirmed yet', waiting(checkout), 3)
    case 'failed':
      return card(
        'The payment failed',
        'danger',
        icons.stopped,
        'Not paid',
        over('Your bank did not pay. Nothing was added.'),
      )
    case 'expired':
      return card(
        'Nothing was charged',
        'warning',
        icons.warning,
        'Expired',
        over('The payment page was open too long.'),
      )
  }
}

/** Where a customer lands after turning back. */
export function cancelPage(balance: bigint): string {
  return card(
    'Nothing was charged',
    'warning',
    icons.full,
    'Cancelled',
    html`<p>You left the payment page before paying. Your balance is still ${sparks(balance)} Sparks.</p>
<div class="actions"><a class="button primary" href="/">Back to billing</a></div>`,
  )
}

/** What went wrong, what is safe, and how to go on. */
export function errorPage(message: string): string {
  return card(
    'That did not work',
    'danger',
    icons.stopped,
    'Error',
    html`<p>${message}</p><div class="actions"><a class="button primary" href="/">Back to billing</a></div>`,
  )
}

function paid({ sparks: bought, amount, balance, id }: VerifiedCheckout, quota: QuotaView): Html {
  return html`<dl>
<div><dt>Bought</dt><dd>${sparks(bought)} Sparks</dd></div>
<div><dt>Charged</dt><dd>${money(amount)}</dd></div>
<div class="total"><dt>New balance</dt><dd>${sparks(balance.balance)} Sparks</dd></div>
</dl>
<p>${quota.status === 'throttled' ? 'Requests are still refused: the credits did not cover what is owed.' : 'Requests go through.'} One payment, no renewal.</p>
<p class="muted">Reference <code>${id}</code></p>
<div class="actions"><a class="button primary" href="/">Back to billing</a></div>`
}

function waiting({ amount }: VerifiedCheckout): Html {
  return html`<p>The payment of ${money(amount)} is not confirmed, so nothing was added yet. This page looks again every three seconds; you may leave it, the credits come by themselves.</p>
<div class="actions"><a class="button" href="/">Back to billing</a></div>`
}

function over(what: string): Html {
  return html`<p>${what} You can start again from the billing page.</p>
<div class="actions"><a class="button primary" href="/">Back to billing</a></div>`
}

function card(title: string, tone: string, icon: Html, word: string, content: Html, refreshSeconds?: number): string {
  const body = html`<section class="card ${tone}" aria-labelledby="outcome">
<p class="badge" role="status">${icon} ${word}</p>
<h1 id="outcome">${title}</h1>
${content}
</section>`
  return layout({ title, body, isSmall: true, ...(refreshSeconds === undefined ? {} : { refreshSeconds }) })
}
