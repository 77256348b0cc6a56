import { type Asked, type Counted, type ModelFormat, positiveInteger, type StreamEvent, usageOf } from './format.js'
import { openaiRefusal } from './openai-error.js'
import { type Answer, whole } from './reply.js'
import { countContent } from './tokens.js'

/** `POST /responses`. @see platform.openai.com/docs/api-reference/responses */
export const openaiResponses: ModelFormat = {
  name: 'openai.responses',
  read({ model, input, instructions, stream, max_output_tokens: limit }) {
    if (typeof model !== 'string') return "Missing required parameter: 'model'."
    if (typeof input !== 'string' && !Array.isArray(input)) return "Missing required parameter: 'input'."
    return {
      model,
      stream: stream === true,
      inputTokens: countContent(input) + countContent(instructions),
      limit: positiveInteger(limit),
      withUsage: true,
    }
  },
  answer: (asked, answer, counted) => finished(asked, answer, counted),
  begin(asked, answer, counted) {
    const response = { ...headOf(asked, counted), status: 'in_progress', output: [], usage: null }
    const events = [{ type: 'response.created', response }]
    if (answer.pieces[0]?.kind !== 'text') return numbered(events)
    const item = { ...messageOf(''), status: 'in_progress', content: [] }
    const part = { type: 'output_text', text: '', annotations: [], logprobs: [] }
    return numbered([
      ...events,
      { type: 'response.output_item.added', output_index: 0, item },
      { type: 'response.content_part.added', item_id: item.id, output_index: 0, content_index: 0, part },
    ])
  },
  piece(_, piece) {
    if (piece.kind === 'text') {
      const delta = { item_id: 'msg_0', output_index: 0, content_index: 0, delta: piece.text, logprobs: [] }
      return numbered([{ type: 'response.output_text.delta', ...delta }])
    }
    const { index, name, part, isFirst } = piece
    const item = { ...callOf({ name, arguments: '' }, index), status: 'in_progress' }
    const place = { item_id: item.id, output_index: index + 1 }
    return numbered([
      ...(isFirst ? [{ type: 'response.output_item.added', output_index: index + 1, item }] : []),
      { type: 'response.function_call_arguments.delta', ...place, delta: part },
    ])
  },
  end(asked, answer, counted) {
    const response = finished(asked, answer, counted)
    const { text, calls } = whole(answer.pieces)
    const type = response.status === 'incomplete' ? 'response.incomplete' : 'response.completed'
    return numbered([
      ...(text === ''
        ? []
        : [
            {
              type: 'response.output_text.done',
              item_id: 'msg_0',
              output_index: 0,
              content_index: 0,
              text,
              logprobs: [],
            },
            { type: 'response.output_item.done', output_index: 0, item: messageOf(text) },
          ]),
      ...calls.flatMap((call, index) => [
        {
          type: 'response.function_call_arguments.done',
          item_id: `fc_${index}`,
          output_index: index + 1,
          name: call.name,
          arguments: call.arguments,
        },
        { type: 'response.output_item.done', output_index: index + 1, item: callOf(call, index) },
      ]),
      { type, response },
    ])
  },
  refusal: openaiRefusal,
}

function headOf({ model }: Asked, { id, createdMs }: Counted) {
  return {
    id: `resp_${id}`,
    object: 'response',
    created_at: Math.floor(createdMs / 1000),
    model,
    error: null,
    incomplete_details: null,
    instructions: null,
    metadata: {},
    parallel_tool_calls: true,
    service_tier: 'default',
    tool_choice: 'auto',
    tools: [],
  }
}

function finished(asked: Asked, answer: Answer, counted: Counted) {
  const { text, calls } = whole(answer.pieces)
  const isIncomplete = answer.finish === 'length'
  const { inputTokens, outputTokens } = counted
  const usage = {
    input_tokens: inputTokens,
    input_tokens_details: { cached_tokens: 0 },
    output_tokens: outputTokens,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: inputTokens + outputTokens,
  }
  return {
    ...headOf(asked, counted),
    status: isIncomplete ? 'incomplete' : 'completed',
    ...(isIncomplete && { incomplete_details: { reason: 'max_output_tokens' } }),
    output: [...(text === '' ? [] : [messageOf(text)]), ...calls.map(callOf)],
    ...usageOf(answer, usage),
  }
}

function messageOf(text: string) {
  const content = [{ type: 'output_text', text, annotations: [], logprobs: [] }]
  return { id: 'msg_0', type: 'message', role: 'assistant', status: 'completed', content }
}

function callOf(call: { readonly name: string; readonly arguments: string }, index: number) {
  return { id: `fc_${index}`, call_id: `call_${index}`, type: 'function_call', status: 'completed', ...call }
}

/** Each event names its type twice, as OpenAI's do. */
function numbered(events: readonly ({ readonly type: string } & Record<string, unknown>)[]): readonly StreamEvent[] {
  return events.map((data) => ({ event: data.type, data: { sequence_number: 0, ...data } }))
}
