import { type CatalogConfig, createBilling, defineCatalog, type PriceBook } from 'billfold'
import { memoryStore } from 'billfold/adapters/memory'
import { describe, expect, it } from 'vitest'
import { decimal } from '../../../src/core/domain/decimal.js'
import type { ContextPrice } from '../../../src/core/domain/rating/price-book.js'
import { type Measure, rate } from '../../../src/core/operations/rate.js'

const at = (day: string) => Date.parse(`${day}T00:00:00Z`)
const today = at('2026-11-21')
const meters = {
  tokens: { rate: { mode: 'by_cost' } },
  counted: { rate: { mode: 'per_unit', sparks: '100', per: '1000' } },
} as const

function costOf(config: CatalogConfig, measure: Measure, moment = today, meter = 'tokens') {
  return rate(defineCatalog({ meters, ...config }), meter, measure, moment).costUsd
}
const unpriced = (message: RegExp) =>
  expect.objectContaining({ code: 'model_not_priced', message: expect.stringMatching(message) })

describe('the cost of a model', () => {
  const prices = { input: '1.25', cache_read: '0.125', output: '10', reasoning: '10', web_searches: '10' }
  const models = { 'gpt-5': prices }

  it('S1.2 is the sum over pools that do not overlap, tokens per million and calls per thousand', () => {
    const tokens = { input: 100, cache_read: 900, output: 200, reasoning: 100, web_searches: 2 }
    expect(costOf({ models }, { model: 'gpt-5', tokens })).toBe('0.0232375')
    const rated = rate(defineCatalog({ meters, models }), 'tokens', { model: 'gpt-5', tokens }, today)
    // 0.0232375 × 30,000, and a search is no token.
    expect(rated).toMatchObject({ sparks: 697_125_000n, quantity: 1_300_000_000n, tokens })
  })

  it('S1.2 of a pool without a price is refused and never zero; a pool of zero tokens needs none', () => {
    const usage = (tokens: Record<string, number>) => () => costOf({ models }, { model: 'gpt-5', tokens })
    expect(usage({ input: 1, input_audio: 1 })).toThrow(unpriced(/no price for input_audio/))
    expect(usage({ constructor_: 1 })).toThrow(unpriced(/no price/))
    expect(usage({ input: 1_000_000, input_audio: 0 })()).toBe('1.25')
  })

  it('S1.2 of an unknown model is refused, and says where was looked', () => {
    expect(() => costOf({ models }, { model: 'gpt-6', tokens: { input: 1 } })).toThrow(
      unpriced(/The catalog has no price/),
    )
    const book: PriceBook = { version: 'list@1', currency: 'USD', find: () => undefined }
    const ask = () => costOf({ models, prices: book }, { model: 'gpt-6', provider: 'acme', tokens: { input: 1 } })
    expect(ask).toThrow(unpriced(/Neither the catalog nor list@1 .*"acme"/))
  })

  it('S1.2 goes by the number of input tokens, cached ones too, the boundary belonging to what it ends', () => {
    const byLength = {
      m: {
        input: [
          { upTo: '200000', price: '1.25' },
          { upTo: null, price: '2.5' },
        ],
        cache_read: '0.1',
        output: [
          { upTo: '200000', price: '10' },
          { upTo: null, price: '15' },
        ],
      },
    } as const
    const cost = (tokens: Record<string, number>) => costOf({ models: byLength }, { model: 'm', tokens })
    expect(cost({ input: 200_000, output: 1_000_000 })).toBe('10.25')
    expect(cost({ input: 200_001, output: 1_000_000 })).toBe('15.5000025')
    expect(cost({ input: 1, cache_read: 200_000, output: 1_000_000 })).toBe('15.0200025')
    expect(cost({ output: 1_000_000 })).toBe('10')
  })

  it('S1.2 holds from its day, to the millisecond, in any order they are written', () => {
    const dated = {
      m: [
        { from: '2026-03-01', prices: { input: '3' } },
        { prices: { input: '1' } },
        { from: '2026-02-01T00:00:00+02:00', prices: { input: '2' } },
      ],
    }
    const cost = (moment: number) => costOf({ models: dated }, { model: 'm', tokens: { input: 1_000_000 } }, moment)
    const february = Date.parse('2026-01-31T22:00:00Z')
    expect([cost(0), cost(february - 1), cost(february)]).toEqual(['1', '1', '2'])
    expect([cost(at('2026-03-01') - 1), cost(at('2026-03-01')), cost(today)]).toEqual(['2', '3', '3'])
  })

  it('S1.2 of a provider’s own price goes before one for all, and is nobody else’s', () => {
    const own = { m: [{ provider: 'azure', from: '2026-01-01', prices: { input: '2' } }, { prices: { input: '1' } }] }
    const cost = (provider: string | undefined, moment = today) =>
      costOf({ models: own }, { model: 'm', provider, tokens: { input: 1_000_000 } }, moment)
    expect([cost('azure'), cost('openai'), cost(undefined)]).toEqual(['2', '1', '1'])
    expect(cost('azure', at('2025-12-31'))).toBe('1')
    const only = { m: { provider: 'azure', prices: { input: '2' } } }
    expect(() => costOf({ models: only }, { model: 'm', tokens: { input: 1 } })).toThrow(unpriced(/no price for model/))
  })

  it('S1.2 in a batch or with priority is a multiple for tokens, a price of its own, or refused', () => {
    const tiered = { m: { prices: { input: '1', web_searches: '10' }, batch: '0.5', priority: { input: '1.75' } } }
    const tokens = { input: 1_000_000, web_searches: 1 }
    const cost = (serviceTier: Measure['serviceTier'], used: Record<string, number> = tokens) =>
      costOf({ models: tiered }, { model: 'm', serviceTier, tokens: used })
    expect([cost(undefined), cost('standard'), cost('batch')]).toEqual(['1.01', '1.01', '0.51'])
    expect(cost('priority', { input: 1_000_000 })).toBe('1.75')
    expect(() => cost('priority')).toThrow(unpriced(/no price for web_searches/))
    const ask = () => costOf({ models }, { model: 'gpt-5', serviceTier: 'batch', tokens: { input: 1 } })
    expect(ask).toThrow(unpriced(/no prices for service tier batch/))
  })

  it('S1.2 has a fee per request once an event, or for as many requests as it stands for', () => {
    const searched = { m: { input: '1', requests: '5' } }
    const cost = (tokens: Record<string, number>) => costOf({ models: searched }, { model: 'm', tokens })
    expect([cost({ input: 1_000_000 }), cost({ input: 1_000_000, requests: 3 })]).toEqual(['1.005', '1.015'])
    expect(() => costOf({ models }, { model: 'gpt-5', tokens: { requests: 1 } })).toThrow(unpriced(/requests/))
  })

  it('S1.2 may be named as vendors name models', () => {
    for (const name of ['@cf/meta/llama-3', 'openai/gpt-5', 'us.anthropic.claude-sonnet-4-5:0', '01-ai/yi'])
      expect(costOf({ models: { [name]: { input: '1' } } }, { model: name, tokens: { input: 1_000_000 } })).toBe('1')
  })
})

