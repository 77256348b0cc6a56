import { BillingError, type CatalogConfig, defineCatalog, type PriceBook } from 'billfold'
import { describe, expect, it } from 'vitest'
import { decimal } from '../../src/core/domain/decimal.js'

const tiers = (...list: object[]) => ({ meters: { m: { rate: { mode: 'graduated', tiers: list } } } })
const rate = (value: object) => ({ meters: { m: { rate: value } } })
const open = { upTo: null, sparks: '1' }
const model = (price: unknown) => ({ models: { 'gpt-5': price } })
const discount = (change: object) => ({ sparks: { discount: { above: '10000', percent: '5', ...change } } })
const book: PriceBook = { version: 'list@1', currency: 'USD', find: () => undefined }

/** What is wrong, the configuration, and the place that must be named. */
const bad: readonly (readonly [what: string, config: unknown, path: string])[] = [
  ['a flat rate without a price', rate({ mode: 'flat' }), 'meters.m.rate.sparks'],
  ['a flat rate of nothing', rate({ mode: 'flat', sparks: '0' }), 'meters.m.rate.sparks'],
  ['a minimum of nothing', rate({ mode: 'by_cost', minimum: '0' }), 'meters.m.rate.minimum'],
  ['a minimum for a period', rate({ mode: 'package', sparks: '1', per: '10', minimum: '1' }), 'meters.m.rate'],
  ['packages of nothing', rate({ mode: 'package', sparks: '1', per: '0' }), 'meters.m.rate.per'],
  ['no tier', tiers(), 'meters.m.rate.tiers'],
  ['tiers that fall', tiers({ ...open, upTo: '10' }, { ...open, upTo: '5' }, open), 'meters.m.rate.tiers.1.upTo'],
  ['tiers that repeat', tiers({ ...open, upTo: '10' }, { ...open, upTo: '10.0' }, open), 'meters.m.rate.tiers.1.upTo'],
  ['a tier of nothing', tiers({ ...open, upTo: '0' }, open), 'meters.m.rate.tiers.0.upTo'],
  ['a last tier with an end', tiers({ ...open, upTo: '10' }), 'meters.m.rate.tiers.0.upTo'],
  ['an open tier before the last', tiers(open, open), 'meters.m.rate.tiers.0.upTo'],
  ['a tier of seven decimals', tiers({ ...open, upTo: '0.0000001' }, open), 'meters.m.rate.tiers.0.upTo'],
  ['a tier per nothing', tiers({ ...open, per: '0' }), 'meters.m.rate.tiers.0.per'],
  ['a tier below zero', tiers({ ...open, sparks: '-1' }), 'meters.m.rate.tiers.0.sparks'],
  ['a fee below zero', tiers({ ...open, flat: '-1' }), 'meters.m.rate.tiers.0.flat'],
  ['a number for a tier', tiers({ ...open, sparks: 1 }), 'meters.m.rate.tiers.0.sparks'],
  ['a discount above 100 %', discount({ percent: '100.01' }), 'sparks.discount.percent'],
  ['a discount of nothing', discount({ percent: '0' }), 'sparks.discount.percent'],
  ['a discount above less than nothing', discount({ above: '-1' }), 'sparks.discount.above'],
  ['a discount in no order', discount({ order: 'after' }), 'sparks.discount.order'],
  ['a model that is a number', model(1), 'models.gpt-5'],
  ['a model without prices', model([]), 'models.gpt-5'],
  ['a model whose price is a number', model({ prices: { input: 1 } }), 'models.gpt-5.prices.input'],
  ['a pool with a space', model({ 'in put': '1' }), 'models.gpt-5.in put'],
  ['a pool named __proto__', model(JSON.parse('{"__proto__":"1"}')), 'models.gpt-5'],
  ['a model’s field it does not know', model({ prices: { input: '1' }, form: '2026-01-01' }), 'models.gpt-5'],
  ['no context price', model({ input: [] }), 'models.gpt-5.input'],
  ['context prices without end', model({ input: [{ upTo: '200000', price: '1' }] }), 'models.gpt-5.input.0.upTo'],
  [
    'context prices of half a token',
    model({
      input: [
        { upTo: '0.5', price: '1' },
        { upTo: null, price: '1' },
      ],
    }),
    'models.gpt-5.input.0.upTo',
  ],
  ['a day that is none', model({ from: '2026-02-30', prices: {} }), 'models.gpt-5.from'],
  ['a time without a zone', model({ from: '2026-02-03T10:00:00', prices: {} }), 'models.gpt-5.from'],
  ['two prices from one day', model([{ prices: {} }, { prices: {} }]), 'models.gpt-5.1'],
  ['a price of 13 decimals', model({ input: '0.0000000000001' }), 'models.gpt-5.input'],
  ['a batch of 7 decimals', model({ prices: {}, batch: '0.0000001' }), 'models.gpt-5.batch'],
  ['a batch at no price', model({ prices: {}, batch: '0' }), 'models.gpt-5.batch'],
  ['a batch whose price is below zero', model({ prices: {}, batch: { input: '-1' } }), 'models.gpt-5.batch.input'],
  ['a model with a space', { models: { 'gpt 5': { input: '1' } } }, 'models.gpt 5'],
  ['prices that are no book', { prices: { version: 'x' } }, 'prices'],
  ['prices in another currency', { currency: 'EUR', prices: book }, 'prices'],
]

