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
      return card('Waiting for the payment', 'warning', icons.waiting, 'Not confirmed yet', waiting(checkout), 3)
    case 'processing':
      return card('Payment pending', 'warning', icons.waiting, 'At your bank', pending(checkout), 15)
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

/** Where a customer lands after turning back. The page may have been used in another tab, so this says what the provider says. */
export function cancelPage(checkout: VerifiedCheckout | null, quota: QuotaView): string {
  if (checkout === null) return card('You left the payment page', 'warning', icons.warning, 'Not checked', unknown())
  if (checkout.status !== 'open') return successPage(checkout, quota)
  return card('Nothing was charged', 'warning', icons.full, 'Not paid', turnedBack(checkout))
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

function pending({ amount, sparks: bought }: VerifiedCheckout): Html {
  return html`<p>Your bank was asked for ${money(amount)}. That can take some days; ${sparks(bought)} Sparks are added as soon as it is paid, and nothing has to be done for it.</p>
<div class="actions"><a class="button primary" href="/">Back to billing</a></div>`
}

function turnedBack({ amount, balance }: VerifiedCheckout): Html {
  return html`<p>The payment of ${money(amount)} has not been made. ${
    balance.balance < 0n
      ? html`You owe ${sparks(-balance.balance)} Sparks`
      : html`You have ${sparks(balance.balance)} Sparks`
  }. The payment page stays open for a while: topping up again leads back to it.</p>
<div class="actions"><a class="button primary" href="/">Back to billing</a></div>`
}

function unknown(): Html {
  return html`<p>We cannot see from here whether you paid. If you did, the credits are in your balance, or come by themselves; if you did not, nothing is charged.</p>
<div class="actions"><a class="button primary" href="/">Look at the balance</a></div>`
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
