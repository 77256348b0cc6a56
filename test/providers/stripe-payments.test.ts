import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { formatMoney, parseMoney } from '../../src/core/domain/money.js'
import { type StripeProvider, stripeProvider } from '../../src/providers/stripe/index.js'
import type { Sandbox } from '../../src/testing/sandbox/sandbox.js'
import { stripeClient, timedSandbox } from './sandboxed.js'
import { customerWithCard, useCard } from './stripe-customer.js'

let box: Sandbox & { now(): number }
let stripe: StripeProvider
let began = 0

beforeEach(async () => {
  box = await timedSandbox()
  began = box.now()
  stripe = stripeProvider({ client: stripeClient(box), now: box.now })
})
afterEach(() => box.close())

const key = (idempotencyKey: string = crypto.randomUUID()) => ({ idempotencyKey })
const usd = (amount: string) => parseMoney(amount, 'USD')
const charge = (customerId: string, given: { intentId?: string; amount?: string; key?: string } = {}) =>
  stripe.payments.charge(
    {
      intentId: given.intentId ?? crypto.randomUUID(),
      accountId: 'acc_1',
      customerId,
      title: 'Credits',
      amount: usd(given.amount ?? '20'),
      paymentMethodId: null,
      returnUrl: null,
      requestedAt: began,
    },
    key(given.key ?? given.intentId),
  )
const paidBy = async (customerId: string) => (await charge(customerId)).externalId ?? ''

describe('a payment of a saved card', () => {
  it('S2.5 succeeds, names our sale, and is made once', async () => {
    const customerId = await customerWithCard(stripe)
    const { externalId, outcome } = await charge(customerId, { intentId: 'chk_7' })
    expect(outcome).toEqual({ status: 'succeeded' })
    expect((await charge(customerId, { intentId: 'chk_7' })).externalId).toBe(externalId)
    const payment = await stripe.payments.get(externalId ?? '', {})
    expect(payment).toMatchObject({
      status: 'succeeded',
      customerId,
      intentId: 'chk_7',
      failure: null,
      invoiceId: null,
    })
    expect([payment.amount, payment.refunded].map(formatMoney)).toEqual(['20', '0'])
    expect((await stripe.payments.list({ customerId, limit: 5 }, {})).items).toEqual([payment])
  })

  it('S2.5 says why it does not', async () => {
    const customerId = await customerWithCard(stripe)
    const { externalId } = await stripe.customers.create({ accountId: 'bare', email: null, name: null }, key())
    expect((await charge(externalId)).outcome).toMatchObject({ status: 'declined', reason: 'no_payment_method' })
    await useCard(stripe, customerId, 'pm_card_chargeCustomerFail')
    expect((await charge(customerId)).outcome).toMatchObject({ status: 'declined', reason: 'declined' })
    await useCard(stripe, customerId, 'pm_card_authenticationRequired')
    expect((await charge(customerId)).outcome).toMatchObject({ status: 'requires_action' })
    const failed = await stripe.payments.list({ customerId, status: 'failed', limit: 10 }, {})
    expect(failed.items.every(({ failure }) => failure !== null)).toBe(true)
  })
})

describe('a charge that is asked for again', () => {
  const payments = async (customerId: string) =>
    (await stripe.client.paymentIntents.list({ customer: customerId })).data.map(({ status }) => status)

  it('G1 finds the payment of its sale under another key and two days later', async () => {
    const customerId = await customerWithCard(stripe)
    const first = await charge(customerId, { intentId: 'chk_7' })
    box.advance(2 * 86_400_000)
    expect(await charge(customerId, { intentId: 'chk_7', key: 'another' })).toEqual(first)
    await useCard(stripe, customerId, 'pm_card_chargeCustomerFail')
    const refused = await charge(customerId, { intentId: 'chk_8' })
    await useCard(stripe, customerId, 'pm_card_visa')
    expect(await charge(customerId, { intentId: 'chk_8', key: 'another' })).toEqual(refused)
    expect(await payments(customerId)).toEqual(['requires_payment_method', 'succeeded'])
  })

  it('G1 is never made twice, whatever becomes of any of its calls', async () => {
    const customerId = await customerWithCard(stripe)
    let charges = 0
    for (const kind of ['status', 'status_after', 'reset_before', 'reset_after'] as const)
      for (const method of ['GET', 'POST'] as const)
        for (let skip = 0; skip < 3; skip += 1) {
          const intentId = `chk_${kind}_${method}_${skip}`
          box.faults.inject({ match: { method, pathIncludes: '/v1/' }, kind, status: 500, skip })
          await charge(customerId, { intentId }).catch(() => {})
          box.faults.clear()
          box.advance(90_000)
          expect((await charge(customerId, { intentId })).outcome).toEqual({ status: 'succeeded' })
          charges += 1
        }
    const paid = await stripe.client.charges.list({ customer: customerId, limit: 100 })
    expect(paid.data).toHaveLength(charges)
    expect(new Set(paid.data.map(({ metadata }) => metadata.billfold_intent_id)).size).toBe(charges)
  })

  it('S3.5 takes the method that is named', async () => {
    const customerId = await customerWithCard(stripe)
    const bad = await stripe['payment-methods'].attach(customerId, 'pm_card_chargeCustomerFail', {})
    const sale = { intentId: 'chk_9', accountId: 'acc_1', customerId, title: 'Credits', amount: usd('20') }
    const asked = { ...sale, paymentMethodId: bad.externalId, returnUrl: null, requestedAt: began }
    expect((await stripe.payments.charge(asked, key())).outcome).toMatchObject({ status: 'declined' })
  })
})

