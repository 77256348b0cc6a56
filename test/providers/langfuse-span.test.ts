import { describe, expect, it } from 'vitest'
import type { TracedUsage } from '../../src/core/ports/capabilities/tracing.js'
import { type OtlpSpan, type SpanProblem, spanIds, toSpan } from '../../src/providers/langfuse/span.js'

const usage: TracedUsage = {
  usageId: 'usage_1',
  accountId: 'acc_1',
  meter: 'ai_tokens',
  model: 'gpt-4o-mini',
  quantity: '1500',
  tokens: { input: 1000, output: 400, cached_input: 100 },
  costUsd: '0.000000123456789012',
  sparks: '150.5',
  billingStatus: 'credits',
  occurredAt: 1_795_255_200_123,
  dimensions: { feature: 'chat' },
}

function attributes(given: Partial<TracedUsage>, environment?: string): Readonly<Record<string, string>> {
  const span = toSpan({ ...usage, ...given }, environment)
  if ('problem' in span) throw new Error(span.problem)
  return Object.fromEntries(span.attributes.map(({ key, value }) => [key, value.stringValue]))
}

describe('a usage event as a span', () => {
  it('S1.1 is one generation with everything that was known when it was recorded', () => {
    expect(attributes({}, 'production')).toEqual({
      'langfuse.observation.type': 'generation',
      'langfuse.observation.model.name': 'gpt-4o-mini',
      'langfuse.observation.usage_details': '{"input":1000,"output":400,"cached_input":100,"total":1500}',
      'langfuse.observation.cost_details': '{"total":0.000000123456789012}',
      'langfuse.trace.name': 'ai_tokens',
      'langfuse.environment': 'production',
      'user.id': 'acc_1',
      'langfuse.observation.metadata.feature': 'chat',
      'langfuse.observation.metadata.billfold_account': 'acc_1',
      'langfuse.observation.metadata.billfold_billing_status': 'credits',
      'langfuse.observation.metadata.billfold_usage_id': 'usage_1',
      'langfuse.observation.metadata.billfold_meter': 'ai_tokens',
      'langfuse.observation.metadata.billfold_quantity': '1500',
      'langfuse.observation.metadata.billfold_sparks': '150.5',
    })
  })

  it('S1.1 has the same ids and the same start whenever it is made', () => {
    const span = toSpan(usage, undefined) as OtlpSpan
    expect(toSpan({ ...usage, sparks: '1' }, 'other')).toMatchObject({
      traceId: span.traceId,
      spanId: span.spanId,
      startTimeUnixNano: '1795255200123000000',
      endTimeUnixNano: '1795255200123000000',
    })
    // Fixed for ever: other ids would make a second generation of what is sent again after an upgrade.
    expect(spanIds('usage_1')).toEqual({ traceId: '35854f176404adb0ef0e4a4bbd4ecb9f', spanId: '5eb845eb9a550e31' })
  })

  it('S1.1 has ids of its own', () => {
    const ids = Array.from({ length: 500 }, (_, index) => spanIds(`usage_${index}`))
    expect(new Set(ids.map(({ traceId }) => traceId)).size).toBe(500)
    expect(new Set(ids.map(({ spanId }) => spanId)).size).toBe(500)
    for (const { traceId, spanId } of ids) {
      expect(traceId).toMatch(/^[0-9a-f]{32}$/)
      expect(spanId).toMatch(/^[0-9a-f]{16}$/)
    }
  })

  it('S1.1 leaves out what is not known', () => {
    const bare = attributes({ model: null, tokens: null, costUsd: null, dimensions: {} })
    expect(
      Object.keys(bare).filter((key) => key.startsWith('langfuse.observation.') && !key.includes('metadata')),
    ).toEqual(['langfuse.observation.type'])
    expect(bare).not.toHaveProperty('langfuse.environment')
  })

  const costs: readonly (readonly [string, string])[] = [
    ['0', '{"total":0}'],
    ['0.000', '{"total":0}'],
    ['1.50', '{"total":1.5}'],
    ['007', '{"total":7}'],
    ['0.00000000000000000001', '{"total":0.00000000000000000001}'],
    ['-0.5', '{"total":-0.5}'],
  ]
  for (const [costUsd, text] of costs) {
    it(`S1.1 writes the cost ${costUsd} as ${text}`, () => {
      expect(attributes({ costUsd })['langfuse.observation.cost_details']).toBe(text)
    })
  }

  it('S1.1 counts a total by itself, and never twice', () => {
    const details = (tokens: TracedUsage['tokens']) => attributes({ tokens })['langfuse.observation.usage_details']
    expect(details({ input: 1, output: 2, total: 99 })).toBe('{"input":1,"output":2,"total":3}')
    expect(details({ total: 7 })).toBe('{"total":7}')
    expect(details({})).toBe('{"total":0}')
  })

  it('S1.1 lets no dimension pass for one of our facts', () => {
    const dimensions = { billfold_usage_id: 'forged', billfold_sparks: '0' }
    expect(attributes({ dimensions })).toMatchObject({
      'langfuse.observation.metadata.billfold_usage_id': 'usage_1',
      'langfuse.observation.metadata.billfold_sparks': '150.5',
    })
  })

  const broken: readonly (readonly [string, Partial<TracedUsage>])[] = [
    ['half a token', { tokens: { input: 0.5 } }],
    ['less than no tokens', { tokens: { input: -1 } }],
    ['more tokens than a number can hold', { tokens: { input: 2 ** 53 } }],
    ['a cost with an exponent', { costUsd: '1e-7' }],
    ['a cost that is no number', { costUsd: 'NaN' }],
    ['a time that is none', { occurredAt: Number.NaN }],
    ['a time before 1970', { occurredAt: -1 }],
  ]
  for (const [what, given] of broken) {
    it(`S1.1 is none for ${what}`, () => {
      expect(toSpan({ ...usage, ...given }, undefined)).toEqual({ problem: expect.any(String) } satisfies SpanProblem)
    })
  }
})