describe('a catalog', () => {
  for (const [what, config, path] of bad) {
    it(`S3.11 with ${what} is refused at start-up, by its place`, () => {
      let error: unknown
      try {
        defineCatalog(config as CatalogConfig)
      } catch (thrown) {
        error = thrown
      }
      if (!BillingError.is(error)) throw new Error('expected config_invalid', { cause: error })
      expect(error.code, error.message).toBe('config_invalid')
      expect(String(error.details.path)).toContain(path)
    })
  }

  it('S1.2 reads every mode of rate', () => {
    const catalog = defineCatalog({
      meters: {
        image: { rate: { mode: 'flat', sparks: '5', minimum: '6' } },
        call: { rate: { mode: 'package', sparks: '7', per: '100' } },
        gigabyte: {
          rate: {
            mode: 'volume',
            tiers: [
              { upTo: '10', sparks: '2' },
              { upTo: null, sparks: '1', flat: '3' },
            ],
          },
        },
      },
    })
    expect(catalog.meters.get('image')?.rate).toEqual({ mode: 'flat', sparks: decimal('5'), minimum: decimal('6') })
    expect(catalog.meters.get('call')?.rate).toEqual({ mode: 'package', sparks: decimal('7'), per: decimal('100') })
    expect(catalog.meters.get('gigabyte')?.rate).toEqual({
      mode: 'volume',
      tiers: [
        { upTo: 10_000_000n, sparks: decimal('2'), per: decimal('1'), flat: decimal('0') },
        { upTo: null, sparks: decimal('1'), per: decimal('1'), flat: decimal('3') },
      ],
    })
  })

  it('S3.11 changes its version with a rate, a discount, a model’s price and the version of its price book', () => {
    const versions = [
      {},
      rate({ mode: 'flat', sparks: '5' }),
      rate({ mode: 'flat', sparks: '6' }),
      discount({}),
      discount({ order: 'after_margin' }),
      model({ input: '1' }),
      model({ input: '2' }),
      model({ prices: { input: '2' }, batch: '0.5' }),
      { prices: book },
      { prices: { ...book, version: 'list@2' } },
    ].map((config) => defineCatalog(config as CatalogConfig).version)
    expect(new Set(versions).size).toBe(versions.length)
    expect(defineCatalog({ prices: book }).version).toBe(defineCatalog({ prices: { ...book } }).version)
  })
})
