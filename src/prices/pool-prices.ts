import type { ModelPrice } from '@pydantic/genai-prices'
import { type Decimal, multiplyDecimal, normalize, parseDecimal } from '../core/domain/decimal.js'
import type { ContextPrice, PoolPrices } from '../core/domain/rating/price-book.js'
import { priceDigits } from '../core/domain/rating/token-pool.js'

/**
 * Where the price of each pool stands in the list, the first that is there. The later ones are those of the pool it is part of, which
 * the vendors' lists mean where they name no other: cached input without a discount, reasoning charged as output, pictures charged as
 * the words beside them. Not so for audio, for what a model generates besides text, and for an hour's cache, which cost several times
 * as much: there a missing price is a gap in the list, and such usage is refused.
 */
const places: Readonly<Record<string, readonly string[]>> = {
  input: ['input_mtok'],
  input_audio: ['input_audio_mtok'],
  input_image: ['input_image_mtok', 'input_mtok'],
  input_video: ['input_video_mtok', 'input_mtok'],
  cache_read: ['cache_read_mtok', 'input_mtok'],
  cache_audio_read: ['cache_audio_read_mtok', 'input_audio_mtok'],
  cache_image_read: ['cache_image_read_mtok', 'input_image_mtok', 'cache_read_mtok', 'input_mtok'],
  cache_video_read: ['cache_video_read_mtok', 'input_video_mtok', 'cache_read_mtok', 'input_mtok'],
  cache_write: ['cache_write_mtok', 'input_mtok'],
  cache_write_5m: ['cache_write_5m_mtok', 'cache_write_mtok', 'input_mtok'],
  cache_write_1h: ['cache_write_1h_mtok'],
  output: ['output_mtok'],
  reasoning: ['output_reasoning_mtok', 'output_mtok'],
  citation: ['output_citation_mtok', 'output_mtok'],
  output_audio: ['output_audio_mtok'],
  output_image: ['output_image_mtok'],
  output_video: ['output_video_mtok'],
  requests: ['requests_kcount'],
  web_searches: ['web_searches_kcount'],
  storage_searches: ['storage_searches_kcount'],
  social_searches: ['social_searches_kcount'],
  rerank_searches: ['rerank_searches_kcount'],
  code_executions: ['code_executions_kcount'],
  text_messages: ['input_text_messages_kcount'],
  document_pages: ['input_document_kpages'],
  annotated_document_pages: ['input_annotated_document_kpages'],
}

/** Google's list names audio only where it costs something else than text (ai.google.dev/gemini-api/docs/pricing). */
const audioOfGoogle: Readonly<Record<string, readonly string[]>> = {
  input_audio: ['input_audio_mtok', 'input_mtok'],
  cache_audio_read: ['cache_audio_read_mtok', 'input_audio_mtok', 'cache_read_mtok', 'input_mtok'],
}

/** Prices per hour of audio: a second's is not always a decimal, and no pool counts seconds. */
const unpriced: ReadonlySet<string> = new Set(['audio_hours', 'input_audio_hours', 'output_audio_hours'])
const priced: ReadonlySet<string> = new Set(Object.values(places).flat())

/**
 * One entry of the list as exact prices by pool. `undefined` when it has a price of a kind that is not known here: which part of the
 * usage that price is for cannot be told, so the model has none.
 */
export function poolPrices(prices: ModelPrice, provider: string): PoolPrices | undefined {
  const keys = Object.keys(prices).filter((key) => prices[key] !== undefined)
  if (keys.some((key) => !priced.has(key) && !unpriced.has(key))) return undefined
  const table = provider === 'google' ? { ...places, ...audioOfGoogle } : places
  const found = Object.entries(table).flatMap(([pool, candidates]): [string, readonly ContextPrice[]][] => {
    const key = candidates.find((candidate) => prices[candidate] !== undefined)
    const price = key === undefined ? undefined : prices[key]
    const list = price === undefined ? undefined : contextPrices(price, priceDigits(pool))
    return list ? [[pool, list]] : []
  })
  return new Map(found)
}

/** A number, or one to begin with and others that hold above a number of input tokens. */
function contextPrices(price: NonNullable<ModelPrice[string]>, digits: number): readonly ContextPrice[] | undefined {
  const base = typeof price === 'number' ? price : price.base
  const tiers = typeof price === 'number' ? [] : [...price.tiers].sort((left, right) => left.start - right.start)
  const steps = [{ price: base }, ...tiers]
  const list = steps.flatMap((step, index): ContextPrice[] => {
    const exact = exactRate(step.price)
    const next = tiers[index]
    const upTo = next === undefined ? null : BigInt(next.start)
    return exact ? [{ upTo, price: multiplyDecimal(exact, normalize(1n, digits)) }] : []
  })
  return list.length === steps.length ? list : undefined
}

/**
 * The decimal that a rate was written as: the shortest text that reads as the same number, which is what `String` writes. Only its
 * exponent, below 0.000001, has to be written out.
 */
export function exactRate(rate: number): Decimal | undefined {
  const [digits = '', exponent] = String(rate).split('e-')
  const value = digits.startsWith('-') ? undefined : parseDecimal(digits)
  if (!value || exponent === undefined) return value
  return normalize(value.coefficient, value.scale + Number(exponent))
}
