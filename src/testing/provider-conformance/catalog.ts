import type { CatalogChange, ProviderCatalog } from '../../core/ports/capabilities/catalog.js'
import type { Capabilities } from '../../core/ports/provider.js'
import { expectEqual } from '../conformance.js'
import {
  customerOf,
  dollars,
  type ProviderConformanceCase,
  type ProviderConformanceSubject,
  planPrice,
  unique,
} from './subject.js'

export function catalogCases(
  catalog: Capabilities['catalog'],
  subject: ProviderConformanceSubject,
): readonly ProviderConformanceCase[] {
  /** A catalog that shares nothing with those of other cases. */
  const wanted = (): ProviderCatalog => {
    const meter = unique('meter')
    const overage = [{ meter, sparkPrice: '0.00004' }]
    return { meters: [{ name: meter, unit: 'token' }], prices: [{ ...planPrice(dollars(20n)), overage }] }
  }
  const changed = (before: ProviderCatalog, price: Partial<ProviderCatalog['prices'][number]>): ProviderCatalog => ({
    ...before,
    prices: before.prices.map((each) => ({ ...each, ...price })),
  })
  const expectNothingLeft = async (asked: ProviderCatalog) => {
    expectEqual(await catalog.plan(asked, {}), [], 'what is left to do')
    expectEqual(await catalog.apply(asked, {}), [], 'what another application does')
  }
  const subscribe = subject.subscription?.bind(subject)
  const upcoming = subject.provider.invoices?.upcoming?.bind(subject.provider.invoices)
  return [
    {
      name: 'catalog: what was planned is done, and then nothing is left',
      needs: 'catalog',
      async run() {
        const asked = wanted()
        const planned = await catalog.plan(asked, {})
        expectEqual(await catalog.plan(asked, {}), planned, 'the plan, asked for again')
        expectEqual(planned.length > 0, true, 'whether something is to be done')
        const done = await catalog.apply(asked, {})
        expectEqual(words(done), words(planned), 'what was done')
        expectEqual(
          done.every(({ externalId }) => externalId !== null),
          true,
          'whether all that was done can be found at the provider',
        )
        await expectNothingLeft(asked)
      },
    },
    {
      name: 'catalog: several at once make it once',
      needs: 'catalog',
      async run() {
        const asked = wanted()
        await Promise.all([1, 2, 3].map(() => catalog.apply(asked, {})))
        await expectNothingLeft(asked)
      },
    },
    {
      name: 'catalog: a changed price is planned and made, and so is the way back',
      needs: 'catalog',
      async run() {
        const asked = wanted()
        await catalog.apply(asked, {})
        for (const next of [changed(asked, { amount: dollars(25n) }), changed(asked, { interval: 'year' }), asked]) {
          expectEqual((await catalog.plan(next, {})).length > 0, true, 'whether a change is planned')
          await catalog.apply(next, {})
          await expectNothingLeft(next)
        }
      },
    },
    {
      name: 'catalog: another title of a plan is planned and made',
      needs: 'catalog',
      async run() {
        const asked = wanted()
        await catalog.apply(asked, {})
        const renamed = changed(asked, { title: 'Another title' })
        expectEqual((await catalog.plan(renamed, {})).length > 0, true, 'whether a change is planned')
        await catalog.apply(renamed, {})
        await expectNothingLeft(renamed)
      },
    },
    ...(subscribe === undefined || upcoming === undefined
      ? []
      : [
          {
            name: 'catalog: whoever has subscribed keeps the price of then',
            needs: 'catalog',
            async run() {
              const price = planPrice(dollars(20n))
              const asked = { meters: [], prices: [price] }
              await catalog.apply(asked, {})
              const customerId = await customerOf(subject)
              const subscriptionId = await subscribe(customerId, price)
              await catalog.apply(changed(asked, { amount: dollars(25n) }), {})
              const next = await upcoming({ customerId, subscriptionId }, {})
              expectEqual(next?.total, dollars(20n), 'what the next period costs')
            },
          } as const,
        ]),
  ]
}

function words(changes: readonly CatalogChange[]): readonly string[] {
  return changes.map(({ action, object, name }) => `${action} ${object} ${name}`).sort()
}
