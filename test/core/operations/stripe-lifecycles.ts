import type { Stripe } from 'stripe'
import type { openStripeWorld } from './stripe-world.js'
import { dayMs, payOn, returns } from './stripe-world.js'

type World = Awaited<ReturnType<typeof openStripeWorld>>
type App = Awaited<ReturnType<World['open']>>

/** What a story ends in, as somebody who reads it would say. */
export interface Ending {
  readonly plan: string
  readonly sparks: string
  readonly suspendedFor: string | null
  readonly sale: 'completed' | 'expired' | 'pending'
}

/** A story of one sale at Stripe, and the six events of it that are handed over in every order. */
export interface Lifecycle {
  readonly name: string
  live(world: World, app: App): Promise<void>
  readonly events: readonly Stripe.Event['type'][]
  readonly ending: Ending
}

const starter = { ...returns, kind: 'package', package: 'starter' } as const
const pro = { ...returns, kind: 'subscription', plan: 'pro' } as const
const trial = { ...returns, kind: 'subscription', plan: 'trial' } as const
const forLife = { ...returns, kind: 'lifetime', plan: 'lifetime' } as const

/** Buys on the page and tells nobody: the app learns of it by its webhooks. */
async function buy(app: App, sale: Parameters<App['billing']['createCheckout']>[0], card?: string): Promise<void> {
  const { url } = await app.billing.createCheckout(sale)
  await payOn(url, card ? { card } : {})
}

async function intentOf({ client }: World): Promise<string> {
  const [newest] = (await client.paymentIntents.list({ limit: 1 })).data
  return newest?.id ?? ''
}

async function refund(world: World, amount?: number): Promise<void> {
  const payment_intent = await intentOf(world)
  await world.client.refunds.create({ payment_intent, ...(amount === undefined ? {} : { amount }) })
}

async function contest(world: World, evidence: string): Promise<void> {
  const [dispute] = (await world.client.disputes.list({ limit: 1 })).data
  const given = { evidence: { uncategorized_text: evidence }, submit: true }
  await world.client.disputes.update(dispute?.id ?? '', given)
  world.advance(dayMs)
}

/** From now on every charge of the account fails, or succeeds again. */
async function useCard(world: World, app: App, card: string): Promise<void> {
  const customer = await app.customerId()
  const { id } = await world.client.paymentMethods.attach(card, { customer })
  await app.stripe['payment-methods'].setDefault(customer, id, {})
}

const paid = { plan: 'free', sparks: '500000', suspendedFor: null, sale: 'completed' } as const
const onPro = { plan: 'pro', sparks: '0', suspendedFor: null, sale: 'completed' } as const
const gone = { plan: 'free', sparks: '0', suspendedFor: null, sale: 'completed' } as const