describe('a price book', () => {
  const asked: unknown[] = []
  const open = (price: string): readonly ContextPrice[] => [{ upTo: null, price: decimal(price) }]
  const prices: PriceBook = {
    version: 'list@1',
    currency: 'USD',
    find: (query) => {
      asked.push(query)
      return query.model === 'listed' ? { standard: new Map([['input', open('0.000002')]]) } : undefined
    },
  }
  const models = { own: { input: '1' }, listed: { from: '2026-06-01', prices: { input: '7' } } }
  const catalog = defineCatalog({ meters, models, prices })
  const tokens = { input: 1_000_000 }

  it('S1.2 is asked for what the catalog does not price itself, with the provider and the moment', () => {
    expect(rate(catalog, 'tokens', { model: 'own', tokens }, today).costUsd).toBe('1')
    expect(rate(catalog, 'tokens', { model: 'listed', tokens }, today).costUsd).toBe('7')
    expect(asked).toEqual([])
    const before = at('2026-05-31')
    expect(rate(catalog, 'tokens', { model: 'listed', provider: 'acme', tokens }, before).costUsd).toBe('2')
    expect(asked).toEqual([{ model: 'listed', provider: 'acme', at: before }])
  })

  it('S1.2 is named beside the catalog on the usage it priced, and on no other', () => {
    const version = (measure: Measure, moment: number, meter = 'tokens') =>
      rate(catalog, meter, measure, moment).priceVersion
    expect(version({ model: 'listed', tokens }, 0)).toMatch(new RegExp(`^${catalog.version} list@1#[0-9a-f]{12}$`))
    expect(version({ model: 'listed', tokens }, today)).toMatch(new RegExp(`^${catalog.version} catalog#[0-9a-f]{12}$`))
    expect(version({ costUsd: '1', model: 'listed', tokens }, 0)).toBe(`${catalog.version} reported`)
    expect(version({ model: 'listed', tokens }, 0, 'counted')).toBe(catalog.version)
  })
})

