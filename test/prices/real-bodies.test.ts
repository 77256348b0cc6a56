import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { calcPrice, extractUsage, findProvider, type Usage } from '@pydantic/genai-prices'
import { BillingError, defineCatalog } from 'billfold'
import { genaiPrices, readUsage } from 'billfold/prices'
import { expect, it } from 'vitest'
import { rate } from '../../src/core/operations/rate.js'

/** A vendor's body, and what a price library reads from it and charges for it, by provider and shape. */
interface Body {
  readonly id: number
  readonly body: Record<string, unknown>
  readonly expected: readonly {
    readonly usage: Readonly<Record<string, number>>
    readonly prices: readonly {
      readonly provider_id: string
      readonly api_flavor: string
      readonly input_price: string
      readonly output_price: string
      readonly total_price?: string
    }[]
  }[]
}

/** From the furthest from the file to the nearest: the package now reads more from the body, has another rate, or neither. */
const priced: readonly string[] = ['read anew', 'current rates', 'equal']
/** The day the prices in the file are of. */
const at = Date.parse('2026-08-21T12:00:00Z')
const catalog = defineCatalog({ meters: { tokens: { rate: { mode: 'by_cost' } } }, prices: genaiPrices() })

it('S1.2 prices 649 real bodies exactly as they were priced, or at the rates since, or says why not', (context) => {
  const folder = process.env.DATA_DIR
  if (folder === undefined) return context.skip('DATA_DIR names no folder with llm-usages.json')
  const bodies = JSON.parse(readFileSync(join(folder, 'llm-usages.json'), 'utf8')) as readonly Body[]
  const readings: Record<string, number> = {}
  const counts: Record<string, number> = {}
  const refusals: Record<string, number> = {}
  for (const { id, body, expected } of bodies) {
    const found = expected.flatMap(({ usage, prices }) =>
      prices.map((price) => {
        const verdict = verdictOf(body, usage, price, `body ${id}, ${price.provider_id}/${price.api_flavor}`)
        readings[verdict] = (readings[verdict] ?? 0) + 1
        return verdict
      }),
    )
    const refused = found.filter((verdict) => !priced.includes(verdict))
    const verdict = refused.length > 0 ? 'refused' : (priced.find((word) => found.includes(word)) ?? 'equal')
    counts[verdict] = (counts[verdict] ?? 0) + 1
    const [reason] = refused
    if (reason !== undefined) refusals[reason] = (refusals[reason] ?? 0) + 1
  }
  console.log('bodies', counts, refusals, '\nreadings', readings)
  expect(counts).toEqual({ equal: 607, 'current rates': 32, 'read anew': 2, refused: 8 })
  expect(refusals).toEqual({
    // The body's totals leave out tokens of other models; the list has no price for the tier it was served at.
    'provider_response_invalid: The response has iterations whose tokens are not in its totals: add them up yourself.': 3,
    'provider_response_invalid: The response was served at a tier that has no price: […].': 1,
    // OpenRouter says in this body that it charged 0.0160614, of which the tokens are 0.0001764.
    'provider_response_invalid: The response counts tool_calls_executed, which has no price.': 1,
    // The list knows the models qwen-3-coder-480b and gpt-4o-audio-preview, but not what these tokens cost.
    'model_not_priced: Model … has no price for input. No token is in two pools: see docs/rating.md.': 2,
    'model_not_priced: Model … has no price for input_audio. No token is in two pools: see docs/rating.md.': 1,
  })
})

function verdictOf(
  body: Body['body'],
  expectedUsage: Readonly<Record<string, number>>,
  expected: Body['expected'][number]['prices'][number],
  name: string,
): string {
  const { provider_id: provider, api_flavor: flavor } = expected
  let cost: string
  let tokens: Usage
  try {
    const used = readUsage(body, { provider, flavor })
    tokens = inclusive(used.tokens)
    const { serviceTier } = used
    expect(serviceTier, name).toBe('standard')
    cost = rate(catalog, 'tokens', used, at).costUsd ?? 'none'
  } catch (error) {
    if (!BillingError.is(error)) throw error
    return `${error.code}: ${error.message.replaceAll(/"[^"]*"/g, '…')}`
  }
  const model = String(body.model ?? body.modelVersion)
  const extracted = extractUsage(findProvider({ providerId: provider })!, body, flavor).usage
  expect(tokens, name).toEqual(known(extracted))
  const listed = calcPrice(extracted, model, { providerId: provider, timestamp: new Date(at) })
  const current = listed ? exactTotal(extracted, listed.model_price) : undefined
  // The package's own total is in floats: close to ours, or the oracle reads its data otherwise than it does itself.
  expect(Math.abs(Number(current) / Number(nano) ** 2 - (listed?.total_price ?? Number.NaN)), name).toBeLessThan(1e-12)
  expect(scaled(cost), name).toBe(current)
  const asPriced = scaled(expected.total_price ?? '0') || scaled(expected.input_price) + scaled(expected.output_price)
  if (scaled(cost) === asPriced) return 'equal'
  return JSON.stringify(tokens) === JSON.stringify(known(expectedUsage)) ? 'current rates' : 'read anew'
}

