import { type BillingError, type BillingEventType, createBilling, defineCatalog, type Store } from 'billfold'
import { memoryStore } from 'billfold/adapters/memory'
import { type ManualProviderOptions, manualProvider } from 'billfold/providers/manual'
import { stripeProvider } from 'billfold/providers/stripe'
import Stripe from 'stripe'
import { afterEach, describe, expect, it } from 'vitest'
import { createClock } from './setting.js'
import { stores, type TestedStore } from './stores.js'

const accountId = 'acct_a'
const pages = { successUrl: '/ok', cancelUrl: '/no' }
const toTopUp = { accountId, kind: 'package', package: 'starter', ...pages } as const
const toSubscribe = { accountId, kind: 'subscription', plan: 'pro', ...pages } as const
const catalog = defineCatalog({
  plans: {
    free: {},
    pro: { price: { amount: '20' } },
    founder: { price: { amount: '200', interval: 'once' } },
  },
  packages: { starter: { price: '20', sparks: '500000' } },
})

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

/** A service that sells by bank transfer; another process is another service on the same store. */
async function openManual(tested: TestedStore, options: Partial<ManualProviderOptions> = {}, lagMs = () => 0) {
  const { now, advance } = createClock()
  const store = await tested.open({ now })
  const service = (around: (store: Store) => Store = (own) => own) => {
    const used = around(store)
    const instructions = ({ number }: { number: string | null }) => `Transfer it to DE02…, and write ${number}.`
    const manual = manualProvider({ store: used, instructions, now: () => now() - lagMs(), ...options })
    const billing = createBilling({
      catalog,
      store: used,
      providers: { default: manual },
      redirects: { allowedOrigins: ['https://app.example.com'] },
      environment: { now },
    })
    return { billing, manual }
  }
  const first = service()
  const told: [string, unknown][] = []
  const types: BillingEventType[] = ['payment.submitted', 'payment.succeeded', 'payment.failed', 'invoice.paid']
  for (const type of [...types, 'checkout.completed'] as const)
    first.billing.on(
      'test',
      type,
      (event) => void told.push([event.type, event.data.amount ?? event.data.total ?? null]),
    )
  await first.billing.accounts.ensure({ accountId })
  await first.billing.accounts.ensure({ accountId: 'acct_b' })
  closing.push(() => first.billing.close())
  return {
    ...first,
    service,
    store,
    now,
    advance,
    /** What was heard, delivered now. */
    async heard() {
      await first.billing.sync.flush()
      return told
    },
    submit: (invoiceId: string, transactionReference = 'TX-1', by = accountId) =>
      first.billing.payments.submitManual({
        ...{ accountId: by, invoiceId, paymentMethod: 'bank_transfer', transactionReference },
      }),
    available: async () => (await first.billing.credits.balance({ accountId })).available,
  }
}

const codeOf = (call: Promise<unknown>) =>
  call.then(
    () => null,
    (error: BillingError) => error.code,
  )

