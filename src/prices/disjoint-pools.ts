import type { Usage } from '@pydantic/genai-prices'
import { BillingError } from '../core/errors.js'

/**
 * Counts by pool, no token in two of them, from counts where parts are inside their whole: cached and audio tokens inside the input,
 * reasoning inside the output. Text is what is left, so a count of it says nothing more, and neither does one of tokens that went
 * through tools. Pools of zero are left out, but for one where nothing was used.
 *
 * @throws BillingError `provider_response_invalid` when the counts contradict each other, or do not say how two parts overlap
 */
export function disjointPools(usage: Usage): Readonly<Record<string, number>> {
  const counts = new Map<string, bigint>()
  let isPlain = true
  for (const [unit, count] of Object.entries(usage)) {
    if (count === undefined || count === 0) continue
    if (!Number.isSafeInteger(count) || count < 0) throw refused(`counts ${count} ${unit}`)
    if (!isRead(unit)) throw refused(`counts ${unit}, which has no pool`)
    counts.set(unit, BigInt(count))
    isPlain &&= unit === 'input_tokens' || unit === 'output_tokens'
  }
  // No parts: each whole is a pool of its own.
  if (isPlain) return wholes(usage)
  const pools = [...inputPools(counts), ...outputPools(counts), ...callPools(counts)]
  for (const [pool, count] of pools)
    if (count < 0n) throw refused(`counts more in the parts of ${pool} than in the whole`)
  const used = pools.filter(([, count]) => count > 0n)
  return used.length === 0 ? { input: 0 } : Object.fromEntries(used.map(([pool, count]) => [pool, Number(count)]))
}

function wholes({ input_tokens: input = 0, output_tokens: output = 0 }: Usage): Readonly<Record<string, number>> {
  return { ...((input > 0 || output === 0) && { input }), ...(output > 0 && { output }) }
}

type Counts = ReadonlyMap<string, bigint>
type Pools = readonly (readonly [pool: string, count: bigint])[]

const kinds = ['audio', 'image', 'video'] as const

function inputPools(counts: Counts): Pools {
  const of = (unit: string) => counts.get(unit) ?? 0n
  const read = of('cache_read_tokens')
  const written = of('cache_write_tokens')
  const cached = kinds.map((kind) => [`cache_${kind}_read`, of(`cache_${kind}_read_tokens`)] as const)
  const fresh = kinds.map((kind) => {
    return [`input_${kind}`, of(`input_${kind}_tokens`) - of(`cache_${kind}_read_tokens`)] as const
  })
  // Without a list of what was cached, cached pictures could be taken for pictures or for cached words.
  const isListed = sum(cached) + of('cache_text_read_tokens') === read
  if (sum(fresh) > 0n && !isListed) throw refused('does not say of which kind its cached tokens are')
  if (sum(fresh) > 0n && written > 0n) throw refused('does not say of which kind the tokens it put in the cache are')
  const [short, long] = [of('cache_write_5m_tokens'), of('cache_write_1h_tokens')]
  return [
    ['input', of('input_tokens') - read - written - sum(fresh)],
    ...fresh,
    ['cache_read', read - sum(cached)],
    ...cached,
    ['cache_write', written - short - long],
    ['cache_write_5m', short],
    ['cache_write_1h', long],
  ]
}

function outputPools(counts: Counts): Pools {
  const of = (unit: string) => counts.get(unit) ?? 0n
  const parts = [
    ['reasoning', of('output_reasoning_tokens')],
    ['citation', of('output_citation_tokens')],
    ...kinds.map((kind) => [`output_${kind}`, of(`output_${kind}_tokens`)] as const),
  ] as const
  return [['output', of('output_tokens') - sum(parts)], ...parts]
}

const calls: Readonly<Record<string, string>> = {
  requests: 'requests',
  web_searches: 'web_searches',
  storage_searches: 'storage_searches',
  social_searches: 'social_searches',
  rerank_searches: 'rerank_searches',
  code_executions: 'code_executions',
  input_text_messages: 'text_messages',
}

function callPools(counts: Counts): Pools {
  const of = (unit: string) => counts.get(unit) ?? 0n
  const annotated = of('input_annotated_document_pages')
  return [
    ...Object.entries(calls).map(([unit, pool]) => [pool, of(unit)] as const),
    ['document_pages', of('input_document_pages') - annotated],
    ['annotated_document_pages', annotated],
  ]
}

/** Units that are in a pool, or that repeat what others say: text, and what went through tools. */
const units: ReadonlySet<string> = new Set([
  ...['input_tokens', 'cache_read_tokens', 'cache_write_tokens', 'cache_write_5m_tokens', 'cache_write_1h_tokens'],
  ...['output_tokens', 'output_reasoning_tokens', 'output_citation_tokens'],
  ...kinds.flatMap((kind) => [`input_${kind}_tokens`, `cache_${kind}_read_tokens`, `output_${kind}_tokens`]),
  ...['input_text_tokens', 'cache_text_read_tokens', 'output_text_tokens'],
  ...['input', 'input_text', 'input_audio', 'input_image'].map((unit) => `${unit}_tool_tokens`),
  'input_video_tool_tokens',
  ...Object.keys(calls),
  ...['input_document_pages', 'input_annotated_document_pages'],
])

function isRead(unit: string): boolean {
  return units.has(unit)
}

function sum(pools: Pools): bigint {
  return pools.reduce((total, [, count]) => total + count, 0n)
}

function refused(problem: string): BillingError {
  return new BillingError('provider_response_invalid', `The response ${problem}.`)
}
