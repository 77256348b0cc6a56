import Stripe from 'stripe'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Sandbox, sandbox } from '../../src/testing/sandbox/sandbox.js'

let box: Sandbox
let stripe: Stripe

beforeEach(async () => {
  box = await sandbox()
  const { apiKey, ...address } = box.stripe
  stripe = new Stripe(apiKey, { ...address, telemetry: false, maxNetworkRetries: 0 })
})
afterEach(() => box.close())

const serverSide = { automatic_payment_methods: { enabled: true, allow_redirects: 'never' as const } }

describe('payment methods', () => {
  it('S1.4 are made from a token, a test number, a bank account or an IBAN', async () => {
    const token = await stripe.paymentMethods.create({ type: 'card', card: { token: 'tok_mastercard' } })
    expect(token).toMatchObject({ type: 'card', customer: null, card: { brand: 'mastercard', last4: '4444' } })
    const number = await stripe.paymentMethods.create({
      type: 'card',
      card: { number: '4242 4242 4242 4242', exp_month: 8, exp_year: 2031, cvc: '123' },
      billing_details: { name: 'Ada', address: { country: 'DE' } },
    })
    expect(number).toMatchObject({ card: { exp_month: 8, exp_year: 2031 }, billing_details: { name: 'Ada' } })
    const bank = await stripe.paymentMethods.create({
      type: 'us_bank_account',
      us_bank_account: { account_number: '000123456789', routing_number: '110000000', account_holder_type: 'company' },
    })
    expect(bank.us_bank_account).toMatchObject({ last4: '6789', routing_number: '110000000' })
    const iban = await stripe.paymentMethods.create({
      type: 'sepa_debit',
      sepa_debit: { iban: 'DE89370400440532013000' },
    })
    expect(iban.sepa_debit).toMatchObject({ country: 'DE', last4: '3000' })
    expect((await stripe.paymentMethods.retrieve(iban.id)).id).toBe(iban.id)
    const renamed = await stripe.paymentMethods.update(number.id, { billing_details: { email: 'a@b.test' } })
    expect(renamed.billing_details).toMatchObject({ name: 'Ada', email: 'a@b.test' })
  })

  it('S1.4 refuses numbers that are no test cards, and expiry dates that cannot be', async () => {
    const make = (card: object) => stripe.paymentMethods.create({ type: 'card', card: card as { token: string } })
    await expect(make({ number: '4242424242424241', exp_month: 1, exp_year: 2040 })).rejects.toMatchObject({
      statusCode: 402,
      code: 'incorrect_number',
    })
    await expect(make({ number: '4111111111111111', exp_month: 1, exp_year: 2040 })).rejects.toMatchObject({
      decline_code: 'test_mode_live_card',
    })
    await expect(make({ number: '4242424242424242', exp_month: 13, exp_year: 2040 })).rejects.toMatchObject({
      code: 'invalid_expiry_month',
    })
    await expect(make({ number: '4242424242424242', exp_month: 1, exp_year: 2020 })).rejects.toMatchObject({
      code: 'invalid_expiry_year',
    })
    await expect(make({ token: 'tok_none' })).rejects.toMatchObject({ code: 'resource_missing' })
  })

  it('S1.4 are attached to one customer, listed, made the default, and detached for good', async () => {
    const { id: customer } = await stripe.customers.create({})
    const card = await stripe.paymentMethods.attach('pm_card_visa', { customer })
    expect(card).toMatchObject({ customer, card: { last4: '4242' } })
    const other = await stripe.customers.create({})
    await expect(stripe.paymentMethods.attach(card.id, { customer: other.id })).rejects.toMatchObject({
      message: expect.stringContaining('already been attached'),
    })
    const { data } = await stripe.customers.listPaymentMethods(customer)
    expect(data.map(({ id }) => id)).toEqual([card.id])
    expect((await stripe.paymentMethods.list({ customer, type: 'sepa_debit' })).data).toEqual([])
    expect((await stripe.customers.retrievePaymentMethod(customer, card.id)).id).toBe(card.id)
    await expect(
      stripe.customers.update(other.id, { invoice_settings: { default_payment_method: card.id } }),
    ).rejects.toMatchObject({ code: 'resource_missing' })
    const updated = await stripe.customers.update(customer, { invoice_settings: { default_payment_method: card.id } })
    expect(updated.invoice_settings.default_payment_method).toBe(card.id)
    await stripe.paymentMethods.detach(card.id)
    const after = (await stripe.customers.retrieve(customer)) as Stripe.Customer
    expect(after.invoice_settings.default_payment_method).toBeNull()
    await expect(stripe.paymentMethods.attach(card.id, { customer })).rejects.toMatchObject({
      message: expect.stringContaining('may not be used again'),
    })
    const types = (await stripe.events.list({ limit: 20 })).data.map(({ type }) => type)
    expect(types).toEqual(
      expect.arrayContaining(['payment_method.attached', 'payment_method.detached', 'customer.updated']),
    )
  })

  it('S1.4 of issuers that decline cannot be saved, except the one made for it', async () => {
    const { id: customer } = await stripe.customers.create({})
    await expect(stripe.paymentMethods.attach('pm_card_chargeDeclined', { customer })).rejects.toMatchObject({
      type: 'StripeCardError',
      code: 'card_declined',
      decline_code: 'generic_decline',
    })
    for (const name of ['chargeCustomerFail', 'chargeDeclinedFraudulent'])
      await stripe.paymentMethods.attach(`pm_card_${name}`, { customer })
  })
})

