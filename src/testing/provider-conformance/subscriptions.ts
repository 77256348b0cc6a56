import type { SubscriptionChange } from '../../core/ports/capabilities/subscriptions.js'
import type { Capabilities } from '../../core/ports/provider.js'
import { expectEqual, expectError } from '../conformance.js'
import {
  customerOf,
  dollars,
  newKey,
  type ProviderConformanceCase,
  type ProviderConformanceSubject,
  planPrice,
  unique,
} from './subject.js'
import { subscriptionChangeCases } from './subscription-changes.js'

export function subscriptionCases(
  subscriptions: Capabilities['subscriptions'],
  subject: ProviderConformanceSubject,
): readonly ProviderConformanceCase[] {
  const subscribe = subject.subscription?.bind(subject)
  const verbs = verbsOf(subscriptions)
  return [
    {
      name: 'subscriptions: an unknown subscription is not_found, whatever is asked of it',
      needs: 'subscriptions',
      async run() {
        await expectError('not_found', () => subscriptions.get(unique('sub_none'), {}))
        for (const verb of verbs) await expectError('not_found', () => verb(unique('sub_none')))
      },
    },
    {
      name: 'subscriptions: a customer without one has an empty list',
      needs: 'subscriptions',
      async run() {
        expectEqual(await subscriptions.list(await customerOf(subject), {}), [], 'the subscriptions of a new customer')
      },
    },
    ...(subscribe === undefined ? [] : lifeCases(subscriptions, subject, subscribe, verbs)),
    ...(subscribe === undefined ? [] : subscriptionChangeCases(subscriptions, subject, subscribe)),
  ]
}

type Subscribe = NonNullable<ProviderConformanceSubject['subscription']>
type Verb = (externalId: string) => Promise<unknown>

/** Everything that can be asked of a subscription that is going on. */
function verbsOf(subscriptions: Capabilities['subscriptions']): readonly Verb[] {
  const changeOf = (externalId: string): SubscriptionChange => ({
    externalId,
    price: planPrice(dollars(50n)),
    seats: 1,
    when: 'now',
    proration: 'none',
    at: null,
  })
  const { change, previewChange, cancel, reactivate, pause, resume } = subscriptions
  const verbs: (Verb | false)[] = [
    change !== undefined && ((id) => change.call(subscriptions, changeOf(id), newKey())),
    previewChange !== undefined && ((id) => previewChange.call(subscriptions, changeOf(id), {})),
    cancel !== undefined && ((id) => cancel.call(subscriptions, id, 'period_end', {})),
    reactivate !== undefined && ((id) => reactivate.call(subscriptions, id, {})),
    pause !== undefined && ((id) => pause.call(subscriptions, id, {})),
    resume !== undefined && ((id) => resume.call(subscriptions, id, {})),
  ]
  return verbs.filter((verb) => verb !== false)
}

function lifeCases(
  subscriptions: Capabilities['subscriptions'],
  subject: ProviderConformanceSubject,
  subscribe: Subscribe,
  verbs: readonly Verb[],
): readonly ProviderConformanceCase[] {
  const cancel = subscriptions.cancel?.bind(subscriptions)
  const reactivate = subscriptions.reactivate?.bind(subscriptions)
  const pause = subscriptions.pause?.bind(subscriptions)
  const resume = subscriptions.resume?.bind(subscriptions)
  return [
    {
      name: 'subscriptions: a new one is active, and says its customer, plan, seats and period',
      needs: 'subscriptions',
      async run() {
        const customerId = await customerOf(subject)
        const price = planPrice(dollars(20n))
        const id = await subscribe(customerId, price)
        const found = await subscriptions.get(id, {})
        const { externalId, status, plan, seats, cancelsAtPeriodEnd, endedAt } = found
        expectEqual(
          { externalId, customerId: found.customerId, status, plan, seats, cancelsAtPeriodEnd, endedAt },
          {
            externalId: id,
            customerId,
            status: 'active',
            plan: price.plan,
            seats: 1,
            cancelsAtPeriodEnd: false,
            endedAt: null,
          },
          'the subscription',
        )
        const now = subject.now()
        const [from, to] = [found.currentPeriodStartsAt, found.currentPeriodEndsAt]
        expectEqual((from === null || from <= now) && (to === null || to > now), true, 'whether now is in its period')
        expectEqual(await subscriptions.list(customerId, {}), [found], 'the list of one')
      },
    },
    ...(cancel === undefined
      ? []
      : [
          {
            name: 'subscriptions: one ends with its period, and that is harmless to repeat',
            needs: 'subscriptions',
            async run() {
              const id = await subscribe(await customerOf(subject), planPrice(dollars(20n)))
              for (let time = 0; time < 2; time += 1) {
                const { status, cancelsAtPeriodEnd } = await cancel(id, 'period_end', {})
                expectEqual([status, cancelsAtPeriodEnd], ['active', true], 'how it stands until then')
              }
              for (let time = 0; reactivate && time < 2; time += 1) {
                const { status, cancelsAtPeriodEnd } = await reactivate(id, {})
                expectEqual([status, cancelsAtPeriodEnd], ['active', false], 'how it stands when that is taken back')
              }
            },
          } as const,
          {
            name: 'subscriptions: one that has ended stays so: ending it again changes nothing, all else is invalid_state',
            needs: 'subscriptions',
            async run() {
              const customerId = await customerOf(subject)
              const id = await subscribe(customerId, planPrice(dollars(20n)))
              const ended = await cancel(id, 'now', {})
              expectEqual([ended.status, ended.endedAt !== null], ['canceled', true], 'how it stands')
              expectEqual((await cancel(id, 'now', {})).status, 'canceled', 'the status of the repeat')
              for (const verb of verbs) await expectError('invalid_state', () => verb(id))
              expectEqual(await subscriptions.list(customerId, {}), [await subscriptions.get(id, {})], 'the list')
            },
          } as const,
        ]),
    ...(pause === undefined || resume === undefined
      ? []
      : [
          {
            name: 'subscriptions: one is paused and goes on, and both are harmless to repeat',
            needs: 'subscriptions',
            async run() {
              const id = await subscribe(await customerOf(subject), planPrice(dollars(20n)))
              for (let time = 0; time < 2; time += 1)
                expectEqual((await pause(id, {})).status, 'paused', 'the status while it is paused')
              expectEqual((await subscriptions.get(id, {})).status, 'paused', 'the status read back')
              expectEqual((await resume(id, {})).subscription.status, 'active', 'the status when it goes on')
              const again = await resume(id, {})
              expectEqual([again.subscription.status, again.payment], ['active', null], 'what the repeat does')
            },
          } as const,
        ]),
  ]
}
