import type { Money } from '../core/domain/money.js'
import type { Instant } from '../core/domain/period.js'
import type { PaymentCheckout } from '../core/ports/capabilities/checkout.js'
import type { UsageReport } from '../core/ports/capabilities/metering.js'
import type { TracedUsage } from '../core/ports/capabilities/tracing.js'
import type { WebhookRequest } from '../core/ports/capabilities/webhooks.js'
import type { AnyProvider, Capabilities, Capability } from '../core/ports/provider.js'
import { type ConformanceCase, expectEqual, expectError } from './conformance.js'

/** The provider that is tried, and what the cases need around it. It should stand on a sandbox: the cases write. */
export interface ProviderConformanceSubject {
  readonly provider: AnyProvider
  /** The provider's time; a sandbox's may have been moved. */
  now(): Instant
  /** A customer of the provider; asked for only where the provider cannot create one. */
  readonly customerId?: string
  /** A meter the provider counts; `metering` is tried with it. */
  readonly meter?: string
  /** An authentic request carrying `body`; `webhooks` is tried with it. */
  sign?(body: string): WebhookRequest | Promise<WebhookRequest>
}

/** A case, and the capability that makes it run. */
export interface ProviderConformanceCase extends ConformanceCase {
  readonly needs: Capability
}

const minuteMs = 60_000
const dayMs = 86_400_000

/**
 * What every provider promises for the capabilities it has. Cases of others are left out. Cases share nothing and may run in any
 * order, or at once.
 *
 * @example for (const { name, run } of providerConformance({ provider, now: Date.now })) it(name, run)
 */
export function providerConformance(subject: ProviderConformanceSubject): readonly ProviderConformanceCase[] {
  const { provider } = subject
  return [
    ...(provider.customers ? customerCases(provider.customers) : []),
    ...(provider.checkout ? checkoutCases(provider.checkout, subject) : []),
    ...(provider.portal ? portalCases(provider.portal, subject) : []),
    ...(provider.subscriptions ? subscriptionCases(provider.subscriptions, subject) : []),
    ...(provider.metering && subject.meter ? meteringCases(provider.metering, subject, subject.meter) : []),
    ...(provider.tracing ? tracingCases(provider.tracing, subject) : []),
    ...(provider.webhooks ? webhookCases(provider.webhooks, subject) : []),
  ]
}