describe('payment intents', () => {
  it('S1.4 take money at once and leave a charge', async () => {
    const intent = await pay('pm_card_visa', { metadata: { order: '7' } })
    expect(intent).toMatchObject({ status: 'succeeded', amount_received: 2000, metadata: { order: '7' } })
    const charge = await stripe.charges.retrieve(String(intent.latest_charge))
    expect(charge).toMatchObject({
      status: 'succeeded',
      paid: true,
      captured: true,
      refunded: false,
      disputed: false,
      payment_intent: intent.id,
      payment_method_details: { type: 'card', card: { last4: '4242', brand: 'visa' } },
    })
    expect(await (await fetch(charge.receipt_url ?? '')).text()).toContain('$20.00')
    expect((await stripe.events.list()).data.map(({ type }) => type).reverse()).toEqual([
      'payment_intent.created',
      'charge.succeeded',
      'payment_intent.succeeded',
    ])
    expect((await stripe.charges.list({ payment_intent: intent.id })).data).toHaveLength(1)
  })

  it.each([
    ['pm_card_visa_chargeDeclined', 'card_declined', 'generic_decline', undefined, 'try_again_later'],
    [
      'pm_card_visa_chargeDeclinedInsufficientFunds',
      'card_declined',
      'insufficient_funds',
      undefined,
      'try_again_later',
    ],
    ['pm_card_visa_chargeDeclinedLostCard', 'card_declined', 'lost_card', undefined, 'do_not_try_again'],
    ['pm_card_visa_chargeDeclinedStolenCard', 'card_declined', 'stolen_card', undefined, 'do_not_try_again'],
    [
      'pm_card_visa_chargeDeclinedVelocityLimitExceeded',
      'card_declined',
      'card_velocity_exceeded',
      undefined,
      'try_again_later',
    ],
    ['pm_card_chargeDeclinedExpiredCard', 'expired_card', 'expired_card', 'exp_month', 'confirm_card_data'],
    ['pm_card_chargeDeclinedIncorrectCvc', 'incorrect_cvc', 'incorrect_cvc', 'cvc', 'confirm_card_data'],
    ['pm_card_chargeDeclinedProcessingError', 'processing_error', 'processing_error', undefined, 'try_again_later'],
    ['pm_card_chargeDeclinedFraudulent', 'card_declined', 'fraudulent'],
  ])('S1.4 answer 402 for %s and keep the failed attempt', async (method, code, decline_code, param?, advice_code?) => {
    const failure = await pay(method).catch((error: Stripe.errors.StripeCardError) => error)
    expect(failure).toMatchObject({ type: 'StripeCardError', statusCode: 402, code, decline_code, param })
    const error = failure as Stripe.errors.StripeCardError
    expect(error.advice_code).toBe(advice_code)
    const intent = await stripe.paymentIntents.retrieve(error.payment_intent?.id ?? '')
    expect(intent).toMatchObject({ status: 'requires_payment_method', last_payment_error: { code, decline_code } })
    expect(await stripe.charges.retrieve(error.charge ?? '')).toMatchObject({ status: 'failed', failure_code: code })
    const retried = await stripe.paymentIntents.confirm(intent.id, { payment_method: 'pm_card_visa' })
    expect(retried).toMatchObject({ status: 'succeeded', last_payment_error: null })
    expect((await stripe.charges.list({ payment_intent: intent.id })).data).toHaveLength(2)
  })

  it('S1.4 wait for 3-D Secure, which the holder passes or fails', async () => {
    const authenticate = (id: string, how: string) =>
      fetch(`${box.url}/authenticate/${id}/${how}`, { method: 'POST', redirect: 'manual' })
    const waiting = await stripe.paymentIntents.create({
      amount: 2000,
      currency: 'usd',
      payment_method: 'pm_card_authenticationRequired',
      confirm: true,
      return_url: 'https://shop.test/back',
    })
    expect(waiting).toMatchObject({
      status: 'requires_action',
      next_action: { type: 'redirect_to_url' },
      latest_charge: null,
    })
    expect(await (await fetch(waiting.next_action?.redirect_to_url?.url ?? '')).text()).toContain('Is this you?')
    const done = await authenticate(waiting.id, 'complete')
    expect(done.headers.get('location')).toBe(`https://shop.test/back?payment_intent=${waiting.id}`)
    const paid = await stripe.paymentIntents.retrieve(waiting.id, { expand: ['latest_charge'] })
    expect(paid).toMatchObject({
      status: 'succeeded',
      latest_charge: { payment_method_details: { card: { three_d_secure: { result: 'authenticated' } } } },
    })
    expect((await authenticate(waiting.id, 'complete')).status).not.toBe(500)

    await expect(pay('pm_card_authenticationRequired', { error_on_requires_action: true })).rejects.toMatchObject({
      statusCode: 402,
      code: 'authentication_required',
      decline_code: 'authentication_not_handled',
    })

    const second = await pay('pm_card_authenticationRequired')
    expect(second.next_action).toMatchObject({ type: 'use_stripe_sdk' })
    await authenticate(second.id, 'fail')
    expect(await stripe.paymentIntents.retrieve(second.id)).toMatchObject({
      status: 'requires_payment_method',
      last_payment_error: { code: 'payment_intent_authentication_failure' },
    })

    const third = await pay('pm_card_threeDSecureRequiredChargeDeclined')
    await authenticate(third.id, 'complete')
    expect(await stripe.paymentIntents.retrieve(third.id)).toMatchObject({
      status: 'requires_payment_method',
      last_payment_error: { code: 'card_declined' },
    })
  })

  it('S1.4 off session fail where the card asks for its holder, unless it was set up', async () => {
    const { id: customer } = await stripe.customers.create({})
    const card = await stripe.paymentMethods.attach('pm_card_authenticationRequiredOnSetup', { customer })
    const offSession = () => pay(card.id, { customer, off_session: true })
    const error = (await offSession().catch((failure) => failure)) as Stripe.errors.StripeCardError
    expect(error).toMatchObject({
      statusCode: 402,
      code: 'authentication_required',
      decline_code: 'authentication_required',
      payment_intent: { status: 'requires_payment_method' },
      payment_method: { id: card.id },
    })
    expect(error.charge).toBeUndefined()
    const setup = await stripe.setupIntents.create({ customer, payment_method: card.id, confirm: true, ...serverSide })
    expect(setup.status).toBe('requires_action')
    await fetch(`${box.url}/authenticate/${setup.id}/complete`, { method: 'POST', redirect: 'manual' })
    expect((await stripe.setupIntents.retrieve(setup.id)).status).toBe('succeeded')
    expect((await offSession()).status).toBe('succeeded')
    expect((await pay(card.id, { customer })).status).toBe('requires_action')
  })

  it('S1.4 hold an amount, capture a part of it, and release the rest', async () => {
    const held = await pay('pm_card_visa', { capture_method: 'manual' })
    expect(held).toMatchObject({ status: 'requires_capture', amount_capturable: 2000, amount_received: 0 })
    await expect(stripe.paymentIntents.capture(held.id, { amount_to_capture: 9999 })).rejects.toMatchObject({
      code: 'amount_too_large',
    })
    await expect(stripe.refunds.create({ payment_intent: held.id })).rejects.toMatchObject({
      message: expect.stringContaining('You must cancel the PaymentIntent'),
    })
    const captured = await stripe.paymentIntents.capture(held.id, { amount_to_capture: 1500 })
    expect(captured).toMatchObject({ status: 'succeeded', amount_received: 1500, amount_capturable: 0 })
    await expect(stripe.paymentIntents.cancel(held.id)).rejects.toMatchObject({
      message: expect.stringContaining('because it has a status of succeeded'),
    })
    const plain = await stripe.paymentIntents.create({ amount: 500, currency: 'usd' })
    const canceled = await stripe.paymentIntents.cancel(plain.id, { cancellation_reason: 'abandoned' })
    expect(canceled).toMatchObject({ status: 'canceled', cancellation_reason: 'abandoned' })
  })

  it('S1.4 by bank are processing first, and succeed or fail a minute later', async () => {
    const [good, bad] = [await pay('pm_usBankAccount_success'), await pay('pm_usBankAccount_accountClosed')]
    expect([good.status, bad.status]).toEqual(['processing', 'processing'])
    box.advance(61_000)
    expect(await stripe.paymentIntents.retrieve(good.id)).toMatchObject({ status: 'succeeded' })
    expect(await stripe.paymentIntents.retrieve(bad.id)).toMatchObject({
      status: 'requires_payment_method',
      last_payment_error: { message: 'The bank account has been closed.' },
    })
  })

  it('S1.4 refuse what Stripe refuses, naming the intent', async () => {
    await expect(stripe.paymentIntents.create({ amount: 10, currency: 'usd' })).rejects.toMatchObject({
      code: 'amount_too_small',
    })
    const bare = await stripe.paymentIntents.create({ amount: 900, currency: 'usd', ...serverSide })
    await expect(stripe.paymentIntents.confirm(bare.id)).rejects.toMatchObject({
      code: 'payment_intent_unexpected_state',
      payment_intent: { id: bare.id },
    })
    const { id: customer } = await stripe.customers.create({})
    const card = await stripe.paymentMethods.attach('pm_card_visa', { customer })
    await expect(stripe.paymentIntents.confirm(bare.id, { payment_method: card.id })).rejects.toMatchObject({
      code: 'parameter_missing',
    })
    await expect(pay('pm_card_visa', { automatic_payment_methods: { enabled: true } })).rejects.toMatchObject({
      param: 'return_url',
    })
    await expect(
      stripe.paymentIntents.create({
        amount: 900,
        currency: 'usd',
        payment_method_types: ['card'],
      } as object as Stripe.PaymentIntentCreateParams),
    ).rejects.toMatchObject({ code: 'parameter_unknown' })
  })
})

