import { parseMoney } from '../../src/core/domain/money.js'
import type { PlanPrice } from '../../src/core/ports/capabilities/plan-price.js'
import type { StripeProvider } from '../../src/providers/stripe/index.js'
import { payOnPage } from './sandboxed.js'

/** A plan of the tests' catalog. */
export function planPrice(plan: string, amount: string, change: Partial<PlanPrice> = {}): PlanPrice {
  return { plan, title: plan, amount: parseMoney(amount, 'USD'), interval: 'month', overage: [], ...change }
}

/** A customer who pays with this card (Stripe's names: `pm_card_visa`). */
export async function customerWithCard(stripe: StripeProvider, card = 'pm_card_visa'): Promise<string> {
  const accountId = `acc_${crypto.randomUUID()}`
  const { externalId } = await stripe.customers.create(
    { accountId, email: null, name: null },
    { idempotencyKey: accountId },
  )
  await useCard(stripe, externalId, card)
  return externalId
}

/** Makes this card the one that is charged. */
export async function useCard(stripe: StripeProvider, customerId: string, card: string): Promise<string> {
  const { id } = await stripe.client.paymentMethods.attach(card, { customer: customerId })
  await stripe['payment-methods'].setDefault(customerId, id, {})
  return id
}

/** A subscription bought on the page; answers its id. */
export async function subscribe(
  stripe: StripeProvider,
  customerId: string,
  price: PlanPrice,
  given: { readonly seats?: number; readonly trialDays?: number } = {},
): Promise<string> {
  const intentId = `chk_${crypto.randomUUID()}`
  const session = await stripe.checkout.create(
    {
      mode: 'subscription',
      intentId,
      accountId: 'acc_1',
      customerId,
      successUrl: 'https://app.example/ok',
      cancelUrl: 'https://app.example/no',
      promotionCodes: false,
      price,
      seats: given.seats ?? 1,
      trialDays: given.trialDays ?? 0,
    },
    { idempotencyKey: intentId },
  )
  await payOnPage(session.url)
  const { subscriptionId } = await stripe.checkout.get(session.externalId, {})
  if (subscriptionId === null) throw new Error('The page led to no subscription.')
  return subscriptionId
}
