import type { Capabilities } from '../../core/ports/provider.js'
import { expectEqual } from '../conformance.js'
import { type ProviderConformanceCase, unique } from './subject.js'

export function customerCases(customers: Capabilities['customers']): readonly ProviderConformanceCase[] {
  const update = customers.update?.bind(customers)
  const list = customers.list?.bind(customers)
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
    ...(list === undefined
      ? []
      : [
          {
            name: 'customers: they are listed page by page, each once, with the account they were made for',
            needs: 'customers',
            async run() {
              const made = new Map<string, string>()
              for (let count = 0; count < 3; count += 1) {
                const given = account()
                made.set((await customers.create(given, { idempotencyKey: unique('key') })).externalId, given.accountId)
              }
              const found: string[] = []
              for (let after: string | null | undefined; after !== null && found.length < made.size; ) {
                const page = await list({ limit: 2, ...(after ? { after } : {}) }, {})
                expectEqual(page.items.length <= 2, true, 'whether a page keeps to its limit')
                for (const { externalId, accountId } of page.items) {
                  if (!made.has(externalId)) continue
                  expectEqual(accountId, made.get(externalId), 'the account of a customer')
                  found.push(externalId)
                }
                after = page.next
              }
              expectEqual(found.sort(), [...made.keys()].sort(), 'the customers')
            },
          } as const,
        ]),
  ]
}
