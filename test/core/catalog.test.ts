import { BillingError, type CatalogConfig, defineCatalog } from 'billfold'
import { describe, expect, it } from 'vitest'
import { revoked } from './operations/bad-values.js'

const rate = { mode: 'per_unit', sparks: '100', per: '1000' } as const
const plan = (terms: object) => ({ plans: { free: { meters: { ai_tokens: terms } } } })
const model = (price: unknown) => ({ models: { 'gpt-5': { input: price } } })
const offer = (change: object) => ({ packages: { starter: { price: '20', sparks: '500000', ...change } } })
const own = (text: string) => JSON.parse(text)

const decimals: readonly (readonly [what: string, value: unknown])[] = [
  ['negative', '-1'],
  ['minus zero', '-0'],
  ['a number', 1],
  ['a bigint', 1n],
  ['exponent notation', '1e3'],
  ['a separator', '1,000'],
  ['spaces', ' 1 '],
  ['empty', ''],
  ['null', null],
  ['not a number', Number.NaN],
  ['infinite', 'Infinity'],
  ['hexadecimal', '0x10'],
  ['digits of another script', '\u0663'],
  ['an array', ['1']],
  ['an object that reads as a number', { toString: () => '1' }],
]
const positives = [...decimals, ['zero', '0'] as const, ['0.000', '0.000'] as const]