describe('refunds', () => {
  it('S3.3 come in parts and never exceed what was paid', async () => {
    const { id } = await pay('pm_card_visa')
    const first = await stripe.refunds.create({ payment_intent: id, amount: 500, reason: 'requested_by_customer' })
    expect(first).toMatchObject({ status: 'succeeded', amount: 500, reason: 'requested_by_customer' })
    await expect(stripe.refunds.create({ payment_intent: id, amount: 1501 })).rejects.toMatchObject({
      param: 'amount',
      message: 'Refund amount ($15.01) is greater than unrefunded amount on charge ($15.00)',
    })
    const rest = await stripe.refunds.create({ payment_intent: id })
    expect(rest.amount).toBe(1500)
    await expect(stripe.refunds.create({ payment_intent: id })).rejects.toMatchObject({
      statusCode: 400,
      code: 'charge_already_refunded',
    })
    const charge = await stripe.charges.retrieve(String(rest.charge), { expand: ['refunds'] })
    expect(charge).toMatchObject({ amount_refunded: 2000, refunded: true })
    expect(charge.refunds?.data.map(({ amount }) => amount)).toEqual([1500, 500])
    expect((await stripe.refunds.list({ payment_intent: id })).data).toHaveLength(2)
    const types = (await stripe.events.list({ limit: 4 })).data.map(({ type }) => type)
    expect(types).toEqual(['charge.refunded', 'refund.created', 'charge.refunded', 'refund.created'])
  })

  it('S3.3 can be pending and succeed later, or be canceled until then', async () => {
    const [first, second] = [await pay('pm_card_pendingRefund'), await pay('pm_card_pendingRefund')]
    const refund = await stripe.refunds.create({ payment_intent: first.id })
    const canceled = await stripe.refunds.create({ payment_intent: second.id })
    expect(refund).toMatchObject({ status: 'pending', balance_transaction: null })
    expect(await stripe.charges.retrieve(String(refund.charge))).toMatchObject({ amount_refunded: 0 })
    expect(await stripe.refunds.cancel(canceled.id)).toMatchObject({ status: 'canceled' })
    box.advance(61_000)
    expect(await stripe.refunds.retrieve(refund.id)).toMatchObject({ status: 'succeeded' })
    expect(await stripe.refunds.retrieve(canceled.id)).toMatchObject({ status: 'canceled' })
    expect(await stripe.charges.retrieve(String(refund.charge))).toMatchObject({ refunded: true })
    const types = (await stripe.events.list({ limit: 3 })).data.map(({ type }) => type)
    expect(types).toEqual(['charge.refunded', 'charge.refund.updated', 'refund.updated'])
  })

  it('S3.3 can fail after they succeeded, and the money is the shop’s again', async () => {
    const { id } = await pay('pm_card_refundFail')
    const refund = await stripe.refunds.create({ payment_intent: id, amount: 700 })
    expect(refund.status).toBe('succeeded')
    box.advance(61_000)
    expect(await stripe.refunds.retrieve(refund.id)).toMatchObject({
      status: 'failed',
      failure_reason: 'expired_or_canceled_card',
    })
    expect(await stripe.charges.retrieve(String(refund.charge))).toMatchObject({ amount_refunded: 0, refunded: false })
    expect((await stripe.events.list({ type: 'refund.failed' })).data).toHaveLength(1)
    expect((await stripe.refunds.create({ payment_intent: id })).amount).toBe(2000)
  })

  it('S3.3 need a successful charge', async () => {
    const bare = await stripe.paymentIntents.create({ amount: 900, currency: 'usd' })
    await expect(stripe.refunds.create({ payment_intent: bare.id })).rejects.toMatchObject({
      message: `This PaymentIntent (${bare.id}) does not have a successful charge to refund.`,
    })
    await expect(stripe.refunds.create({})).rejects.toMatchObject({ statusCode: 400 })
    await expect(stripe.refunds.create({ charge: 'ch_none' })).rejects.toMatchObject({ statusCode: 404 })
  })
})

