import { type Asked, type Counted, type ModelFormat, positiveInteger, usageOf } from './format.js'
import { openaiRefusal } from './openai-error.js'
import { type Answer, whole } from './reply.js'
import { countContent } from './tokens.js'

/** `POST /chat/completions`, of OpenAI and of all who answer like it. @see platform.openai.com/docs/api-reference/chat */
export const openaiChat: ModelFormat = {
  name: 'openai.chat',
  read(body) {
    const { model, messages, stream, stream_options: options, max_tokens: old, max_completion_tokens: limit, n } = body
    if (typeof model !== 'string') return 'you must provide a model parameter'
    if (!Array.isArray(messages) || messages.length === 0) return "Missing required parameter: 'messages'."
    const withUsage = (options as { include_usage?: unknown } | undefined)?.include_usage === true
    if (options !== undefined && stream !== true)
      return "The 'stream_options' parameter is only allowed when 'stream' is enabled."
    if (n !== undefined && n !== 1) return 'The twin answers one choice.'
    return {
      model,
      stream: stream === true,
      inputTokens: countContent(messages),
      limit: positiveInteger(limit) ?? positiveInteger(old),
      withUsage,
    }
  },
  answer(asked, answer, counted) {
    const { text, calls } = whole(answer.pieces)
    const message = {
      role: 'assistant',
      content: calls.length > 0 && text === '' ? null : text,
      refusal: null,
      ...(calls.length > 0 && {
        tool_calls: calls.map((call, index) => ({ id: `call_${index}`, type: 'function', function: call })),
      }),
    }
    return {
      ...headOf(asked, counted, 'chat.completion'),
      choices: [{ index: 0, message, logprobs: null, finish_reason: finishes[answer.finish] }],
      ...usageOf(answer, tokensOf(counted)),
    }
  },
  begin: (asked, _, counted) => [chunk(asked, counted, { role: 'assistant', content: '', refusal: null })],
  piece(asked, piece, counted) {
    if (piece.kind === 'text') return [chunk(asked, counted, { content: piece.text })]
    const { index, name, part, isFirst } = piece
    const call = isFirst
      ? { index, id: `call_${index}`, type: 'function', function: { name, arguments: part } }
      : { index, function: { arguments: part } }
    return [chunk(asked, counted, { tool_calls: [call] })]
  },
  end(asked, answer, counted) {
    const head = headOf(asked, counted, 'chat.completion.chunk')
    const last = chunk(asked, counted, {}, finishes[answer.finish])
    const used = { ...head, choices: [], ...usageOf(answer, tokensOf(counted)) }
    return [last, ...(asked.withUsage ? [{ data: used }] : []), { data: null }]
  },
  refusal: openaiRefusal,
}

const finishes: Readonly<Record<Answer['finish'], string>> = { stop: 'stop', length: 'length', calls: 'tool_calls' }

function headOf({ model }: Asked, { id, createdMs }: Counted, object: string) {
  return { id: `chatcmpl-${id}`, object, created: Math.floor(createdMs / 1000), model, service_tier: 'default' }
}

function tokensOf({ inputTokens, outputTokens }: Counted) {
  return {
    prompt_tokens: inputTokens,
    completion_tokens: outputTokens,
    total_tokens: inputTokens + outputTokens,
    prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
    completion_tokens_details: { reasoning_tokens: 0, audio_tokens: 0 },
  }
}

function chunk(asked: Asked, counted: Counted, delta: unknown, finish: string | null = null) {
  const choices = [{ index: 0, delta, logprobs: null, finish_reason: finish }]
  const usage = asked.withUsage ? { usage: null } : {}
  return { data: { ...headOf(asked, counted, 'chat.completion.chunk'), choices, ...usage } }
}
