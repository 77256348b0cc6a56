import { extractUsage, findProvider, type Provider, type Usage } from '@pydantic/genai-prices'
import type { ServiceTier } from '../core/domain/rating/price-book.js'
import { BillingError } from '../core/errors.js'
import { disjointPools } from './disjoint-pools.js'

/** Whose body it is. */
export interface ReadUsageOptions {
  /** Who answered: `openai`, `anthropic`, `google`, `azure`, `openrouter`, … */
  readonly provider: string
  /** The shape of the body, where a provider has several: `chat`, `responses`, `embeddings`, `anthropic`, … Default: told from the body. */
  readonly flavor?: string
  /** The model, for a body that does not name it. */
  readonly model?: string
}

/** What a response used, as `recordUsage` takes it. */
export interface ReadUsage {
  readonly provider: string
  readonly model: string
  /** Counts by pool; no token is in two of them. Pools of zero are left out; a response that used nothing is `{ input: 0 }`. */
  readonly tokens: Readonly<Record<string, number>>
  readonly serviceTier: ServiceTier
}

/**
 * Reads what a vendor's response says it used. Where the body could be of several shapes, the reading that leaves nothing out is taken;
 * a body that has none such, or counts that contradict each other, is refused: usage is never guessed.
 *
 * @throws BillingError `option_unsupported` for a provider or shape that cannot be read; `provider_response_invalid` for a body without
 * usage or model, counts that are no whole numbers or contradict each other, a service tier that has no price, or a shape that cannot be told
 * @example await billing.recordUsage({ accountId, meter, idempotencyKey, ...readUsage(body, { provider: 'openai' }) })
 */
export function readUsage(body: unknown, options: ReadUsageOptions): ReadUsage {
  const provider = findProvider({ providerId: options.provider })
  if (!provider?.extractors?.length) {
    const message = `Bodies of provider ${JSON.stringify(options.provider)} cannot be read: count the tokens yourself.`
    throw new BillingError('option_unsupported', message, { details: { provider: options.provider } })
  }
  checkWhole(body)
  const reading = fullest(readings(body, provider, options.flavor))
  const model = options.model ?? reading.model
  if (!model) throw refused('names no model: give it as an option')
  return { provider: provider.id, model, tokens: disjointPools(reading.usage), serviceTier: serviceTierOf(body) }
}

interface Reading {
  readonly flavor: string
  readonly model: string | null
  readonly usage: Usage
}

function readings(body: unknown, provider: Provider, flavor: string | undefined): readonly Reading[] {
  const extractors = provider.extractors ?? []
  const known = extractors.map(({ api_flavor }) => api_flavor)
  if (flavor !== undefined && !known.includes(flavor)) {
    const message = `Provider ${provider.id} has no bodies of shape ${JSON.stringify(flavor)}; it has ${known.join(', ')}.`
    throw new BillingError('option_unsupported', message, { details: { provider: provider.id } })
  }
  const found: Reading[] = []
  let cause: unknown
  for (const name of flavor === undefined ? known : [flavor]) {
    try {
      const { model, usage } = extractUsage(provider, body, name)
      found.push({ flavor: name, model, usage })
    } catch (error) {
      cause = error
    }
  }
  if (found.length > 0) return found
  const reason = cause instanceof Error ? cause.message : 'unknown'
  throw refused(`is none of ${flavor ?? known.join(', ')} of ${provider.id} (${reason})`, cause)
}

/** The reading that has at least what each of the others has, of everything. */
function fullest(candidates: readonly Reading[]): Reading {
  const [only, ...others] = candidates
  if (only && others.length === 0) return only
  const covers = (reading: Reading, other: Reading) =>
    Object.entries(other.usage).every(([unit, count]) => (reading.usage[unit] ?? 0) >= (count ?? 0))
  const best = candidates.find((reading) => candidates.every((other) => covers(reading, other)))
  if (best) return best
  throw refused(`could be any of ${candidates.map(({ flavor }) => flavor).join(', ')}: give its flavor`)
}