describe('disputes', () => {
  it.each([
    ['winning_evidence', 'won', ['closed', 'funds_reinstated']],
    ['losing_evidence', 'lost', ['closed']],
  ])('S3.3 are decided by %s', async (text, status, last) => {
    const { id } = await pay('pm_card_createDispute')
    const [dispute] = (await stripe.disputes.list({ payment_intent: id })).data
    expect(dispute).toMatchObject({
      status: 'needs_response',
      reason: 'fraudulent',
      amount: 2000,
      is_charge_refundable: false,
    })
    expect(await stripe.charges.retrieve(String(dispute?.charge))).toMatchObject({ disputed: true })
    await expect(stripe.refunds.create({ payment_intent: id })).rejects.toMatchObject({ code: 'charge_disputed' })
    const decided = await stripe.disputes.update(dispute?.id ?? '', { evidence: { uncategorized_text: text } })
    expect(decided).toMatchObject({ status, evidence_details: { has_evidence: true, submission_count: 1 } })
    const types = (await stripe.events.list({ type: 'charge.dispute.*' })).data.map(({ type }) => type).reverse()
    expect(types).toEqual(['created', 'funds_withdrawn', 'updated', ...last].map((name) => `charge.dispute.${name}`))
    await expect(stripe.disputes.close(dispute?.id ?? '')).rejects.toMatchObject({ statusCode: 400 })
  })

  it('S3.3 stay under review with other evidence, can be staged, and are lost when accepted', async () => {
    const { id } = await pay('pm_card_createDisputeProductNotReceived')
    const [dispute] = (await stripe.disputes.list({ payment_intent: id })).data
    const disputeId = dispute?.id ?? ''
    expect(dispute?.reason).toBe('product_not_received')
    const staged = await stripe.disputes.update(disputeId, {
      evidence: { product_description: 'Sparks' },
      submit: false,
    })
    expect(staged.status).toBe('needs_response')
    const sent = await stripe.disputes.update(disputeId, { evidence: { product_description: 'Sparks' } })
    expect(sent.status).toBe('under_review')
    expect(await stripe.disputes.close(disputeId)).toMatchObject({ status: 'lost' })
  })

  it('S3.3 may begin as an inquiry, which moves no money until it escalates; a warning is only an event', async () => {
    const { id } = await pay('pm_card_createDisputeInquiry')
    const [inquiry] = (await stripe.disputes.list({ payment_intent: id })).data
    expect(inquiry).toMatchObject({
      status: 'warning_needs_response',
      balance_transactions: [],
      is_charge_refundable: true,
    })
    const escalated = await stripe.disputes.update(inquiry?.id ?? '', {
      evidence: { uncategorized_text: 'escalate_inquiry_evidence' },
    })
    expect(escalated).toMatchObject({ status: 'needs_response', is_charge_refundable: false })
    await pay('pm_card_createIssuerFraudRecord')
    expect((await stripe.events.list({ type: 'radar.early_fraud_warning.created' })).data).toHaveLength(1)
    expect((await stripe.disputes.list()).data).toHaveLength(1)
  })
})

it('S3.3 a dispute can be opened on any charge, for a part of it', async () => {
  const { latest_charge: charge } = await pay('pm_card_visa')
  const open = (body: object) =>
    fetch(`${box.url}/_sandbox/stripe/disputes`, { method: 'POST', body: JSON.stringify(body) })
  expect((await open({ charge, kind: 'product_not_received', amount: 700 })).status).toBe(201)
  const [dispute] = (await stripe.disputes.list({ charge: String(charge) })).data
  expect(dispute).toMatchObject({ amount: 700, reason: 'product_not_received', status: 'needs_response' })
  expect((await open({ charge: 'ch_none' })).status).toBe(404)
  expect((await open({ charge, kind: 'unheard' })).status).toBe(400)
})

function pay(method: string, more: Partial<Stripe.PaymentIntentCreateParams> = {}) {
  return stripe.paymentIntents.create({
    amount: 2000,
    currency: 'usd',
    payment_method: method,
    confirm: true,
    ...serverSide,
    ...more,
  })
}
