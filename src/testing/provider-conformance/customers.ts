import type { Capabilities } from '../../core/ports/provider.js'
import { expectEqual } from '../conformance.js'
import { type ProviderConformanceCase, unique } from './subject.js'

export function customerCases(customers: Capabilities['customers']): readonly ProviderConformanceCase[] {
  const update = customers.update?.bind(customers)
  const account = () => ({ accountId: unique('account'), email: null, name: null })
  return [
    {
      name: 'customers: the same key makes one customer, though name and e-mail have changed meanwhile',
      needs: 'customers',
      async run() {
        const given = account()
        const options = { idempotencyKey: unique('key') }
        const first = await customers.create(given, options)
        const again = await customers.create({ ...given, email: 'ada@example.com', name: 'Ada' }, options)
        expectEqual(again.externalId, first.externalId, 'the customer of a repeated key')
      },
    },
    {
      name: 'customers: callers at the same time get one customer, at the latest when they repeat',
      needs: 'customers',
      async run() {
        const given = account()
        const options = { idempotencyKey: unique('key') }
        const results = await Promise.allSettled([1, 2, 3].map(() => customers.create(given, options)))
        const { externalId } = await customers.create(given, options)
        for (const result of results) {
          if (result.status === 'fulfilled')
            expectEqual(result.value.externalId, externalId, 'the customer of a concurrent caller')
        }
      },
    },
    {
      name: 'customers: different keys make different customers',
      needs: 'customers',
      async run() {
        const left = await customers.create(account(), { idempotencyKey: unique('key') })
        const right = await customers.create(account(), { idempotencyKey: unique('key') })
        expectEqual(left.externalId === right.externalId, false, 'whether two accounts share a customer')
      },
    },
    ...(update === undefined
      ? []
      : [
          {
            name: 'customers: name and e-mail can be set, again and again, or be left as they are',
            needs: 'customers',
            async run() {
              const { externalId } = await customers.create(account(), { idempotencyKey: unique('key') })
              await update(externalId, { email: 'ada@example.com', name: 'Ada' }, {})
              await update(externalId, { email: 'ada@example.org', name: null }, {})
              await update(externalId, { email: null, name: null }, {})
            },
          } as const,
        ]),
  ]
}
