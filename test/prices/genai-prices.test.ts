import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { PriceQuery } from 'billfold'
import { genaiPrices } from 'billfold/prices'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatDecimal } from '../../src/core/domain/decimal.js'
import type { ServiceTier } from '../../src/core/domain/rating/price-book.js'
import { exactRate, poolPrices } from '../../src/prices/pool-prices.js'

const book = genaiPrices({ batch: '0.5', priority: '1.75' })
const at = (text: string) => Date.parse(text)

/** Prices of one token or call of each pool, as text. */
function pricesOf(query: Partial<PriceQuery> & { readonly model: string }, tier: ServiceTier = 'standard') {
  const pools = book.find({ at: at('2026-11-21T12:00:00Z'), ...query })?.[tier]
  return pools && Object.fromEntries([...pools].map(([pool, list]) => [pool, list.map(shown).join(' ')]))
}
const shown = ({
  upTo,
  price,
}: {
  readonly upTo: bigint | null
  readonly price: Parameters<typeof formatDecimal>[0]
}) => (upTo === null ? formatDecimal(price) : `${formatDecimal(price)}≤${upTo}`)

describe('genaiPrices', () => {
  it('S1.2 is named by the version of its data and by what was added to it', () => {
    const installed = readFileSync(join(process.cwd(), 'node_modules/@pydantic/genai-prices/package.json'), 'utf8')
    const { version } = JSON.parse(installed) as { version: string }
    expect(genaiPrices().version).toBe(`genai-prices@${version}`)
    expect(book.version).toBe(`genai-prices@${version};batch=0.5;priority=1.75`)
  })

  it('S1.2 gives exact prices of one token or call', () => {
    expect(pricesOf({ model: 'gpt-5', provider: 'openai' })).toMatchObject({
      input: '0.00000125',
      cache_read: '0.000000125',
      output: '0.00001',
      reasoning: '0.00001',
      web_searches: '0.01',
    })
    expect(pricesOf({ model: 'claude-sonnet-4-5', provider: 'anthropic' })).toMatchObject({
      cache_write_5m: expect.stringContaining('0.00000375'),
      cache_write_1h: expect.stringContaining('0.000006'),
    })
  })

  it('S1.2 keeps prices by context length', () => {
    expect(pricesOf({ model: 'gemini-2.5-pro', provider: 'google' })).toMatchObject({
      input: '0.00000125≤200000 0.0000025',
      cache_read: '0.000000125≤200000 0.00000025',
      output: '0.00001≤200000 0.000015',
    })
  })

  it('S1.2 keeps prices of the past, from their first second', () => {
    const output = (moment: string) => pricesOf({ model: 'o3', provider: 'openai', at: at(moment) })?.output
    expect(output('2025-05-01T00:00:00Z')).toBe('0.00004')
    expect(output('2026-11-21T00:00:00Z')).toBe('0.000008')
    const flash = (moment: string) => pricesOf({ model: 'gemini-3.8-flash', provider: 'google', at: at(moment) })?.input
    expect([flash('2026-12-31T23:59:59.999Z'), flash('2027-01-01T00:00:00Z')]).toEqual(['0.00000075', '0.0000015'])
  })

  it('S1.2 keeps prices by the hour of the day', () => {
    const input = (time: string) => pricesOf({ model: 'deepseek-v4-pro', provider: 'deepseek', at: at(time) })?.input
    expect([input('2026-11-21T00:59:59Z'), input('2026-11-21T01:00:00Z')]).toEqual(['0.00000066', '0.00000132'])
  })

  it('S1.2 tells providers of one model apart, and refuses those it does not know', () => {
    const model = 'claude-sonnet-4-5'
    expect(pricesOf({ model, provider: 'aws' })?.input).not.toBe(pricesOf({ model, provider: 'anthropic' })?.input)
    expect(pricesOf({ model, provider: 'azure' })?.input).toBe(pricesOf({ model, provider: 'anthropic' })?.input)
    expect(pricesOf({ model })?.input).toBe(pricesOf({ model, provider: 'anthropic' })?.input)
    expect(pricesOf({ model, provider: 'nobody' })).toBeUndefined()
    expect(pricesOf({ model: 'no-such-model', provider: 'openai' })).toBeUndefined()
    expect(pricesOf({ model: 'no-such-model' })).toBeUndefined()
  })

  it('S1.2 takes other service tiers from its options alone: tokens at a multiple, calls as they are', () => {
    const query = { model: 'gpt-5', provider: 'openai', at: at('2026-11-21T12:00:00Z') }
    expect(pricesOf(query, 'batch')).toMatchObject({ input: '0.000000625', output: '0.000005', web_searches: '0.01' })
    expect(pricesOf(query, 'priority')).toMatchObject({ input: '0.0000021875', web_searches: '0.01' })
    expect(genaiPrices().find(query)?.batch).toBeUndefined()
    for (const batch of ['0', '-1', '1e1', '', 1 as unknown as string])
      expect(() => genaiPrices({ batch })).toThrow(expect.objectContaining({ code: 'config_invalid' }))
  })

  it('S1.2 answers alike when asked again, however many other models were asked about', () => {
    const before = pricesOf({ model: 'gpt-5', provider: 'openai' })
    for (let index = 0; index < 1100; index += 1) book.find({ model: `no-such-model-${index}`, at: 0 })
    expect(pricesOf({ model: 'gpt-5', provider: 'openai' })).toEqual(before)
  })
})

describe('a rate', () => {
  it('S1.2 becomes the decimal it was written as, exponent or not', () => {
    const cases = [0.1, 0.003625, 18.75, 1e-7, 1.25e-9, 0, 75, 1e21, -1, Number.NaN, Infinity]
    const texts = cases.map((value) => {
      const exact = exactRate(value)
      return exact && formatDecimal(exact)
    })
    const refused = [undefined, undefined, undefined, undefined]
    expect(texts).toEqual(['0.1', '0.003625', '18.75', '0.0000001', '0.00000000125', '0', '75', ...refused])
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1e15, noNaN: true }), (value) => {
        const exact = exactRate(value)
        if (exact) expect(Number(formatDecimal(exact))).toBe(value === 0 ? 0 : value)
      }),
    )
  })
})

describe('a pool without a price of its own', () => {
  const pools = (prices: Record<string, number>, provider = 'openai') => [
    ...(poolPrices(prices, provider)?.keys() ?? []),
  ]

  it('S1.2 has that of the pool it is part of where lists mean it so, and none where it costs something else', () => {
    const found = pools({ input_mtok: 1, output_mtok: 4 })
    expect(found).toEqual(expect.arrayContaining(['input', 'cache_read', 'cache_write', 'cache_write_5m', 'reasoning']))
    for (const pool of [
      'input_audio',
      'cache_audio_read',
      'output_audio',
      'output_image',
      'cache_write_1h',
      'requests',
    ])
      expect(found).not.toContain(pool)
    expect(pools({ input_mtok: 1 })).not.toContain('output')
    expect(pools({})).toEqual([])
  })

  it('S1.2 of audio has that of text in the list of Google, which names it only where it differs', () => {
    expect(pools({ input_mtok: 1, output_mtok: 4 }, 'google')).toContain('input_audio')
    expect(pools({ input_mtok: 1, output_mtok: 4 }, 'google')).not.toContain('output_audio')
  })

  it('S1.2 is not guessed when the list has a price of a kind that is not known here', () => {
    expect(poolPrices({ input_mtok: 1, output_mtok: 4, input_smell_mtok: 9 }, 'openai')).toBeUndefined()
    expect(pools({ audio_hours: 0.36 })).toEqual([])
  })
})
