import type { SubscriptionChange } from '../../core/ports/capabilities/subscriptions.js'
import type { Capabilities } from '../../core/ports/provider.js'
import { expectEqual } from '../conformance.js'
import {
  customerOf,
  dollars,
  newKey,
  type ProviderConformanceCase,
  type ProviderConformanceSubject,
  planPrice,
  unlessUnsupported,
} from './subject.js'

/** Other plans and numbers of seats. */
export function subscriptionChangeCases(
  subscriptions: Capabilities['subscriptions'],
  subject: ProviderConformanceSubject,
  subscribe: NonNullable<ProviderConformanceSubject['subscription']>,
): readonly ProviderConformanceCase[] {
  const change = subscriptions.change?.bind(subscriptions)
  if (change === undefined) return []
  const preview = subscriptions.previewChange?.bind(subscriptions)
  const reactivate = subscriptions.reactivate?.bind(subscriptions)
  const { invoices } = subject.provider
  const another = (externalId: string, given: Partial<SubscriptionChange> = {}): SubscriptionChange => ({
    externalId,
    price: planPrice(dollars(50n)),
    seats: 1,
    when: 'now',
    proration: 'invoice_now',
    at: null,
    ...given,
  })
  return [
    {
      name: 'subscriptions: another plan and more seats hold at once, are paid, and are made once under their key',
      needs: 'subscriptions',
      async run() {
        const customerId = await customerOf(subject)
        const asked = another(await subscribe(customerId, planPrice(dollars(20n))), { seats: 3 })
        const options = newKey()
        const done = await unlessUnsupported(() => change(asked, options))
        if (done === null) return
        const { status, plan, seats, scheduled } = done.subscription
        expectEqual([status, plan, seats, scheduled], ['active', asked.price.plan, 3, null], 'the subscription')
        expectEqual(done.payment, { status: 'succeeded' }, 'what came of the charge')
        const count = async () => (await invoices?.list({ customerId, limit: 100 }, {}))?.items.length
        const before = await count()
        expectEqual((await change(asked, options)).subscription.plan, plan, 'the plan after a repeat')
        expectEqual(await count(), before, 'the number of invoices after a repeat')
        expectEqual(await subscriptions.get(asked.externalId, {}), done.subscription, 'the subscription read back')
      },
    },
    {
      name: 'subscriptions: another plan without proration holds at once and charges nothing',
      needs: 'subscriptions',
      async run() {
        const asked = another(await subscribe(await customerOf(subject), planPrice(dollars(20n))), {
          proration: 'none',
        })
        const done = await unlessUnsupported(() => change(asked, newKey()))
        if (done) expectEqual([done.subscription.plan, done.payment], [asked.price.plan, null], 'what it led to')
      },
    },
    {
      name: 'subscriptions: another plan at the end of the period changes nothing until then, and can be taken back',
      needs: 'subscriptions',
      async run() {
        const price = planPrice(dollars(50n))
        const id = await subscribe(await customerOf(subject), price)
        const asked = another(id, { price: planPrice(dollars(20n)), when: 'period_end' })
        const done = await unlessUnsupported(() => change(asked, newKey()))
        if (done === null) return
        const { plan, scheduled } = done.subscription
        expectEqual([plan, scheduled?.plan, done.payment], [price.plan, asked.price.plan, null], 'what it led to')
        if (reactivate) expectEqual((await reactivate(id, {})).scheduled, null, 'what is left once it is taken back')
      },
    },
    ...(preview === undefined
      ? []
      : [
          {
            name: 'subscriptions: a preview changes nothing, and says what the change then costs',
            needs: 'subscriptions',
            async run() {
              const customerId = await customerOf(subject)
              const id = await subscribe(customerId, planPrice(dollars(20n)))
              const before = await subscriptions.get(id, {})
              const at = Math.floor(subject.now() / 1000) * 1000
              const asked = another(id, { at })
              const previewed = await unlessUnsupported(() => preview(asked, {}))
              if (previewed === null) return
              expectEqual(await subscriptions.get(id, {}), before, 'the subscription after a preview')
              await change(asked, newKey())
              const billed = await invoices?.list({ customerId, limit: 1 }, {})
              if (billed) expectEqual(billed.items[0]?.total, previewed.total, 'what was charged')
            },
          } as const,
        ]),
  ]
}
