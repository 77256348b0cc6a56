import type { Capabilities } from '../../core/ports/provider.js'
import { expectEqual, expectError } from '../conformance.js'
import { chargeCases } from './charges.js'
import {
  customerOf,
  dollars,
  newKey,
  type ProviderConformanceCase,
  type ProviderConformanceSubject,
  unique,
} from './subject.js'

export function paymentCases(
  payments: Capabilities['payments'],
  subject: ProviderConformanceSubject,
): readonly ProviderConformanceCase[] {
  const pay = subject.payment?.bind(subject)
  const refund = payments.refund?.bind(payments)
  const reason = 'asked for'
  return [
    {
      name: 'payments: an unknown payment is not_found, and cannot be given back',
      needs: 'payments',
      async run() {
        await expectError('not_found', () => payments.get(unique('pay_none'), {}))
        const asked = { paymentId: unique('pay_none'), amount: null, reason }
        if (refund) await expectError('not_found', () => refund(asked, newKey()))
      },
    },
    {
      name: 'payments: a customer without any has an empty page',
      needs: 'payments',
      async run() {
        const customerId = await customerOf(subject)
        expectEqual(await payments.list({ customerId, limit: 10 }, {}), { items: [], next: null }, 'the page')
      },
    },
    ...(pay === undefined ? [] : readCases(payments, subject, pay)),
    ...(pay === undefined || refund === undefined ? [] : refundCases({ payments, refund, reason }, subject, pay)),
    ...chargeCases(payments, subject),
  ]
}

type Pay = NonNullable<ProviderConformanceSubject['payment']>

function readCases(
  payments: Capabilities['payments'],
  subject: ProviderConformanceSubject,
  pay: Pay,
): readonly ProviderConformanceCase[] {
  return [
    {
      name: 'payments: one that succeeded says whose it is and how much, and nothing of it was taken back',
      needs: 'payments',
      async run() {
        const customerId = await customerOf(subject)
        const id = await pay(customerId, dollars(20n))
        const { externalId, status, amount, refunded, failure, ...payment } = await payments.get(id, {})
        expectEqual(
          { externalId, customerId: payment.customerId, status, amount, refunded, failure },
          {
            externalId: id,
            customerId,
            status: 'succeeded',
            amount: dollars(20n),
            refunded: dollars(0n),
            failure: null,
          },
          'the payment',
        )
        expectEqual(await payments.reversals(id, {}), { refunds: [], disputes: [] }, 'what was taken back')
      },
    },
    {
      name: 'payments: they come newest first, page by page, by status, and a customer’s alone',
      needs: 'payments',
      async run() {
        const customerId = await customerOf(subject)
        if (subject.provider.customers) await pay(await customerOf(subject), dollars(1n))
        const made: string[] = []
        for (let count = 0; count < 3; count += 1) made.unshift(await pay(customerId, dollars(5n)))
        const listed: string[] = []
        for (let after: string | null | undefined; after !== null; ) {
          const page = await payments.list({ customerId, limit: 2, ...(after ? { after } : {}) }, {})
          expectEqual(page.items.length <= 2, true, 'whether a page keeps to its limit')
          listed.push(...page.items.map(({ externalId }) => externalId))
          after = page.next
        }
        expectEqual(listed.slice(0, 3), made, 'the payments')
        const canceled = await payments.list({ customerId, status: 'canceled', limit: 10 }, {})
        expectEqual(canceled, { items: [], next: null }, 'the canceled ones')
      },
    },
  ]
}

function refundCases(
  {
    payments,
    refund,
    reason,
  }: {
    readonly payments: Capabilities['payments']
    readonly refund: NonNullable<Capabilities['payments']['refund']>
    readonly reason: string
  },
  subject: ProviderConformanceSubject,
  pay: Pay,
): readonly ProviderConformanceCase[] {
  return [
    {
      name: 'payments: a part is given back once under its key',
      needs: 'payments',
      async run() {
        const paymentId = await pay(await customerOf(subject), dollars(20n))
        const options = newKey()
        const asked = { paymentId, amount: dollars(5n), reason }
        const given = await refund(asked, options)
        expectEqual([given.paymentId, given.amount], [paymentId, dollars(5n)], 'the refund')
        expectEqual((await refund(asked, options)).externalId, given.externalId, 'the refund of a repeated key')
        const { refunds } = await payments.reversals(paymentId, {})
        expectEqual(
          refunds.map(({ externalId, amount }) => [externalId, amount]),
          [[given.externalId, dollars(5n)]],
          'what was taken back',
        )
        expectEqual(
          (await payments.get(paymentId, {})).status,
          'succeeded',
          'the status of what was given back in part',
        )
      },
    },
    {
      name: 'payments: what is left is given back, and never more',
      needs: 'payments',
      async run() {
        const paymentId = await pay(await customerOf(subject), dollars(20n))
        await refund({ paymentId, amount: dollars(5n), reason }, newKey())
        const tooMuch = { paymentId, amount: dollars(16n), reason }
        await expectError('refund_exceeds_original', () => refund(tooMuch, newKey()))
        expectEqual((await refund({ paymentId, amount: null, reason }, newKey())).amount, dollars(15n), 'the rest')
        for (const amount of [null, dollars(1n)])
          await expectError('refund_exceeds_original', () => refund({ paymentId, amount, reason }, newKey()))
        const { status, refunded } = await payments.get(paymentId, {})
        expectEqual([status, refunded], ['refunded', dollars(20n)], 'how the payment stands')
      },
    },
    {
      name: 'payments: several who give all of it back at once give it back once',
      needs: 'payments',
      async run() {
        const paymentId = await pay(await customerOf(subject), dollars(20n))
        const asked = { paymentId, amount: null, reason }
        await Promise.allSettled([1, 2, 3].map(() => refund(asked, newKey())))
        await refund(asked, newKey()).catch(() => {})
        const { refunds } = await payments.reversals(paymentId, {})
        expectEqual(
          refunds.map(({ amount }) => amount),
          [dollars(20n)],
          'what was taken back',
        )
      },
    },
  ]
}
