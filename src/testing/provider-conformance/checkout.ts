import type { CheckoutPage, CheckoutRequest, CheckoutSession } from '../../core/ports/capabilities/checkout.js'
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
  unlessUnsupported,
} from './subject.js'

export function checkoutCases(
  checkout: Capabilities['checkout'],
  subject: ProviderConformanceSubject,
): readonly ProviderConformanceCase[] {
  const page = async (): Promise<CheckoutPage> => ({
    intentId: unique('intent'),
    accountId: unique('account'),
    customerId: await customerOf(subject),
    promotionCodes: false,
    successUrl: 'https://app.example/billing/success',
    cancelUrl: 'https://app.example/billing/cancel',
  })
  const payment = async (): Promise<CheckoutRequest> => ({
    ...(await page()),
    mode: 'payment',
    title: 'Credits',
    amount: dollars(10n),
  })
  const expectOpen = (session: CheckoutSession, asked: CheckoutRequest) => {
    expectEqual(session.status, 'open', 'the status of a new session')
    expectEqual(URL.canParse(session.url ?? ''), true, 'whether the session has an address')
    expectEqual(session.intentId, asked.intentId, 'the intent of the session')
  }
  const expire = checkout.expire?.bind(checkout)
  const pay = subject.pay?.bind(subject)
  return [
    {
      name: 'checkout: a new session is open, can be visited, and carries our intent and amount',
      needs: 'checkout',
      async run() {
        const asked = await payment()
        const session = await checkout.create(asked, newKey())
        expectOpen(session, asked)
        expectEqual(session.amount, dollars(10n), 'the amount of the session')
        expectEqual(await checkout.get(session.externalId, {}), session, 'the session read back')
      },
    },
    {
      name: 'checkout: the same key makes one session',
      needs: 'checkout',
      async run() {
        const asked = await payment()
        const options = newKey()
        const first = await checkout.create(asked, options)
        const again = await checkout.create(asked, options)
        expectEqual(again.externalId, first.externalId, 'the session of a repeated key')
      },
    },
    {
      name: 'checkout: a double click makes one session, at the latest when it is repeated',
      needs: 'checkout',
      async run() {
        const asked = await payment()
        const options = newKey()
        const results = await Promise.allSettled([1, 2, 3].map(() => checkout.create(asked, options)))
        const { externalId } = await checkout.create(asked, options)
        for (const result of results) {
          if (result.status === 'fulfilled')
            expectEqual(result.value.externalId, externalId, 'the session of a concurrent caller')
        }
      },
    },
    {
      name: 'checkout: a subscription is sold by the seat, or is option_unsupported',
      needs: 'checkout',
      async run() {
        const asked = {
          ...(await page()),
          mode: 'subscription',
          price: planPrice(dollars(20n)),
          seats: 2,
          trialDays: 0,
        } as const
        const session = await unlessUnsupported(() => checkout.create(asked, newKey()))
        if (session === null) return
        expectOpen(session, asked)
        expectEqual(session.amount, dollars(40n), 'what two seats cost')
        expectEqual(session.subscriptionId, null, 'the subscription before it is paid')
      },
    },
    {
      name: 'checkout: a payment method alone costs nothing, or is option_unsupported',
      needs: 'checkout',
      async run() {
        const asked = { ...(await page()), mode: 'setup', currency: 'USD' } as const
        const session = await unlessUnsupported(() => checkout.create(asked, newKey()))
        if (session === null) return
        expectOpen(session, asked)
        expectEqual(session.paymentMethodId, null, 'the payment method before it is left')
        expectEqual(session.amount?.nanos ?? 0n, 0n, 'what it costs')
      },
    },
    {
      name: 'checkout: an unknown session is not_found',
      needs: 'checkout',
      run: () => expectError('not_found', () => checkout.get(unique('cs_none'), {})),
    },
    ...(expire === undefined
      ? []
      : [
          {
            name: 'checkout: a session that was closed is expired, however often; an unknown one is not_found',
            needs: 'checkout',
            async run() {
              const { externalId } = await checkout.create(await payment(), newKey())
              expectEqual((await expire(externalId, {})).status, 'expired', 'the status once it is closed')
              expectEqual((await expire(externalId, {})).status, 'expired', 'the status of the repeat')
              expectEqual((await checkout.get(externalId, {})).status, 'expired', 'the status read back')
              await expectError('not_found', () => expire(unique('cs_none'), {}))
            },
          } as const,
        ]),
    ...(pay === undefined
      ? []
      : [
          {
            name: 'checkout: a session that was paid says so, with our intent, customer and amount, and stays so',
            needs: 'checkout',
            async run() {
              const asked = await payment()
              const { externalId, url } = await checkout.create(asked, newKey())
              await pay(url ?? '')
              const paid = await checkout.get(externalId, {})
              expectEqual(paid.status, 'paid', 'the status')
              expectEqual(paid.intentId, asked.intentId, 'the intent')
              if (subject.provider.customers) expectEqual(paid.customerId, asked.customerId, 'the customer')
              expectEqual(paid.amount, dollars(10n), 'the amount')
              if (expire)
                expectEqual((await expire(externalId, {})).status, 'paid', 'the status when it is closed late')
            },
          } as const,
        ]),
  ]
}