/** Where vendors say how a request was served: OpenAI at the top, Anthropic and Google beside the counts. */
const tierFields = ['service_tier', 'serviceTier', 'trafficType'] as const

const tierOf: Readonly<Record<string, ServiceTier>> = {
  standard: 'standard',
  default: 'standard',
  on_demand: 'standard',
  batch: 'batch',
  priority: 'priority',
  on_demand_priority: 'priority',
}

function serviceTierOf(body: unknown): ServiceTier {
  const places = [body, fieldOf(body, 'usage'), fieldOf(body, 'usageMetadata'), fieldOf(body, 'response')]
  const words: unknown[] = []
  for (const place of places) {
    for (const field of tierFields) {
      const word = fieldOf(place, field)
      if (word !== undefined && word !== null) words.push(word)
    }
  }
  if (words.length === 0) return 'standard'
  const tiers = new Set(words.map((word) => (typeof word === 'string' ? tierOf[word.toLowerCase()] : undefined)))
  if (tiers.has(undefined)) throw refused(`was served at a tier that has no price: ${JSON.stringify(words)}`)
  tiers.delete('standard')
  const [special, ...others] = [...tiers]
  if (others.length > 0) throw refused(`names several service tiers: ${JSON.stringify(words)}`)
  return special ?? 'standard'
}

/**
 * What the counts of a body do not say: Anthropic leaves other models' tokens out of its totals, and prices by where the model ran;
 * OpenRouter charges for tools by a price of its own, ninety times the tokens in one body of its own.
 */
function checkWhole(body: unknown): void {
  const usage = fieldOf(body, 'usage')
  const places = [usage, fieldOf(body, 'usageMetadata'), fieldOf(fieldOf(body, 'response'), 'usage')]
  const [text] = places.flatMap((place) => textCount(place) ?? [])
  if (text !== undefined) throw refused(`gives ${text} as something other than a number`)
  const iterations = fieldOf(usage, 'iterations')
  const isMessage = (iteration: unknown) => fieldOf(iteration, 'type') === 'message'
  if (Array.isArray(iterations) && !iterations.every(isMessage))
    throw refused('has iterations whose tokens are not in its totals: add them up yourself')
  const place = fieldOf(usage, 'inference_geo')
  if (typeof place === 'string' && place !== 'global' && place !== 'not_available')
    throw refused(`was served in ${JSON.stringify(place)}, which has a price of its own`)
  const tools = { ...countsOf(usage, 'server_tool_use'), ...countsOf(usage, 'server_tool_use_details') }
  const unknown = Object.entries(tools).find(
    ([name, count]) => !harmlessTools.has(name) && count !== 0 && count !== null,
  )
  if (unknown) throw refused(`counts ${unknown[0]}, which has no price`)
}

/** Searches are read; fetching a page costs nothing but its tokens; what was only asked for was not charged. */
const harmlessTools: ReadonlySet<string> = new Set([
  'web_search_requests',
  'web_fetch_requests',
  'tool_calls_requested',
])

function countsOf(usage: unknown, name: string): Record<string, unknown> {
  const counts = fieldOf(usage, name)
  return typeof counts === 'object' && counts !== null ? { ...counts } : {}
}

/** The name of a count that is no number: reading on without it would find less than was used. */
function textCount(usage: unknown): string | undefined {
  if (typeof usage !== 'object' || usage === null) return undefined
  for (const [name, value] of Object.entries(usage)) {
    const isText = typeof value === 'string' || typeof value === 'boolean'
    if (isText && /(tokens|tokencount|_requests)$/i.test(name)) return name
    const inside = textCount(value)
    if (inside !== undefined) return inside
  }
  return undefined
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Record<string, unknown>)[name]
    : undefined
}

function refused(problem: string, cause?: unknown): BillingError {
  const message = `The response ${problem}.`
  return new BillingError('provider_response_invalid', message, cause === undefined ? {} : { cause })
}
