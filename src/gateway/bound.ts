import type { Content } from './content.js'
import { invalidParameter } from './gateway-error.js'
import type { ModelRequest } from './protocols/protocol.js'

/** What a model reads and writes at most. Without these nothing bounds what a call costs, and without a bound there is no call. */
export interface ModelLimits {
  /** The longest answer, in tokens; 0 for models that answer no text. */
  readonly maximumOutputTokens: number
  /** What a request may have at most, with all that it refers to. */
  readonly contextTokens: number
  /** The most tokens that one picture is; default: pictures are refused. */
  readonly imageTokens?: number
}

/** Counts the tokens of a text as a model does. */
export type CountTokens = (text: string, model: string) => number

/** What a call comes to at most, and about what it reads. */
export interface Bound {
  /** Tokens it reads at most. */
  readonly input: number
  /** The pool whose price is the dearest of those that what it reads may fall in. */
  readonly inputPool: 'input' | 'cache_write_5m' | 'cache_write_1h'
  /** Tokens it reads, as far as anybody but the model can tell. */
  readonly likelyInput: number
  /** Tokens of each answer at most. */
  readonly output: number
}

const encoder = new TextEncoder()

/** Around messages, and what vendors put before tools (Anthropic: up to some 800 tokens for the choice of them). */
const frameTokens = 64
const toolTokens = 1_024

/**
 * What a call comes to at most. Tokens are counted by `countTokens` where it is given. Otherwise each byte is one: tokenizers of today
 * fall back to bytes, so that no text has more tokens than bytes.
 *
 * @throws GatewayError for pictures that nothing bounds
 */
export function boundOf(
  { content, body, maximumOutput }: ModelRequest,
  model: { readonly name: string; readonly limits: ModelLimits },
  countTokens: CountTokens | undefined,
): Bound {
  const { limits, name } = model
  if (content.pictures > 0 && limits.imageTokens === undefined)
    throw invalidParameter('messages', 'this model is not given pictures here')
  const others = content.tokens + content.pictures * (limits.imageTokens ?? 0)
  const tools = Array.isArray(body.tools) && body.tools.length > 0 ? toolTokens : 0
  const text = countTokens ? countTokens(content.json, name) : encoder.encode(content.json).length
  const input = Math.min(text + others + frameTokens + tools, limits.contextTokens)
  return {
    input,
    inputPool: content.cacheWrites === null ? 'input' : `cache_write_${content.cacheWrites}`,
    likelyInput: Math.min(likelyText(content, name, countTokens) + others, input),
    output: Math.min(maximumOutput ?? limits.maximumOutputTokens, limits.maximumOutputTokens),
  }
}

function likelyText({ texts }: Content, model: string, countTokens: CountTokens | undefined): number {
  return texts.reduce((sum, text) => sum + likelyTokens(text, model, countTokens), 0)
}

/** How many tokens a text probably is: four bytes to one, where nobody counts. */
export function likelyTokens(text: string, model: string, countTokens: CountTokens | undefined): number {
  if (text === '') return 0
  return countTokens ? countTokens(text, model) : Math.ceil(byteLength(text) / 4)
}

/** In UTF-8, without writing it: this is asked of each piece of a stream. */
function byteLength(text: string): number {
  let bytes = text.length
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index)
    if (code < 0x80) continue
    // Each half of a pair is two of four bytes.
    const isHalf = code >= 0xd800 && code < 0xe000
    bytes += code < 0x800 || isHalf ? 1 : 2
  }
  return bytes
}

/** The pools of a call that reads and writes as much as it may. */
export function worstTokens(bound: Bound, output: number, choices: number): Readonly<Record<string, number>> {
  return { [bound.inputPool]: bound.input, ...(output > 0 ? { output: output * choices } : {}) }
}