describe('a meter that is rated by the period', () => {
  const period = { mode: 'package', sparks: '7', per: '100' } as const
  const catalog = defineCatalog({ meters: { call: { rate: period } } })

  it('S1.2 leaves the price to the ledger, which knows the total', () => {
    expect(rate(catalog, 'call', { quantity: 5_000_000n }, today)).toMatchObject({ quantity: 5_000_000n, sparks: 0n })
    expect(rate(catalog, 'call', { tokens: { input: 5 } }, today)).toMatchObject({ quantity: 5_000_000n, sparks: 0n })
  })

  it('S1.2 needs units to count: a cost alone is refused', () => {
    expect(() => rate(catalog, 'call', { costUsd: '1' }, today)).toThrow(
      expect.objectContaining({ code: 'invalid_request' }),
    )
  })
})

it('S1.2 usage is priced as of when it occurred, and a batch by its own tier', async () => {
  const list = [
    { prices: { input: '1' } },
    { from: '2026-01-01', prices: { input: '2' }, batch: '0.5' },
    { from: '2199-01-01', prices: { input: '9' } },
  ]
  const billing = createBilling({
    catalog: defineCatalog({ meters, models: { m: list } }),
    store: memoryStore({ allowVolatile: true }),
  })
  await billing.accounts.ensure({ accountId: 'org_1', email: 'a@example.com' })
  const used = { accountId: 'org_1', meter: 'tokens', model: 'm', tokens: { input: 1_000_000 } } as const
  const before = await billing.recordUsage({ ...used, idempotencyKey: 'a', occurredAt: '2025-12-31T23:59:59.999Z' })
  const after = await billing.recordUsage({ ...used, idempotencyKey: 'b', occurredAt: '2026-01-01T00:00:00Z' })
  const now = await billing.recordUsage({ ...used, idempotencyKey: 'c', serviceTier: 'batch', provider: 'acme' })
  expect([before.costUsd, after.costUsd, now.costUsd]).toEqual(['1', '2', '1'])
  const old = billing.recordUsage({
    ...{ ...used, idempotencyKey: 'd', serviceTier: 'batch', occurredAt: '2025-12-31T00:00:00Z' },
  })
  await expect(old).rejects.toMatchObject({ code: 'model_not_priced' })
  const odd = billing.recordUsage({ ...used, idempotencyKey: 'e', serviceTier: 'flex' as 'batch' })
  await expect(odd).rejects.toMatchObject({ code: 'invalid_request' })
  await billing.close()
})