function customerCases(customers: Capabilities['customers']): readonly ProviderConformanceCase[] {
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

function checkoutCases(
  checkout: Capabilities['checkout'],
  subject: ProviderConformanceSubject,
): readonly ProviderConformanceCase[] {
  const request = async (): Promise<PaymentCheckout> => ({
    intentId: unique('intent'),
    accountId: unique('account'),
    customerId: await customerOf(subject),
    mode: 'payment',
    title: 'Credits',
    amount: dollars(10n),
    promotionCodes: false,
    successUrl: 'https://app.example/billing/success',
    cancelUrl: 'https://app.example/billing/cancel',
  })
  return [
    {
      name: 'checkout: a new session is open, can be visited, and carries our intent and amount',
      needs: 'checkout',
      async run() {
        const asked = await request()
        const session = await checkout.create(asked, { idempotencyKey: unique('key') })
        expectEqual(session.status, 'open', 'the status of a new session')
        expectEqual(URL.canParse(session.url ?? ''), true, 'whether the session has an address')
        expectEqual(session.intentId, asked.intentId, 'the intent of the session')
        expectEqual(session.amount, asked.amount, 'the amount of the session')
        expectEqual(await checkout.get(session.externalId, {}), session, 'the session read back')
      },
    },
    {
      name: 'checkout: the same key makes one session',
      needs: 'checkout',
      async run() {
        const asked = await request()
        const options = { idempotencyKey: unique('key') }
        const first = await checkout.create(asked, options)
        const again = await checkout.create(asked, options)
        expectEqual(again.externalId, first.externalId, 'the session of a repeated key')
      },
    },
    {
      name: 'checkout: an unknown session is not_found',
      needs: 'checkout',
      run: () => expectError('not_found', () => checkout.get(unique('cs_none'), {})),
    },
  ]
}

function portalCases(
  portal: Capabilities['portal'],
  subject: ProviderConformanceSubject,
): readonly ProviderConformanceCase[] {
  return [
    {
      name: 'portal: a session has an address',
      needs: 'portal',
      async run() {
        const customerId = await customerOf(subject)
        const { url } = await portal.create({ customerId, returnUrl: 'https://app.example/billing', flow: null }, {})
        expectEqual(URL.canParse(url), true, 'whether the portal has an address')
      },
    },
  ]
}

function subscriptionCases(
  subscriptions: Capabilities['subscriptions'],
  subject: ProviderConformanceSubject,
): readonly ProviderConformanceCase[] {
  return [
    {
      name: 'subscriptions: an unknown subscription is not_found',
      needs: 'subscriptions',
      run: () => expectError('not_found', () => subscriptions.get(unique('sub_none'), {})),
    },
    {
      name: 'subscriptions: a customer without one has an empty list',
      needs: 'subscriptions',
      async run() {
        expectEqual(await subscriptions.list(await customerOf(subject), {}), [], 'the subscriptions of a new customer')
      },
    },
  ]
}

function meteringCases(
  metering: Capabilities['metering'],
  subject: ProviderConformanceSubject,
  meter: string,
): readonly ProviderConformanceCase[] {
  const report = (customerId: string, sparks: bigint): UsageReport => ({
    identifier: unique('report'),
    customerId,
    meter,
    sparks,
    occurredAt: subject.now() - minuteMs,
  })
  /** What the provider counted, where it can say. */
  const expectTotal = async (customerId: string, sparks: bigint) => {
    const thisMinute = Math.floor(subject.now() / minuteMs) * minuteMs
    const range = { from: thisMinute - 60 * minuteMs, to: thisMinute + minuteMs }
    const total = await subject.provider['usage-reports']?.total({ customerId, meter, ...range }, {})
    if (total !== undefined) expectEqual(total.sparks, sparks, 'the Sparks that were counted')
  }
  return [
    {
      name: 'metering: no reports, no outcomes',
      needs: 'metering',
      async run() {
        expectEqual(await metering.report([], {}), [], 'the outcomes of nothing')
      },
    },
    {
      name: 'metering: a report that is sent again is delivered, and counted once',
      needs: 'metering',
      async run() {
        const customerId = await customerOf(subject)
        const frozen = report(customerId, 7n)
        expectEqual(await metering.report([frozen], {}), [{ status: 'delivered' }], 'the first outcome')
        expectEqual(await metering.report([frozen], {}), [{ status: 'delivered' }], 'the outcome of the repeat')
        await expectTotal(customerId, 7n)
      },
    },
    {
      name: 'metering: an identifier counts once even when two senders send it at once',
      needs: 'metering',
      async run() {
        const customerId = await customerOf(subject)
        const frozen = report(customerId, 11n)
        await Promise.all([metering.report([frozen], {}), metering.report([frozen], {})])
        expectEqual(await metering.report([frozen], {}), [{ status: 'delivered' }], 'the outcome of the repeat')
        await expectTotal(customerId, 11n)
      },
    },
    {
      name: 'metering: there is one outcome per report, in order, and a bad one harms no other',
      needs: 'metering',
      async run() {
        const customerId = await customerOf(subject)
        const good = [report(customerId, 1n), report(customerId, 2n)] as const
        const tooOld = { ...report(customerId, 4n), occurredAt: subject.now() - metering.maximumAgeMs - dayMs }
        const outcomes = await metering.report([good[0], tooOld, good[1]], {})
        expectEqual(outcomes.length, 3, 'the number of outcomes')
        expectEqual(
          [outcomes[0]?.status, outcomes[2]?.status],
          ['delivered', 'delivered'],
          'the outcomes of the good reports',
        )
        expectEqual(outcomes[1]?.status === 'retry', false, 'whether what is too old is to be sent again')
        await expectTotal(customerId, 3n)
      },
    },
    {
      name: 'metering: a report of less than nothing takes back what was reported',
      needs: 'metering',
      async run() {
        const customerId = await customerOf(subject)
        const outcomes = await metering.report([report(customerId, 50n), report(customerId, -20n)], {})
        expectEqual(outcomes, [{ status: 'delivered' }, { status: 'delivered' }], 'the outcomes')
        await expectTotal(customerId, 30n)
      },
    },
  ]
}

function tracingCases(
  tracing: Capabilities['tracing'],
  subject: ProviderConformanceSubject,
): readonly ProviderConformanceCase[] {
  const usage = (): TracedUsage => ({
    usageId: unique('usage'),
    accountId: unique('account'),
    meter: 'ai_tokens',
    model: 'gpt-4o-mini',
    quantity: '1500',
    tokens: { input: 1000, output: 500 },
    costUsd: '0.00045',
    sparks: '150',
    occurredAt: subject.now() - minuteMs,
    dimensions: { feature: 'chat' },
  })
  return [
    {
      name: 'tracing: no usage, no outcomes',
      needs: 'tracing',
      async run() {
        expectEqual(await tracing.export([], {}), [], 'the outcomes of nothing')
      },
    },
    {
      name: 'tracing: usage that is sent again is delivered again',
      needs: 'tracing',
      async run() {
        const event = usage()
        expectEqual(await tracing.export([event], {}), [{ status: 'delivered' }], 'the first outcome')
        expectEqual(await tracing.export([event], {}), [{ status: 'delivered' }], 'the outcome of the repeat')
      },
    },
    {
      name: 'tracing: usage without a model, tokens or a cost is taken',
      needs: 'tracing',
      async run() {
        const bare = { ...usage(), model: null, tokens: null, costUsd: null, dimensions: {} }
        expectEqual(await tracing.export([bare], {}), [{ status: 'delivered' }], 'the outcome')
      },
    },
    {
      name: 'tracing: there is one outcome per usage event, however many there are',
      needs: 'tracing',
      async run() {
        const outcomes = await tracing.export(Array.from({ length: 230 }, usage), {})
        expectEqual(
          outcomes,
          Array.from({ length: 230 }, () => ({ status: 'delivered' })),
          'the outcomes',
        )
      },
    },
  ]
}

function webhookCases(
  webhooks: Capabilities['webhooks'],
  subject: ProviderConformanceSubject,
): readonly ProviderConformanceCase[] {
  const unsigned: WebhookRequest = {
    rawBody: new TextEncoder().encode('{"id":"evt_unsigned","type":"checkout.session.completed"}'),
    headers: new Map(),
  }
  const refusal: ProviderConformanceCase = {
    name: 'webhooks: what is not signed is refused',
    needs: 'webhooks',
    run: () => expectError('webhook_signature_invalid', () => webhooks.verify(unsigned, subject.now())),
  }
  const sign = subject.sign?.bind(subject)
  if (sign === undefined) return [refusal]

  const event = (type: string) => JSON.stringify({ id: unique('evt'), type })
  const isIgnored = (type: string): ProviderConformanceCase => ({
    name: `webhooks: an event of type ${type} is accepted and ignored`,
    needs: 'webhooks',
    async run() {
      const verified = await webhooks.verify(await sign(event(type)), subject.now())
      expectEqual((await webhooks.interpret(verified, {})).kind, 'ignored', 'what the event points at')
    },
  })
  return [
    refusal,
    {
      name: 'webhooks: a body that was changed on the way is refused',
      needs: 'webhooks',
      async run() {
        const { headers } = await sign(event('some.event'))
        await expectError('webhook_signature_invalid', () => webhooks.verify({ ...unsigned, headers }, subject.now()))
      },
    },
    {
      name: 'webhooks: a signed body that is no event is refused',
      needs: 'webhooks',
      async run() {
        for (const body of ['{"id":"evt_1"', '[]', 'null', '{"id":1,"type":2}']) {
          const request = await sign(body)
          await expectError('webhook_payload_invalid', () => webhooks.verify(request, subject.now()))
        }
      },
    },
    isIgnored('some.future.event'),
    isIgnored('__proto__'),
    isIgnored('constructor'),
  ]
}

async function customerOf({ provider, customerId }: ProviderConformanceSubject): Promise<string> {
  if (provider.customers === undefined) return customerId ?? ''
  const account = { accountId: unique('account'), email: null, name: null }
  return (await provider.customers.create(account, { idempotencyKey: unique('key') })).externalId
}

function dollars(whole: bigint): Money {
  return { currency: 'USD', nanos: whole * 1_000_000_000n }
}

function unique(name: string): string {
  return `${name}_${crypto.randomUUID()}`
}
