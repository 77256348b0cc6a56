import { afterAll, describe, expect, it } from 'vitest'
import type { SubscriptionChange } from '../../src/core/ports/capabilities/subscriptions.js'
import { soldOf, toSubscription } from '../../src/providers/lago/subscription.js'
import { dollars, planPrice } from '../../src/testing/provider-conformance/subject.js'
import { lagoAt } from './lago-customer.js'
import { leaveCard } from './lago-subject.js'
import { lagoClient, timedSandbox } from './sandboxed.js'

const dayMs = 86_400_000
const box = await timedSandbox()
afterAll(() => box.close())
const { lago, begin } = lagoAt(box)

let count = 0
const customer = async () => {
  count += 1
  return (await lago.customers.create({ accountId: `acc_${count}`, email: null, name: null }, {})).externalId
}
const to = (externalId: string, amount: bigint, more: Partial<SubscriptionChange> = {}): SubscriptionChange => ({
  externalId,
  price: planPrice(dollars(amount)),
  seats: 1,
  when: 'now',
  proration: 'invoice_now',
  at: null,
  ...more,
})

describe('subscriptions at Lago', () => {
  it('S1.5 a plan that costs more holds at once, under the same id', async () => {
    const id = await begin(await customer(), planPrice(dollars(20n)))
    const asked = to(id, 50n)
    const { subscription, payment } = await lago.subscriptions.change(asked, {})
    expect([subscription.externalId, subscription.plan, payment]).toEqual([
      id,
      asked.price.plan,
      { status: 'processing' },
    ])
    // A repeat finds it done.
    expect((await lago.subscriptions.change(asked, {})).payment).toBeNull()
  })

  it('S1.5 a plan that costs less holds from the next period on', async () => {
    const price = planPrice(dollars(50n))
    const id = await begin(await customer(), price)
    const asked = to(id, 20n, { when: 'period_end' })
    const { subscription } = await lago.subscriptions.change(asked, {})
    const end = subscription.currentPeriodEndsAt ?? 0
    expect([subscription.plan, subscription.scheduled]).toEqual([
      price.plan,
      { plan: asked.price.plan, seats: 1, at: end },
    ])
    box.advance(end - box.now() + 3_600_000)
    const after = await lago.subscriptions.get(id, {})
    expect([after.plan, after.scheduled, after.currentPeriodStartsAt]).toEqual([asked.price.plan, null, end])
  })

  it('C4 what Lago decides otherwise is option_unsupported, and changes nothing', async () => {
    const id = await begin(await customer(), planPrice(dollars(30n)))
    const before = await lago.subscriptions.get(id, {})
    for (const change of [
      to(id, 20n),
      to(id, 50n, { when: 'period_end' }),
      to(id, 50n, { proration: 'none' }),
      to(id, 50n, { proration: 'next_invoice' }),
      to(id, 50n, { seats: 2 }),
    ])
      await expect(lago.subscriptions.change(change, {})).rejects.toMatchObject({ code: 'option_unsupported' })
    expect(await lago.subscriptions.get(id, {})).toEqual(before)
  })

  it('S1.5 one that ends with its period is over then, and can be begun again', async () => {
    const customerId = await customer()
    const price = planPrice(dollars(20n))
    const id = await begin(customerId, price)
    await lago.subscriptions.cancel(id, 'period_end', {})
    box.advance(32 * dayMs)
    const ended = await lago.subscriptions.get(id, {})
    expect([ended.status, ended.plan, ended.endedAt !== null]).toEqual(['canceled', price.plan, true])
    await begin(customerId, price)
    expect((await lago.subscriptions.get(id, {})).status).toBe('active')
  })

  it('C4 its periods are counted from the day on which it was bought, whenever the customer was made', async () => {
    const customerId = await customer()
    box.advance(11 * dayMs)
    const id = await begin(customerId, planPrice(dollars(20n)))
    const { anchor, currentPeriodStartsAt, currentPeriodEndsAt } = await lago.subscriptions.get(id, {})
    const bought = Math.floor(box.now() / 1000) * 1000
    expect(Math.abs((anchor ?? 0) - bought)).toBeLessThan(5_000)
    expect(Math.abs((currentPeriodStartsAt ?? 0) - bought)).toBeLessThan(5_000)
    const day = (ms: number) => new Date(ms).getUTCDate()
    expect(day(currentPeriodEndsAt ?? 0) <= day(bought)).toBe(true)
    expect((currentPeriodEndsAt ?? 0) % dayMs).toBe(0)
  })

  it('C4 a cancellation that was cut short is made whole by a repeat, without a gap in which usage is lost', async () => {
    const customerId = await customer()
    const id = await begin(customerId, planPrice(dollars(20n)))
    // The plan is ended, and then Lago is gone.
    box.faults.inject({ match: { method: 'POST', pathIncludes: '/subscriptions' }, kind: 'status', status: 503 })
    await expect(lago.subscriptions.cancel(id, 'now', {})).rejects.toThrow()
    box.advance(600_000)
    const { endedAt } = await lago.subscriptions.cancel(id, 'now', {})
    const { data } = await lagoClient(box).subscriptions.findSubscription(customerId)
    expect(data.subscription.plan_code).toBe('billfold_usage:usd')
    expect(Date.parse(data.subscription.started_at ?? '')).toBe(endedAt)
  })

  it('C4 those that were there before have the plans that they are given, or none', async () => {
    const api = lagoClient(box)
    const customerId = await customer()
    await api.plans.createPlan({
      plan: {
        name: 'Old',
        code: 'premium_2024',
        interval: 'yearly',
        amount_cents: 100,
        amount_currency: 'USD',
        pay_in_advance: true,
        trial_period: 14,
      },
    })
    await api.subscriptions.createSubscription({
      subscription: { external_customer_id: customerId, external_id: 'old', plan_code: 'premium_2024' },
    })
    expect(await lago.subscriptions.get('old', {})).toMatchObject({ plan: null, status: 'trialing', customerId })
    const { lago: knowing } = lagoAt(box, api, { plans: { premium_2024: 'pro' } })
    expect((await knowing.subscriptions.list(customerId, {})).map(({ plan }) => plan)).toEqual(['pro'])
    box.advance(14 * dayMs)
    expect((await knowing.subscriptions.get('old', {})).status).toBe('active')
  })

  it('G7 a status that is not known gives nothing', () => {
    const row = {
      lago_id: '1',
      external_id: 's',
      external_customer_id: 'c',
      plan_code: 'billfold:pro:usd:2000:month',
      status: 'frozen',
      created_at: '2026-01-01T00:00:00Z',
      subscription_at: '2026-01-01T00:00:00Z',
    }
    const sold = soldOf([row])
    expect(sold && toSubscription(sold, () => undefined, { paidPeriod: null, isOverdue: false })).toMatchObject({
      status: 'unknown',
      plan: 'pro',
    })
  })
})