export const lifecycles: readonly Lifecycle[] = [
  {
    name: 'credits are bought',
    live: (_, app) => buy(app, starter),
    events: [
      'checkout.session.completed',
      'payment_intent.succeeded',
      'invoice.finalized',
      'invoice.paid',
      'invoice.payment_succeeded',
      'invoice_payment.paid',
    ],
    ending: paid,
  },
  {
    name: 'credits are bought and paid back in two parts',
    async live(world, app) {
      await buy(app, starter)
      await refund(world, 500)
      await refund(world, 700)
    },
    events: [
      'checkout.session.completed',
      'payment_intent.succeeded',
      'invoice.paid',
      'invoice.finalized',
      'refund.created',
      'charge.refunded',
    ],
    ending: { ...paid, sparks: '200000' },
  },
  {
    name: 'credits are bought by a debit that arrives later',
    async live(world, app) {
      await buy(app, starter, '000123456789')
      world.advance(dayMs)
    },
    events: [
      'checkout.session.completed',
      'checkout.session.async_payment_succeeded',
      'payment_intent.succeeded',
      'payment_intent.processing',
      'invoice.paid',
      'invoice_payment.paid',
    ],
    ending: paid,
  },
  {
    name: 'credits are bought by a debit that fails',
    async live(world, app) {
      await buy(app, starter, '000111111116')
      world.advance(dayMs)
    },
    events: [
      'checkout.session.completed',
      'checkout.session.async_payment_failed',
      'payment_intent.payment_failed',
      'payment_intent.processing',
      'invoice.finalized',
      'invoice.payment_failed',
    ],
    ending: { ...gone, sale: 'expired' },
  },
  {
    name: 'a dispute is won',
    async live(world, app) {
      await buy(app, starter, '4000000000000259')
      await contest(world, 'winning_evidence')
    },
    events: [
      'checkout.session.completed',
      'payment_intent.succeeded',
      'charge.dispute.created',
      'charge.dispute.funds_withdrawn',
      'charge.dispute.closed',
      'charge.dispute.funds_reinstated',
    ],
    ending: paid,
  },
  {
    name: 'a dispute is lost',
    async live(world, app) {
      await buy(app, starter, '4000000000000259')
      await contest(world, 'losing_evidence')
    },
    events: [
      'checkout.session.completed',
      'payment_intent.succeeded',
      'invoice.paid',
      'charge.dispute.created',
      'charge.dispute.updated',
      'charge.dispute.closed',
    ],
    ending: { ...paid, sparks: '0' },
  },
  {
    name: 'a subscription is bought and cancelled',
    async live(world, app) {
      await buy(app, pro)
      const [subscription] = (await world.client.subscriptions.list({ limit: 1 })).data
      await world.client.subscriptions.cancel(subscription?.id ?? '')
    },
    events: [
      'checkout.session.completed',
      'customer.subscription.created',
      'customer.subscription.deleted',
      'invoice.finalized',
      'invoice.paid',
      'payment_intent.succeeded',
    ],
    ending: gone,
  },
  {
    name: 'a subscription is bought and renewed',
    async live(world, app) {
      await buy(app, pro)
      world.advance(31 * dayMs)
      world.advance(dayMs)
    },
    events: [
      'checkout.session.completed',
      'customer.subscription.created',
      'customer.subscription.updated',
      'invoice.finalized',
      'invoice.paid',
      'invoice_payment.paid',
    ],
    ending: onPro,
  },
  {
    name: 'a renewal fails and is paid with another card',
    async live(world, app) {
      await buy(app, pro)
      await useCard(world, app, 'pm_card_chargeCustomerFail')
      world.advance(31 * dayMs + 7_200_000)
      await useCard(world, app, 'pm_card_visa')
      const [open] = (await world.client.invoices.list({ status: 'open' })).data
      await world.client.invoices.pay(open?.id ?? '')
    },
    events: [
      'checkout.session.completed',
      'customer.subscription.created',
      'customer.subscription.updated',
      'invoice.payment_failed',
      'payment_intent.payment_failed',
      'invoice.paid',
    ],
    ending: onPro,
  },
  {
    name: 'a renewal fails until Stripe gives up',
    async live(world, app) {
      await buy(app, pro)
      await useCard(world, app, 'pm_card_chargeCustomerFail')
      for (const days of [31, 2, 2, 2, 2]) world.advance(days * dayMs + 7_200_000)
    },
    events: [
      'checkout.session.completed',
      'customer.subscription.created',
      'customer.subscription.updated',
      'invoice.finalized',
      'invoice.payment_failed',
      'payment_intent.payment_failed',
    ],
    ending: { ...gone, suspendedFor: 'payment overdue' },
  },
  {
    name: 'a trial ends and is paid for',
    async live(world, app) {
      await buy(app, trial)
      world.advance(12 * dayMs)
      world.advance(3 * dayMs)
    },
    events: [
      'checkout.session.completed',
      'customer.subscription.created',
      'customer.subscription.trial_will_end',
      'customer.subscription.updated',
      'invoice.finalized',
      'invoice.paid',
    ],
    ending: { ...onPro, plan: 'trial' },
  },
  {
    name: 'a plan for life is bought and paid back',
    async live(world, app) {
      await buy(app, forLife)
      await refund(world)
    },
    events: [
      'checkout.session.completed',
      'payment_intent.succeeded',
      'invoice.finalized',
      'invoice.paid',
      'refund.created',
      'charge.refunded',
    ],
    ending: gone,
  },
]
