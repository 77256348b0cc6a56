/**
 * What a model charges for is counted in pools that do not overlap: a token, call or page is in exactly one, so that a cost is the sum
 * over the pools. `input` are the input tokens that are neither cached nor audio, image or video where those are counted apart; `output`
 * are the output tokens without reasoning where that is counted apart. Vendors' bodies count the parts inside the whole:
 * `output_tokens: 300` with `reasoning_tokens: 100` is `{ output: 200, reasoning: 100 }`.
 *
 * Pools count tokens, but for these, which count calls and pages. A catalog may name pools of tokens of its own.
 */
const callPools: ReadonlySet<string> = new Set([
  'requests',
  'web_searches',
  'storage_searches',
  'social_searches',
  'rerank_searches',
  'code_executions',
  'text_messages',
  'document_pages',
  'annotated_document_pages',
])

/** Whether the pool counts tokens, not calls or pages: only those are units of a meter of tokens. */
export function isTokenPool(pool: string): boolean {
  return !callPools.has(pool)
}

/** Price lists write prices per ten to this power: per million tokens, per thousand calls or pages. */
export function priceDigits(pool: string): number {
  return isTokenPool(pool) ? 6 : 3
}

/** Whether the pool holds tokens that went into the model; together they are the length that context prices look at. */
export function isInputPool(pool: string): boolean {
  return isTokenPool(pool) && /^(input|cache)(_|$)/.test(pool)
}
