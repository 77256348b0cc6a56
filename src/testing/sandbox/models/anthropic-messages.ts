import { type Asked, type Counted, type ModelFormat, positiveInteger, type StreamEvent, usageOf } from './format.js'
import { type Answer, whole } from './reply.js'
import { countContent } from './tokens.js'

/** `POST /v1/messages`. @see docs.anthropic.com/en/api/messages-streaming */
export const anthropicMessages: ModelFormat = {
  name: 'anthropic.messages',
  read({ model, messages, system, stream, max_tokens: limit }) {
    if (typeof model !== 'string') return 'model: Field required'
    if (!Array.isArray(messages) || messages.length === 0) return 'messages: Field required'
    const most = positiveInteger(limit)
    if (most === undefined) return 'max_tokens: Field required'
    return {
      model,
      stream: stream === true,
      inputTokens: countContent(messages) + countContent(system),
      limit: most,
      withUsage: true,
    }
  },
  answer(asked, answer, counted) {
    const { text, calls } = whole(answer.pieces)
    const content = [
      ...(text === '' ? [] : [{ type: 'text', text, citations: null }]),
      ...calls.map((call, index) => ({
        type: 'tool_use',
        id: `toolu_${index}`,
        name: call.name,
        input: JSON.parse(call.arguments) as unknown,
      })),
    ]
    return {
      ...headOf(asked, counted),
      content,
      stop_reason: reasons[answer.finish],
      ...usageOf(answer, tokensOf(counted)),
    }
  },
  begin(asked, answer, counted) {
    const used = usageOf(answer, tokensOf(counted)).usage
    const usage = used === undefined ? {} : { usage: { ...(used as object), output_tokens: 1 } }
    const message = { ...headOf(asked, counted), content: [], stop_reason: null, ...usage }
    return [...typed([{ type: 'message_start', message }]), openingBlock, ...typed([{ type: 'ping' }])]
  },
  piece(_, piece) {
    // A block of text is the first; each call is one of its own, and ends when the message does.
    if (piece.kind === 'text') return typed([delta(0, { type: 'text_delta', text: piece.text })])
    const index = piece.index + 1
    const block = { type: 'tool_use', id: `toolu_${piece.index}`, name: piece.name, input: {} }
    const start = { type: 'content_block_start', index, content_block: block }
    return typed([
      ...(piece.isFirst ? [start] : []),
      delta(index, { type: 'input_json_delta', partial_json: piece.part }),
    ])
  },
  end(_, answer, counted) {
    const { calls } = whole(answer.pieces)
    const stops = [0, ...calls.map((__, index) => index + 1)].map((index) => ({ type: 'content_block_stop', index }))
    const { usage } = usageOf(answer, tokensOf(counted))
    const change = { stop_reason: reasons[answer.finish], stop_sequence: null }
    return typed([
      ...stops,
      { type: 'message_delta', delta: change, ...(usage === undefined ? {} : { usage }) },
      { type: 'message_stop' },
    ])
  },
  refusal: (status, message) => ({
    type: 'error',
    error: { type: errorTypes[status] ?? 'api_error', message },
    request_id: 'req_sandbox',
  }),
}

/** The block of text is opened with the message, whether or not it comes to say something. */
const openingBlock: StreamEvent = {
  event: 'content_block_start',
  data: { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '', citations: null } },
}

const reasons: Readonly<Record<Answer['finish'], string>> = {
  stop: 'end_turn',
  length: 'max_tokens',
  calls: 'tool_use',
}
const errorTypes: Readonly<Record<number, string>> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  529: 'overloaded_error',
}

function headOf({ model }: Asked, { id }: Counted) {
  return { id: `msg_${id}`, type: 'message', role: 'assistant', model, stop_sequence: null }
}

function tokensOf({ inputTokens, outputTokens }: Counted) {
  return {
    input_tokens: inputTokens,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: 0,
    output_tokens: outputTokens,
    service_tier: 'standard',
  }
}

function delta(index: number, change: unknown) {
  return { type: 'content_block_delta', index, delta: change }
}

function typed(events: readonly ({ readonly type: string } & Record<string, unknown>)[]): readonly StreamEvent[] {
  return events.map((data) => ({ event: data.type, data }))
}
