import type { Capabilities } from '../../core/ports/provider.js'
import { expectEqual } from '../conformance.js'
import {
  customerOf,
  dollars,
  newKey,
  type ProviderConformanceCase,
  type ProviderConformanceSubject,
  payable,
  unique,
} from './subject.js'

/** Payments that are made while the customer is not there. */
export function chargeCases(
  payments: Capabilities['payments'],
  subject: ProviderConformanceSubject,
): readonly ProviderConformanceCase[] {
  const charge = payments.charge?.bind(payments)
  const give = payable(subject)
  if (charge === undefined) return []
  const sale = (customerId: string) => ({
    intentId: unique('intent'),
    accountId: unique('account'),
    customerId,
    title: 'Credits',
    amount: dollars(20n),
    paymentMethodId: null,
    returnUrl: null,
    requestedAt: 0,
  })
  return [
    ...(subject.provider.customers === undefined
      ? []
      : [
          {
            name: 'payments: a customer with nothing to pay with is not charged, and the reason is said',
            needs: 'payments',
            async run() {
              const { outcome } = await charge(sale(await customerOf(subject)), newKey())
              const reason = outcome.status === 'declined' ? outcome.reason : null
              expectEqual([outcome.status, reason], ['declined', 'no_payment_method'], 'what came of it')
            },
          } as const,
        ]),
    ...(give === null
      ? []
      : [
          {
            name: 'payments: the default payment method is charged once for a sale of ours, under whatever key it is asked again',
            needs: 'payments',
            async run() {
              const customerId = await customerOf(subject)
              await give(customerId)
              const asked = sale(customerId)
              const options = newKey()
              const first = await charge(asked, options)
              expectEqual(first.outcome, { status: 'succeeded' }, 'what came of it')
              expectEqual(await charge(asked, options), first, 'the answer to the repeat')
              expectEqual(await charge(asked, newKey()), first, 'the answer under another key')
              const { amount, intentId } = await payments.get(first.externalId ?? '', {})
              expectEqual([amount, intentId], [dollars(20n), asked.intentId], 'the payment')
            },
          } as const,
        ]),
  ]
}
