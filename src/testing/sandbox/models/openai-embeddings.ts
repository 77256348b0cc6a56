import { type ModelFormat, usageOf } from './format.js'
import { openaiRefusal } from './openai-error.js'
import { countContent } from './tokens.js'

/** `POST /embeddings`; never streamed. @see platform.openai.com/docs/api-reference/embeddings */
export const openaiEmbeddings: ModelFormat = {
  name: 'openai.embeddings',
  read({ model, input, encoding_format: encoding }) {
    if (typeof model !== 'string') return 'you must provide a model parameter'
    const inputs = typeof input === 'string' ? [input] : input
    if (!Array.isArray(inputs) || inputs.length === 0) return "'$.input' is invalid."
    const tokens = inputs.reduce<number>((sum, each) => {
      // Tokens may be given as their numbers.
      if (Array.isArray(each)) return sum + each.length
      return sum + (typeof each === 'number' ? 1 : countContent(each))
    }, 0)
    const texts = inputs.every((each) => typeof each === 'number') ? 1 : inputs.length
    return { model, stream: false, inputTokens: tokens, limit: texts, withUsage: encoding === 'base64' }
  },
  answer({ model, limit = 1, withUsage: isBase64 }, answer, { inputTokens }) {
    const vector = [0.25, -0.5, 1]
    const embedding = isBase64 ? Buffer.from(Float32Array.from(vector).buffer).toString('base64') : vector
    return {
      object: 'list',
      data: Array.from({ length: limit }, (_, index) => ({ object: 'embedding', index, embedding })),
      model,
      ...usageOf(answer, { prompt_tokens: inputTokens, total_tokens: inputTokens }),
    }
  },
  begin: () => [],
  piece: () => [],
  end: () => [],
  refusal: openaiRefusal,
}
