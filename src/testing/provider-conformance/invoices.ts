import type { Invoice } from '../../core/ports/capabilities/invoices.js'
import type { Capabilities } from '../../core/ports/provider.js'
import { expectEqual, expectError } from '../conformance.js'
import { invoicePaymentCases } from './invoice-payments.js'
import {
  customerOf,
  dollars,
  newKey,
  type ProviderConformanceCase,
  type ProviderConformanceSubject,
  unique,
} from './subject.js'

export function invoiceCases(
  invoices: Capabilities['invoices'],
  subject: ProviderConformanceSubject,
): readonly ProviderConformanceCase[] {
  const unknown = () => unique('in_none')
  return [
    {
      name: 'invoices: an unknown invoice is not_found, whatever is asked of it',
      needs: 'invoices',
      async run() {
        await expectError('not_found', () => invoices.get(unknown(), {}))
        const { finalize, pay, void: annul, markUncollectible, pdf } = invoices
        for (const step of [finalize, annul, markUncollectible])
          if (step) await expectError('not_found', () => step.call(invoices, unknown(), newKey()))
        if (pdf) await expectError('not_found', () => pdf.call(invoices, unknown(), {}))
        const asked = { externalId: unknown(), paymentMethodId: null }
        if (pay) await expectError('not_found', () => pay.call(invoices, asked, newKey()))
      },
    },
    {
      name: 'invoices: a customer without any has an empty page, and nothing to come',
      needs: 'invoices',
      async run() {
        const customerId = await customerOf(subject)
        expectEqual(await invoices.list({ customerId, limit: 10 }, {}), { items: [], next: null }, 'the page')
        if (invoices.upcoming) expectEqual(await invoices.upcoming({ customerId }, {}), null, 'what is to come')
      },
    },
    ...lifeCases(invoices, subject),
  ]
}

function lifeCases(
  invoices: Capabilities['invoices'],
  subject: ProviderConformanceSubject,
): readonly ProviderConformanceCase[] {
  const generate = invoices.generate?.bind(invoices)
  const owe = subject.unbilled?.bind(subject)
  if (generate === undefined || owe === undefined) return []
  const finalize = invoices.finalize?.bind(invoices)
  const pay = invoices.pay?.bind(invoices)
  const pdf = invoices.pdf?.bind(invoices)
  const endings = [
    ['void', invoices.void?.bind(invoices)],
    ['uncollectible', invoices.markUncollectible?.bind(invoices)],
  ] as const
  const drafted = async (customerId: string): Promise<Invoice> => {
    await owe(customerId, dollars(5n))
    const draft = await generate({ customerId, description: null }, newKey())
    if (draft === null) throw new Error('expected an invoice of what waits, got null')
    return draft
  }
  return [
    {
      name: 'invoices: what waits becomes one draft, once under its key; nothing becomes nothing',
      needs: 'invoices',
      async run() {
        const customerId = await customerOf(subject)
        expectEqual(await generate({ customerId, description: null }, newKey()), null, 'an invoice of nothing')
        await owe(customerId, dollars(5n))
        await owe(customerId, dollars(7n))
        const options = newKey()
        const draft = await generate({ customerId, description: null }, options)
        expectEqual(draft?.status, 'draft', 'its status')
        expectEqual(draft?.customerId, customerId, 'its customer')
        expectEqual(draft?.subtotal, dollars(12n), 'its sum')
        const amounts = draft?.lines.map(({ amount }) => amount.nanos / 1_000_000_000n).sort()
        expectEqual(amounts, [5n, 7n].sort(), 'its lines')
        expectEqual(await invoices.get(draft?.externalId ?? '', {}), draft, 'the invoice read back')
        expectEqual(await generate({ customerId, description: null }, newKey()), null, 'another one of the same')
      },
    },
    {
      name: 'invoices: they come newest first, page by page, by status, and a customer’s alone',
      needs: 'invoices',
      async run() {
        const customerId = await customerOf(subject)
        if (subject.provider.customers) await drafted(await customerOf(subject))
        const made: string[] = []
        for (let count = 0; count < 5; count += 1) made.unshift((await drafted(customerId)).externalId)
        const listed: string[] = []
        for (let after: string | null | undefined; after !== null; ) {
          const page = await invoices.list({ customerId, limit: 2, ...(after ? { after } : {}) }, {})
          expectEqual(page.items.length <= 2, true, 'whether a page keeps to its limit')
          listed.push(...page.items.map(({ externalId }) => externalId))
          after = page.next
        }
        expectEqual(listed.slice(0, 5), made, 'the invoices')
        const drafts = await invoices.list({ customerId, status: 'draft', limit: 100 }, {})
        expectEqual(
          drafts.items.every(({ status }) => status === 'draft'),
          true,
          'whether only drafts are found',
        )
        expectEqual(
          await invoices.list({ customerId, status: 'void', limit: 10 }, {}),
          { items: [], next: null },
          'void',
        )
      },
    },
    ...(finalize === undefined
      ? []
      : [
          {
            name: 'invoices: a draft becomes final, harmless to repeat, with a number; before, it has none',
            needs: 'invoices',
            async run() {
              const draft = await drafted(await customerOf(subject))
              expectEqual([draft.number, draft.finalizedAt], [null, null], 'what a draft lacks')
              if (pdf) await expectError('invalid_state', () => pdf(draft.externalId, {}))
              if (pay)
                await expectError('invalid_state', () =>
                  pay({ externalId: draft.externalId, paymentMethodId: null }, newKey()),
                )
              const open = await finalize(draft.externalId, {})
              expectEqual(open.status, 'open', 'its status')
              expectEqual([open.number === null, open.finalizedAt === null], [false, false], 'what it lacks')
              expectEqual(await finalize(draft.externalId, {}), open, 'the answer to the repeat')
            },
          } as const,
          ...endings.flatMap(([status, end]): readonly ProviderConformanceCase[] =>
            end === undefined
              ? []
              : [
                  {
                    name: `invoices: a final one becomes ${status}, harmless to repeat`,
                    needs: 'invoices',
                    async run() {
                      const { externalId } = await finalize((await drafted(await customerOf(subject))).externalId, {})
                      expectEqual((await end(externalId, {})).status, status, 'its status')
                      expectEqual((await end(externalId, {})).status, status, 'the status of the repeat')
                    },
                  },
                ],
          ),
        ]),
    ...invoicePaymentCases(invoices, subject, drafted),
  ]
}
