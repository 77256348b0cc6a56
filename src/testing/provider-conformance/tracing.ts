import type { TracedUsage } from '../../core/ports/capabilities/tracing.js'
import type { Capabilities } from '../../core/ports/provider.js'
import { expectEqual } from '../conformance.js'
import { type ProviderConformanceCase, type ProviderConformanceSubject, unique } from './subject.js'

export function tracingCases(
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
    billingStatus: 'credits',
    occurredAt: subject.now() - 60_000,
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