describe('what is paid for of a subscription at Lago', () => {
  const paid = lagoAt(box, lagoClient(box), { paymentProvider: { type: 'stripe', code: 'main' } })
  const payer = async () => {
    count += 1
    const account = { accountId: `payer_${count}`, email: null, name: null }
    return (await paid.lago.customers.create(account, {})).externalId
  }
  const latest = async (customerId: string) =>
    (await lago.invoices.list({ customerId, limit: 1 }, {})).items[0]?.externalId ?? ''

  it('S1.5 follows its invoices: nothing before one is paid, then its period, and the next one when that is paid', async () => {
    const customerId = await payer()
    const id = await begin(customerId, planPrice(dollars(20n)))
    const before = await lago.subscriptions.get(id, {})
    expect([before.status, before.paidPeriod]).toEqual(['active', null])
    await leaveCard(lagoClient(box), customerId)
    await lago.invoices.pay({ externalId: await latest(customerId), paymentMethodId: null }, {})
    const { paidPeriod, currentPeriodEndsAt } = await lago.subscriptions.get(id, {})
    expect(paidPeriod?.endsAt).toBe(currentPeriodEndsAt)
    const [method] = await lago['payment-methods'].list(customerId, {})
    await lago['payment-methods'].remove(customerId, method?.externalId ?? '', {})
    box.advance((currentPeriodEndsAt ?? 0) - box.now() + 3_600_000)
    // The next period goes on, and nobody has paid for it.
    const unpaid = await lago.subscriptions.get(id, {})
    expect([unpaid.status, unpaid.currentPeriodStartsAt, unpaid.paidPeriod]).toEqual([
      'active',
      currentPeriodEndsAt,
      paidPeriod,
    ])
    box.advance(2 * dayMs)
    expect((await lago.subscriptions.get(id, {})).status).toBe('past_due')
    await leaveCard(lagoClient(box), customerId)
    await lago.invoices.pay({ externalId: await latest(customerId), paymentMethodId: null }, {})
    const after = await lago.subscriptions.get(id, {})
    expect([after.status, after.paidPeriod?.startsAt]).toEqual(['active', currentPeriodEndsAt])
  })

  it('S1.5 of a plan that was changed is what is paid for the new one', async () => {
    const customerId = await payer()
    await leaveCard(lagoClient(box), customerId)
    const id = await begin(customerId, planPrice(dollars(20n)))
    box.advance(1000)
    const before = await lago.subscriptions.get(id, {})
    expect(before.paidPeriod).not.toBeNull()
    const [method] = await lago['payment-methods'].list(customerId, {})
    await lago['payment-methods'].remove(customerId, method?.externalId ?? '', {})
    await lago.subscriptions.change(to(id, 50n), {})
    expect((await lago.subscriptions.get(id, {})).paidPeriod).toBeNull()
    await leaveCard(lagoClient(box), customerId)
    await lago.invoices.pay({ externalId: await latest(customerId), paymentMethodId: null }, {})
    const after = await lago.subscriptions.get(id, {})
    expect(after.paidPeriod?.endsAt).toBe(before.paidPeriod?.endsAt)
  })

  it('S1.5 of one that costs nothing is the period that goes on', async () => {
    const id = await begin(await payer(), planPrice(dollars(0n)))
    const { paidPeriod, currentPeriodEndsAt } = await lago.subscriptions.get(id, {})
    expect(paidPeriod?.endsAt).toBe(currentPeriodEndsAt)
  })
})