describe('a refund', () => {
  it('S3.2 gives back a part, then the rest, and never more', async () => {
    const paymentId = await paidBy(await customerWithCard(stripe))
    const part = await stripe.payments.refund({ paymentId, amount: usd('5'), reason: 'asked' }, key('r1'))
    expect(part).toMatchObject({ paymentId, status: 'succeeded', amount: usd('5') })
    expect((await stripe.payments.get(paymentId, {})).status).toBe('succeeded')
    const more = stripe.payments.refund({ paymentId, amount: usd('15.01'), reason: 'asked' }, key('r2'))
    await expect(more).rejects.toMatchObject({ code: 'refund_exceeds_original' })
    const rest = await stripe.payments.refund({ paymentId, amount: null, reason: 'asked' }, key('r3'))
    expect(rest.amount).toEqual(usd('15'))
    expect((await stripe.payments.get(paymentId, {})).status).toBe('refunded')
    const none = stripe.payments.refund({ paymentId, amount: null, reason: 'asked' }, key('r4'))
    await expect(none).rejects.toMatchObject({ code: 'refund_exceeds_original' })
    const { refunds } = await stripe.payments.reversals(paymentId, {})
    expect(refunds.map(({ externalId }) => externalId).sort()).toEqual([part.externalId, rest.externalId].sort())
  })

  it('G1 is made once under its key, also a day after its answer was lost', async () => {
    const paymentId = await paidBy(await customerWithCard(stripe))
    const asked = { paymentId, amount: usd('5'), reason: 'asked' }
    box.faults.inject({ match: { method: 'POST', pathIncludes: '/v1/refunds' }, kind: 'reset_after', times: 2 })
    await stripe.payments.refund(asked, key('r1')).catch(() => {})
    box.advance(26 * 3_600_000)
    const refund = await stripe.payments.refund(asked, key('r1'))
    expect((await stripe.payments.reversals(paymentId, {})).refunds).toEqual([refund])
  })

  it('G1 is made once after a 500 that Stripe replays', async () => {
    const paymentId = await paidBy(await customerWithCard(stripe))
    const asked = { paymentId, amount: usd('5'), reason: 'asked' }
    for (const kind of ['status', 'status_after'] as const) {
      box.faults.inject({ match: { method: 'POST', pathIncludes: '/v1/refunds' }, kind, status: 500 })
      const first = await stripe.payments.refund(asked, key(kind))
      expect(await stripe.payments.refund(asked, key(kind))).toEqual(first)
    }
    expect((await stripe.payments.reversals(paymentId, {})).refunds).toHaveLength(2)
  })

  it('S3.2 of what is not paid is refused', async () => {
    const customerId = await customerWithCard(stripe)
    const { id } = await stripe.client.paymentIntents.create({ amount: 500, currency: 'usd', customer: customerId })
    const refund = stripe.payments.refund({ paymentId: id, amount: null, reason: 'asked' }, key())
    await expect(refund).rejects.toMatchObject({ code: 'invalid_state' })
  })
})

describe('a dispute', () => {
  it('G11 is told with how it stands', async () => {
    const customerId = await customerWithCard(stripe, 'pm_card_createDispute')
    const paymentId = await paidBy(customerId)
    const standing = async () => (await stripe.payments.reversals(paymentId, {})).disputes.map(({ status }) => status)
    expect(await standing()).toEqual(['open'])
    const [dispute] = (await stripe.client.disputes.list({ payment_intent: paymentId })).data
    const evidence = { uncategorized_text: 'winning_evidence' }
    await stripe.client.disputes.update(dispute?.id ?? '', { evidence, submit: true })
    box.advance(86_400_000)
    expect(await standing()).toEqual(['won'])
  })
})

describe('a payment that is not there', () => {
  it('S3.2 is not_found', async () => {
    for (const id of ['', 'pi_none'])
      await expect(stripe.payments.get(id, {})).rejects.toMatchObject({ code: 'not_found' })
  })
})
