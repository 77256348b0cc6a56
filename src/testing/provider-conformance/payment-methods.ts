import type { Capabilities } from '../../core/ports/provider.js'
import { expectEqual, expectError } from '../conformance.js'
import { customerOf, type ProviderConformanceCase, type ProviderConformanceSubject, unique } from './subject.js'

export function paymentMethodCases(
  methods: Capabilities['payment-methods'],
  subject: ProviderConformanceSubject,
): readonly ProviderConformanceCase[] {
  const leave = subject.paymentMethod?.bind(subject)
  const attach = methods.attach?.bind(methods)
  const update = methods.update?.bind(methods)
  const expectNoneOf = async (customerId: string, id: string) => {
    await expectError('not_found', () => methods.get(customerId, id, {}))
    await expectError('not_found', () => methods.setDefault(customerId, id, {}))
    await expectError('not_found', () => methods.remove(customerId, id, {}))
    if (update) await expectError('not_found', () => update(customerId, id, { name: 'Eve' }, {}))
  }
  return [
    {
      name: 'payment-methods: a customer without any has an empty list, and an unknown one is not_found',
      needs: 'payment-methods',
      async run() {
        const customerId = await customerOf(subject)
        if (subject.provider.customers)
          expectEqual(await methods.list(customerId, {}), [], 'the list of a new customer')
        await expectNoneOf(customerId, unique('pm_none'))
      },
    },
    ...(leave === undefined
      ? []
      : [
          {
            name: 'payment-methods: one that was left is read, listed, and gone once it is removed',
            needs: 'payment-methods',
            async run() {
              const customerId = await customerOf(subject)
              const id = await leave(customerId)
              const found = await methods.get(customerId, id, {})
              expectEqual([found.externalId, found.customerId], [id, customerId], 'the payment method')
              expectEqual(/\d{5}/.test(found.last4 ?? ''), false, 'whether more than four digits are shown')
              expectEqual((await methods.list(customerId, {})).filter(isNamed(id)), [found], 'it in the list')
              if (attach) expectEqual(await attach(customerId, id, {}), found, 'it, attached again')
              await methods.remove(customerId, id, {})
              expectEqual((await methods.list(customerId, {})).filter(isNamed(id)), [], 'it in the list afterwards')
              await expectNoneOf(customerId, id)
            },
          } as const,
          {
            name: 'payment-methods: at most one is the default, and it can be another',
            needs: 'payment-methods',
            async run() {
              const customerId = await customerOf(subject)
              const ids = [await leave(customerId), await leave(customerId)]
              for (const id of [...ids, ...ids]) {
                expectEqual((await methods.setDefault(customerId, id, {})).isDefault, true, 'whether it is the default')
                const defaults = (await methods.list(customerId, {})).filter(({ isDefault }) => isDefault)
                expectEqual(
                  defaults.map(({ externalId }) => externalId),
                  [id],
                  'the defaults',
                )
              }
            },
          } as const,
        ]),
    ...(leave === undefined || subject.provider.customers === undefined
      ? []
      : [
          {
            name: 'payment-methods: another customer’s is not_found, and cannot be taken over',
            needs: 'payment-methods',
            async run() {
              const [own, other] = [await customerOf(subject), await customerOf(subject)]
              const id = await leave(other)
              await expectNoneOf(own, id)
              if (attach) await expectError('not_found', () => attach(own, id, {}))
              expectEqual(await methods.list(own, {}), [], 'one’s own list')
              expectEqual((await methods.get(other, id, {})).customerId, other, 'whose it still is')
            },
          } as const,
        ]),
    ...(leave === undefined || update === undefined
      ? []
      : [
          {
            name: 'payment-methods: a name can be changed, and what is not given stays',
            needs: 'payment-methods',
            async run() {
              const customerId = await customerOf(subject)
              const before = await methods.get(customerId, await leave(customerId), {})
              const after = await update(customerId, before.externalId, { name: 'Ada' }, {})
              expectEqual(after, { ...before, name: 'Ada' }, 'the payment method')
            },
          } as const,
        ]),
  ]
}

function isNamed(id: string): (method: { readonly externalId: string }) => boolean {
  return ({ externalId }) => externalId === id
}