const nano = 10n ** 12n

/** Decimal text, with an exponent or without, in units of 10⁻²⁴. */
function scaled(text: string): bigint {
  const [digits = '', exponent = '0'] = text.toLowerCase().split('e')
  const [whole = '', fraction = ''] = digits.split('.')
  const places = 24 - fraction.length + Number(exponent)
  if (places < 0) throw new RangeError(text)
  return BigInt(whole + fraction) * 10n ** BigInt(places)
}

/** What a unit's price key is about. A price holds for what is in its unit and in no narrower one that has a price. */
const units: Readonly<Record<string, readonly [unit: string, per: bigint, ...facets: string[]]>> = {
  input_mtok: ['input_tokens', 1_000_000n, 'in'],
  cache_read_mtok: ['cache_read_tokens', 1_000_000n, 'in', 'read'],
  cache_write_mtok: ['cache_write_tokens', 1_000_000n, 'in', 'write'],
  cache_write_1h_mtok: ['cache_write_1h_tokens', 1_000_000n, 'in', 'write', '1h'],
  input_audio_mtok: ['input_audio_tokens', 1_000_000n, 'in', 'audio'],
  input_image_mtok: ['input_image_tokens', 1_000_000n, 'in', 'image'],
  input_video_mtok: ['input_video_tokens', 1_000_000n, 'in', 'video'],
  cache_audio_read_mtok: ['cache_audio_read_tokens', 1_000_000n, 'in', 'read', 'audio'],
  cache_image_read_mtok: ['cache_image_read_tokens', 1_000_000n, 'in', 'read', 'image'],
  output_mtok: ['output_tokens', 1_000_000n, 'out'],
  output_audio_mtok: ['output_audio_tokens', 1_000_000n, 'out', 'audio'],
  output_image_mtok: ['output_image_tokens', 1_000_000n, 'out', 'image'],
  output_video_mtok: ['output_video_tokens', 1_000_000n, 'out', 'video'],
  web_searches_kcount: ['web_searches', 1_000n, 'web'],
  storage_searches_kcount: ['storage_searches', 1_000n, 'storage'],
}

/** The package's rule on its raw rates, in integers: written apart from the code it checks, from counts the file gives. */
function exactTotal(usage: Usage, prices: Readonly<Record<string, unknown>>): bigint {
  const keys = Object.keys(prices).filter((key) => prices[key] !== undefined)
  const facetsOf = (key: string) => {
    const unit = units[key]
    if (!unit) throw new RangeError(key)
    return unit.slice(2) as string[]
  }
  const isInside = (inner: string, outer: string) =>
    inner !== outer && facetsOf(outer).every((facet) => facetsOf(inner).includes(facet))
  const alone = (key: string): bigint =>
    keys
      .filter((inner) => isInside(inner, key))
      .reduce((rest, inner) => rest - alone(inner), BigInt(usage[units[key]?.[0] ?? ''] ?? 0))
  return keys.reduce((total, key) => {
    const price = prices[key] as number | { base: number; tiers: { start: number; price: number }[] }
    const reached =
      typeof price === 'number' ? [] : price.tiers.filter(({ start }) => (usage.input_tokens ?? 0) > start)
    const highest = reached.sort((left, right) => left.start - right.start).at(-1)
    const rateText = String(highest?.price ?? (typeof price === 'number' ? price : price.base))
    return total + (alone(key) * scaled(rateText)) / (units[key]?.[1] ?? 1n)
  }, 0n)
}

/** Counts as vendors give them, parts inside the whole, from pools that do not overlap. */
function inclusive(tokens: Readonly<Record<string, number>>): Readonly<Record<string, number>> {
  const sum = (pattern: RegExp) =>
    Object.entries(tokens).reduce((total, [pool, count]) => (pattern.test(pool) ? total + count : total), 0)
  return known({
    input_tokens: sum(/^(input|cache)/),
    cache_read_tokens: sum(/^cache.*_read$|^cache_read$/),
    cache_write_tokens: sum(/^cache_write/),
    cache_write_5m_tokens: sum(/^cache_write_5m$/),
    cache_write_1h_tokens: sum(/^cache_write_1h$/),
    output_tokens: sum(/^(output|reasoning|citation)/),
    output_reasoning_tokens: sum(/^reasoning$/),
    web_searches: sum(/^web_searches$/),
    ...Object.fromEntries(
      ['audio', 'image', 'video'].flatMap((kind) => [
        [`input_${kind}_tokens`, sum(new RegExp(`^(input_${kind}|cache_${kind}_read)$`))],
        [`cache_${kind}_read_tokens`, sum(new RegExp(`^cache_${kind}_read$`))],
        [`output_${kind}_tokens`, sum(new RegExp(`^output_${kind}$`))],
      ]),
    ),
  })
}

/** Text is what is left of the whole, and what went through tools is in it too: neither is a pool. */
function known(usage: Usage): Readonly<Record<string, number>> {
  const counts = Object.entries(usage).filter(([unit, count]) => (count ?? 0) > 0 && !/text|tool/.test(unit))
  return Object.fromEntries(counts.sort(([left], [right]) => (left < right ? -1 : 1))) as Record<string, number>
}