describe.each(stores)('offline payments on $name', (tested) => {
  it('S3.6 a package is bought by an invoice, whose instructions are the next action, and a double click makes one', async () => {
    const { billing } = await openManual(tested)
    const asked = { accountId, package: 'starter', idempotencyKey: 'buy-1', ...pages } as const
    const bought = await billing.credits.packages.purchase(asked)
    const action = bought.nextAction
    if (action?.kind !== 'manual') throw new Error('expected instructions')
    expect(action.instructions).toBe('Transfer it to DE02…, and write INV-000001.')
    expect(bought.status).toBe('open')
    expect(await billing.credits.packages.purchase(asked)).toEqual(bought)
    const { items } = await billing.listInvoices({ accountId })
    expect(items.map(({ id, number, status, total }) => [id, number, status, total])).toEqual([
      [action.invoiceId, 'INV-000001', 'open', '20'],
    ])
  })

  it('S3.4 a submitted payment waits for approval, and what was sold is given once when it is approved', async () => {
    const { billing, submit, available, heard } = await openManual(tested)
    const checkout = await billing.createCheckout(toTopUp)
    const payment = await submit(checkout.externalId)
    expect([payment.status, payment.amount, payment.invoiceId]).toEqual(['pending_approval', '20', checkout.externalId])
    expect((await submit(checkout.externalId)).id).toBe(payment.id)
    expect((await billing.verifyCheckout({ accountId, checkoutId: checkout.id })).status).toBe('processing')
    expect(await available()).toBe(0n)
    const waiting = await billing.payments.list({ accountId, status: 'pending_approval' })
    expect(waiting.items.map(({ id }) => id)).toEqual([payment.id])

    const approve = () => billing.payments.approve({ accountId, paymentId: payment.id })
    const [approved] = await Promise.all([approve(), approve(), approve()])
    expect(approved?.status).toBe('succeeded')
    expect(await available()).toBe(500_000_000_000n)
    const invoice = await billing.invoices.get({ accountId, id: checkout.externalId })
    expect([invoice.status, invoice.amountPaid, invoice.amountDue]).toEqual(['paid', '20', '0'])
    expect((await heard()).toSorted()).toEqual([
      ['checkout.completed', null],
      ['invoice.paid', '20'],
      ['payment.submitted', '20'],
      ['payment.succeeded', '20'],
    ])
  })

  it('S3.4 a missing field or a paid invoice is invalid_request (400), and others’ invoices are not_found', async () => {
    const { billing, submit } = await openManual(tested)
    const { externalId } = await billing.createCheckout(toTopUp)
    const whole = { accountId, invoiceId: externalId, paymentMethod: 'bank_transfer', transactionReference: 'TX' }
    for (const field of ['invoiceId', 'paymentMethod', 'transactionReference'] as const) {
      const { [field]: _, ...rest } = whole
      expect(await codeOf(billing.payments.submitManual(rest as typeof whole)), field).toMatch(/^invalid_(request|id)$/)
    }
    expect(await codeOf(billing.payments.submitManual({ ...whole, paymentMethod: 'cheque' }))).toBe(
      'option_unsupported',
    )
    expect(await codeOf(submit(externalId, 'TX', 'acct_b'))).toBe('not_found')
    expect(await codeOf(submit('inv_none'))).toBe('not_found')
    const { id: paymentId } = await submit(externalId)
    const byOther = { accountId: 'acct_b', paymentId }
    expect(await codeOf(billing.payments.approve(byOther))).toBe('not_found')
    expect(await codeOf(billing.payments.reject({ ...byOther, reason: 'x' }))).toBe('not_found')
    await billing.payments.approve({ accountId, paymentId })
    expect(await codeOf(submit(externalId, 'TX-2'))).toBe('invalid_request')
  })

  it('S3.4 part of the money leaves the invoice open for the rest, and gives nothing yet', async () => {
    const { billing, submit, available } = await openManual(tested)
    const { externalId, id } = await billing.createCheckout(toTopUp)
    const first = await submit(externalId, 'TX-1')
    const second = await submit(externalId, 'TX-2')
    for (const amount of ['20.01', '0', '-1'])
      expect(await codeOf(billing.payments.approve({ accountId, paymentId: first.id, amount }))).toMatch(/amount/)
    const part = await billing.payments.approve({ accountId, paymentId: first.id, amount: '7.50' })
    expect([part.status, part.amount]).toEqual(['succeeded', '7.5'])
    expect(await codeOf(billing.payments.approve({ accountId, paymentId: first.id, amount: '8' }))).toBe(
      'invalid_state',
    )
    expect(await available()).toBe(0n)
    const invoice = await billing.invoices.get({ accountId, id: externalId })
    expect([invoice.status, invoice.amountPaid, invoice.amountDue]).toEqual(['open', '7.5', '12.5'])
    expect(await codeOf(billing.invoices.void({ accountId, id: externalId }))).toBe('invalid_state')
    expect((await billing.payments.approve({ accountId, paymentId: second.id })).amount).toBe('12.5')
    expect(await available()).toBe(500_000_000_000n)
    expect((await billing.verifyCheckout({ accountId, checkoutId: id })).status).toBe('paid')
  })

  it('S3.4 a rejected payment says why, gives nothing, and another one can be submitted', async () => {
    const { billing, submit, available, heard } = await openManual(tested)
    const { externalId, id } = await billing.createCheckout(toTopUp)
    const { id: paymentId } = await submit(externalId)
    const reject = () => billing.payments.reject({ accountId, paymentId, reason: 'nothing came in a month' })
    for (const { status, failure } of [await reject(), await reject()])
      expect([status, failure]).toEqual(['failed', { reason: 'declined', message: 'nothing came in a month' }])
    expect(await codeOf(billing.payments.approve({ accountId, paymentId }))).toBe('invalid_state')
    expect((await billing.verifyCheckout({ accountId, checkoutId: id })).status).toBe('open')
    expect(await available()).toBe(0n)
    // The transfer was slow, and is told of again.
    const again = await submit(externalId)
    expect([again.status, (await submit(externalId)).id]).toEqual(['pending_approval', again.id])
    expect(again.id).not.toBe(paymentId)
    await billing.payments.approve({ accountId, paymentId: again.id })
    expect(await available()).toBe(500_000_000_000n)
    expect((await submit(externalId)).status).toBe('succeeded')
    expect((await heard()).map(([type]) => type)).toContain('payment.failed')
  })

  it('S3.4 S2.5 a process that ends between approval and grant leaves a grant for whoever looks next, once', async () => {
    const { manual, billing, service, submit, available } = await openManual(tested)
    const first = await billing.createCheckout({ ...toTopUp, idempotencyKey: 'first' })
    const second = await billing.createCheckout({ ...toTopUp, idempotencyKey: 'second' })
    for (const { externalId } of [first, second]) {
      const payment = await submit(externalId)
      // What a process has done that is killed right after the approval was written.
      await manual.payments.approve({ paymentId: payment.id, amount: null }, {})
    }
    expect(await available()).toBe(0n)
    const another = service().billing
    expect((await another.verifyCheckout({ accountId, checkoutId: first.id })).status).toBe('paid')
    expect(await available()).toBe(500_000_000_000n)
    await another.reconcile()
    expect(await available()).toBe(1_000_000_000_000n)
    const { items } = await billing.payments.list({ accountId })
    for (const { id: paymentId } of items) await billing.payments.approve({ accountId, paymentId })
    expect(await available()).toBe(1_000_000_000_000n)
  })

  it('S3.4 plans for an interval and for life are sold by invoice, and an interval ends when it is over', async () => {
    const { billing, submit, advance } = await openManual(tested)
    const { externalId } = await billing.createCheckout(toSubscribe)
    const pay = async (invoiceId: string) => {
      const { id: paymentId } = await submit(invoiceId)
      await billing.payments.approve({ accountId, paymentId })
    }
    expect((await billing.accounts.get({ accountId })).plan).toBe('free')
    await pay(externalId)
    expect((await billing.accounts.get({ accountId })).plan).toBe('pro')
    expect(await codeOf(billing.createCheckout(toSubscribe))).toBe('subscription_exists')
    expect((await billing.subscriptions.get({ accountId }))?.currentPeriodEndsAt).toEqual(
      new Date('2026-12-21T12:00:00Z'),
    )
    advance(31 * 86_400_000)
    expect(await billing.subscriptions.get({ accountId })).toBeNull()
    expect((await billing.accounts.get({ accountId })).plan).toBe('free')
    await pay((await billing.createCheckout({ ...toSubscribe, idempotencyKey: 'again' })).externalId)
    expect((await billing.accounts.get({ accountId })).plan).toBe('pro')
    advance(31 * 86_400_000)
    await billing.reconcile()
    expect((await billing.accounts.get({ accountId })).plan).toBe('free')
    const life = await billing.createCheckout({ accountId, kind: 'lifetime', plan: 'founder', ...pages })
    await pay(life.externalId)
    expect((await billing.accounts.get({ accountId })).plan).toBe('founder')
  })

  it('S3.4 a plan that was paid offline ends with its period by itself, once, and one that is paid for anew goes on', async () => {
    const { billing, submit, advance, store } = await openManual(tested)
    const ended: unknown[] = []
    billing.on('test', 'plan.changed', ({ data }) => void ended.push(data.to))
    const plan = async () => (await store.ledger.snapshot(accountId))?.account.plan
    const buy = async (idempotencyKey: string) => {
      const { externalId } = await billing.createCheckout({ ...toSubscribe, idempotencyKey })
      const { id: paymentId } = await submit(externalId)
      await billing.payments.approve({ accountId, paymentId })
      await billing.payments.approve({ accountId, paymentId })
    }
    await buy('first')
    expect((await billing.sync.status()).webhooks).toEqual([])
    advance(30 * 86_400_000 - 1)
    await billing.sync.run({ once: true })
    expect(await plan()).toBe('pro')
    advance(1)
    await Promise.all([billing.sync.run({ once: true }), billing.sync.run({ once: true })])
    expect(await plan()).toBe('free')
    await buy('second')
    await billing.sync.flush()
    expect(await plan()).toBe('pro')
    advance(31 * 86_400_000)
    await billing.sync.flush()
    expect(await plan()).toBe('free')
    await billing.sync.flush()
    expect(ended).toEqual(['pro', 'free', 'pro', 'free'])
    expect((await billing.sync.status()).webhooks).toEqual([])
  })

  it('S3.4 a plan ends although the clock of the app is behind that of the store', async () => {
    let behind = 0
    const { billing, submit, advance, store } = await openManual(tested, {}, () => behind)
    const { externalId } = await billing.createCheckout(toSubscribe)
    const { id: paymentId } = await submit(externalId)
    await billing.payments.approve({ accountId, paymentId })
    behind = 1_000
    for (const [ms, plan] of [
      [30 * 86_400_000, 'pro'],
      [2_000, 'free'],
    ] as const) {
      advance(ms)
      await billing.sync.run({ once: true })
      expect((await store.ledger.snapshot(accountId))?.account.plan).toBe(plan)
    }
  })

  it('S3.1 an invoice has exact tax lines, a due date, and is past_due after it', async () => {
    const taxes = [
      { name: 'GST', rate: '5' },
      { name: 'QST', rate: '9.975' },
    ]
    const invoiceUrl = (id: string) => `https://app.example.com/invoices/${id}`
    const { billing, submit, advance } = await openManual(tested, { taxes, dueDays: 30, invoiceUrl, series: 'CA' })
    const checkout = await billing.createCheckout({ accountId, kind: 'credits', amount: '10.10', ...pages })
    expect(checkout.url).toBe(`https://app.example.com/invoices/${checkout.externalId}`)
    const read = () => billing.invoices.get({ accountId, id: checkout.externalId })
    const { number, subtotal, tax, total, taxes: lines, dueAt } = await read()
    // 0.505 and 1.007475, each to the nearest cent, halves to the even one.
    expect([number, subtotal, tax, total]).toEqual(['CA-000001', '10.1', '1.51', '11.61'])
    expect(lines.map(({ name, amount }) => [name, amount])).toEqual([
      ['GST', '0.5'],
      ['QST', '1.01'],
    ])
    expect(dueAt).toEqual(new Date('2026-12-21T12:00:00Z'))
    advance(30 * 86_400_000)
    expect((await read()).status).toBe('past_due')
    expect((await billing.listInvoices({ accountId, status: 'past_due' })).items).toHaveLength(1)
    const { id: paymentId } = await submit(checkout.externalId)
    expect((await billing.payments.approve({ accountId, paymentId })).amount).toBe('11.61')
    expect((await billing.verifyCheckout({ accountId, checkoutId: checkout.id })).status).toBe('paid')
  })

  it('S3.4 what costs more than can be stored once tax is added is not sold: its payment could not be booked', async () => {
    const { billing, store } = await openManual(tested)
    const packages = { all: { price: '9000000000', sparks: '1' } }
    const manual = manualProvider({ store, instructions: 'Transfer it.', taxes: [{ name: 'VAT', rate: '50' }] })
    const redirects = { allowedOrigins: ['https://app.example.com'] }
    const dear = createBilling({
      catalog: defineCatalog({ packages }),
      store,
      providers: { default: manual },
      redirects,
    })
    const bought = dear.createCheckout({ accountId, kind: 'package', package: 'all', ...pages })
    expect(await codeOf(bought)).toBe('amount_out_of_range')
    expect((await billing.listInvoices({ accountId })).items).toEqual([])
  })

  it('S3.1 numbers of a series have no gaps, whoever takes them at the same time, and void ones keep theirs', async () => {
    const { billing, service } = await openManual(tested)
    const processes = [billing, service().billing, service().billing]
    const made = await Promise.all(
      Array.from({ length: 24 }, (_, index) =>
        processes[index % 3]?.createCheckout({ ...toTopUp, idempotencyKey: `k-${index % 20}` }),
      ),
    )
    await billing.invoices.void({ accountId, id: made[0]?.externalId ?? '' })
    const { items } = await billing.listInvoices({ accountId, limit: 100 })
    const expected = Array.from({ length: 20 }, (_, index) => `INV-${String(index + 1).padStart(6, '0')}`)
    expect(items.map(({ number }) => number).toSorted()).toEqual(expected)
    expect(items.filter(({ status }) => status === 'void')).toHaveLength(1)
  })

  it('S3.4 money that is given back takes back what it bought', async () => {
    const { billing, submit, available } = await openManual(tested)
    const { externalId } = await billing.createCheckout(toTopUp)
    const { id: paymentId } = await submit(externalId)
    await billing.payments.approve({ accountId, paymentId })
    const asked = { accountId, paymentId, amount: '5', reason: 'asked for', idempotencyKey: 'r-1' }
    const refund = await billing.payments.refund(asked)
    expect(await billing.payments.refund(asked)).toEqual(refund)
    expect(await available()).toBe(375_000_000_000n)
  })

  it('S3.3 methods are on offer by country', async () => {
    const methods = [{ type: 'bank_transfer' }, { type: 'pix', countries: ['BR'] }]
    const { billing } = await openManual(tested, { methods })
    const typesIn = async (country: string) =>
      (await billing.paymentMethods.available({ accountId, country })).map(({ type }) => type)
    expect([await typesIn('DE'), await typesIn('BR')]).toEqual([['bank_transfer'], ['bank_transfer', 'pix']])
  })

  it('S3.4 a debt is paid by an invoice, too', async () => {
    const { billing, submit } = await openManual(tested)
    await billing.credits.adjust({ accountId, amount: -1_000_000_000n, reason: 'owed', idempotencyKey: 'a' } as never)
    const owed = await billing.invoices.generate({ accountId, of: 'debt', idempotencyKey: 'i' })
    expect(owed?.status).toBe('open')
    const { id: paymentId } = await submit(owed?.id ?? '')
    await billing.payments.approve({ accountId, paymentId })
    expect((await billing.credits.balance({ accountId })).balance).toBe(0n)
  })
})

describe('providers whose payments need no approval', () => {
  it('S3.4 bring no verb for it, and none compiles', async () => {
    const client = new Stripe('sk_test_unused')
    const store = memoryStore()
    const billing = createBilling({ catalog, store, providers: { default: stripeProvider({ client }) } })
    // @ts-expect-error nobody approves payments
    expect(billing.payments.submitManual).toBeUndefined()
    await billing.close()
  })
})
