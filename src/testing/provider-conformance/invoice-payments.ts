import type { Invoice } from '../../core/ports/capabilities/invoices.js'
import type { Capabilities } from '../../core/ports/provider.js'
import { expectEqual, expectError } from '../conformance.js'
import {
  customerOf,
  dollars,
  newKey,
  type ProviderConformanceCase,
  type ProviderConformanceSubject,
  payable,
} from './subject.js'

/** What becomes of invoices that are to be paid; `drafted` makes one of 5 dollars. */
export function invoicePaymentCases(
  invoices: Capabilities['invoices'],
  subject: ProviderConformanceSubject,
  drafted: (customerId: string) => Promise<Invoice>,
): readonly ProviderConformanceCase[] {
  const finalize = invoices.finalize?.bind(invoices)
  const pay = invoices.pay?.bind(invoices)
  const annul = invoices.void?.bind(invoices)
  const pdf = invoices.pdf?.bind(invoices)
  const give = payable(subject)
  if (finalize === undefined || pay === undefined) return []
  const opened = async (customerId: string) => (await finalize((await drafted(customerId)).externalId, {})).externalId
  return [
    ...(give === null
      ? []
      : [
          {
            name: 'invoices: one is paid with the default payment method once, and is not taken back then',
            needs: 'invoices',
            async run() {
              const customerId = await customerOf(subject)
              await give(customerId)
              const externalId = await opened(customerId)
              const asked = { externalId, paymentMethodId: null }
              const paid = await pay(asked, newKey())
              expectEqual([paid.invoice.status, paid.payment], ['paid', { status: 'succeeded' }], 'what paying led to')
              expectEqual(paid.invoice.amountPaid, dollars(5n), 'what was paid')
              expectEqual(paid.invoice.paidAt === null, false, 'whether it lacks when')
              expectEqual(await pay(asked, newKey()), paid, 'what paying again led to')
              if (annul) await expectError('invalid_state', () => annul(externalId, {}))
              const file = await pdf?.(externalId, {})
              if (file?.status === 'rendered')
                expectEqual(new TextDecoder().decode(file.bytes.subarray(0, 5)), '%PDF-', 'how its PDF begins')
              if (file?.status === 'ready') expectEqual(URL.canParse(file.url), true, 'whether the PDF has an address')
            },
          } as const,
        ]),
    ...(subject.provider.customers === undefined
      ? []
      : [
          {
            name: 'invoices: one that nothing can pay is declined for that, and stays open',
            needs: 'invoices',
            async run() {
              const externalId = await opened(await customerOf(subject))
              const { invoice, payment } = await pay({ externalId, paymentMethodId: null }, newKey())
              const reason = payment.status === 'declined' ? payment.reason : null
              expectEqual([payment.status, reason], ['declined', 'no_payment_method'], 'what came of it')
              expectEqual([invoice.amountPaid, invoice.paidAt], [dollars(0n), null], 'what was paid')
            },
          } as const,
        ]),
    ...(annul === undefined
      ? []
      : [
          {
            name: 'invoices: one that is void cannot be paid',
            needs: 'invoices',
            async run() {
              const externalId = await opened(await customerOf(subject))
              await annul(externalId, {})
              await expectError('invalid_state', () => pay({ externalId, paymentMethodId: null }, newKey()))
            },
          } as const,
        ]),
  ]
}