/** What is wrong, the configuration, and the place that must be named. */
const bad: readonly (readonly [what: string, config: unknown, path: string])[] = [
  ...positives.map(
    ([what, value]) => [`a Spark’s price that is ${what}`, { sparks: { price: value } }, 'sparks.price'] as const,
  ),
  ...positives.map(
    ([what, value]) => [`a margin that is ${what}`, { sparks: { margin: value } }, 'sparks.margin'] as const,
  ),
  ...positives.map(
    ([what, value]) =>
      [`a rate that is ${what}`, { meters: { m: { rate: { ...rate, sparks: value } } } }, 'meters.m.rate'] as const,
  ),
  ...positives.map(
    ([what, value]) =>
      [`a rate per ${what}`, { meters: { m: { rate: { ...rate, per: value } } } }, 'meters.m.rate'] as const,
  ),
  ...decimals.map(([what, value]) => [`a model’s price that is ${what}`, model(value), 'models.gpt-5.input'] as const),
  ...decimals
    .filter(([what]) => what !== 'null')
    .map(
      ([what, value]) =>
        [`a limit that is ${what}`, plan({ limit: value }), 'plans.free.meters.ai_tokens.limit'] as const,
    ),
  ...decimals.map(
    ([what, value]) =>
      [`an allowance that is ${what}`, plan({ included: value }), 'plans.free.meters.ai_tokens.included'] as const,
  ),
  ['a limit of seven decimals', plan({ limit: '0.0000001' }), 'plans.free.meters.ai_tokens.limit'],
  ['a limit beyond what is stored', plan({ limit: '9223372036854.775808' }), 'plans.free.meters.ai_tokens.limit'],
  ['terms of an unknown meter', { plans: { free: { meters: { nope: {} } } } }, 'plans.free.meters.nope'],
  ...positives.map(
    ([what, value]) =>
      [`a package’s price that is ${what}`, offer({ price: value }), 'packages.starter.price'] as const,
  ),
  ...positives.map(
    ([what, value]) =>
      [`a package of Sparks that are ${what}`, offer({ sparks: value }), 'packages.starter.sparks'] as const,
  ),
  ['a package’s price of a tenth of a cent', offer({ price: '1.005' }), 'packages.starter.price'],
  ['a package’s price beyond what is stored', offer({ price: '9223372036.86' }), 'packages.starter.price'],
  ['a package of seven decimals', offer({ sparks: '0.0000001' }), 'packages.starter.sparks'],
  ['a package beyond what is stored', offer({ sparks: '9223372036854.775808' }), 'packages.starter.sparks'],
  [
    'a plan’s price with cents in yen',
    { currency: 'JPY', plans: { pro: { price: { amount: '80.00' } } } },
    'plans.pro.price.amount',
  ],
  [
    'a plan’s price every week',
    { plans: { pro: { price: { amount: '80', interval: 'week' } } } },
    'plans.pro.price.interval',
  ],
  ['an unknown currency', { currency: 'XXX' }, 'currency'],
  ['a currency that is a number', { currency: 840 }, 'currency'],
  ['a default plan that is none', { defaultPlan: 'gold' }, 'defaultPlan'],
  ['a default plan named constructor', { defaultPlan: 'constructor' }, 'defaultPlan'],
  ['no plan at all', { plans: {} }, 'defaultPlan'],
  ['a meter named __proto__', { meters: own(`{"__proto__":{"rate":${JSON.stringify(rate)}}}`) }, 'meters'],
  ['a meter named constructor', { meters: { constructor: { rate } } }, 'meters'],
  ['a meter with a space', { meters: { 'ai tokens': { rate } } }, 'meters.ai tokens'],
  ['a meter with no name', { meters: { '': { rate } } }, 'meters'],
  ['a meter with a name of 61 characters', { meters: { ['m'.repeat(61)]: { rate } } }, 'meters'],
  ['a meter without a rate', { meters: { m: {} } }, 'meters.m.rate'],
  ['a meter with another mode', { meters: { m: { rate: { ...rate, mode: 'free' } } } }, 'meters.m.rate'],
  ['a meter of seven decimals', { meters: { m: { decimals: 7, rate } } }, 'meters.m.decimals'],
  ['a meter that is near at 100 %', { meters: { m: { nearPercent: 100, rate } } }, 'meters.m.nearPercent'],
  ['a plan named __proto__', { plans: own('{"__proto__":{}}') }, 'plans'],
  ['a package named __proto__', { packages: own('{"__proto__":{"price":"1","sparks":"1"}}') }, 'packages'],
  ['a model named __proto__', { models: own('{"__proto__":{"input":"1"}}') }, 'models'],
  ['a field it does not know', { plan: {} }, ''],
  ['a field of a plan it does not know', { plans: { free: { prize: '20' } } }, 'plans.free'],
  ['the field __proto__', own('{"__proto__":{"currency":"EUR"}}'), ''],
  ['undefined', undefined, ''],
  ['null', null, ''],
  ['an array', [], ''],
  ['text', '{}', ''],
  [
    'a getter that throws',
    {
      get currency() {
        throw new TypeError('a getter threw')
      },
    },
    '',
  ],
  ['a field that was revoked', { currency: revoked() }, ''],
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

  it('S1.2 may be empty: the default rates, one free plan', () => {
    const catalog = defineCatalog({})
    expect([...catalog.meters.keys()]).toEqual(['ai_tokens', 'compute_minutes', 'storage_gb_months'])
    expect(catalog).toMatchObject({ currency: 'USD', defaultPlan: 'free' })
  })

  it('S1.2 takes the most that can be stored, currencies in small letters, and names of objects that are no traps', () => {
    const catalog = defineCatalog({
      currency: 'jpy',
      plans: { toString: { meters: { ai_tokens: { limit: '9223372036854.775807', included: 'unlimited' } } } },
      packages: { valueOf: { price: '9223372036', sparks: '9223372036854.775807' } },
    })
    expect(catalog.currency).toBe('JPY')
    expect(catalog.packages.get('valueOf')).toMatchObject({ sparks: 2n ** 63n - 1n })
    expect(catalog.plans.get('hasOwnProperty')).toBeUndefined()
  })

  it('S3.11 is what it was when it was defined', () => {
    const config = { packages: { starter: { price: '20', sparks: '500000' } } }
    const catalog = defineCatalog(config)
    config.packages.starter.sparks = '1'
    expect(catalog.packages.get('starter')).toMatchObject({ sparks: 500_000_000_000n })
  })
})
