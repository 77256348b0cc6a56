import * as z from 'zod'
import { openaiErrorBody } from './openai-error.js'
import { fieldOf, jsonOf, listOf, type Protocol, readRequest, type StreamWatch, textOf } from './protocol.js'

const asIs = z.unknown().optional()

/** One that names no type is a message, and must say who wrote it: else it stands for one that is kept elsewhere. */
const item = z
  .looseObject({})
  .refine(
    ({ type, role }) => typeof type === 'string' || typeof role === 'string',
    'what is kept elsewhere is not served here',
  )
  .refine(
    ({ type, content, encrypted_content: encrypted }) => type !== 'reasoning' || Boolean(encrypted ?? content),
    'reasoning that is kept elsewhere is not served here',
  )

/**
 * Every parameter that is passed on. What reaches for something that is kept elsewhere (an earlier response, a conversation, a prompt) is
 * not: nothing here says how much that is, or whose.
 */
const schema = z.strictObject({
  model: z.string().min(1).max(200),
  input: z.union([z.string(), z.array(item)]),
  stream: z.boolean().nullish(),
  max_output_tokens: z.int().min(1).max(10_000_000).nullish(),
  tools: z.array(z.looseObject({ type: z.enum(['function', 'custom'], 'only functions are served here') })).optional(),
  store: z.literal(false, 'nothing is stored here').nullish(),
  include: asIs,
  instructions: z.string().nullish(),
  max_tool_calls: asIs,
  metadata: asIs,
  parallel_tool_calls: asIs,
  prompt_cache_key: asIs,
  reasoning: asIs,
  safety_identifier: asIs,
  stream_options: asIs,
  temperature: asIs,
  text: asIs,
  tool_choice: asIs,
  top_logprobs: asIs,
  top_p: asIs,
  truncation: asIs,
  user: asIs,
})

const types: ReadonlySet<string> = new Set([
  ...['message', 'function_call', 'function_call_output', 'custom_tool_call', 'custom_tool_call_output', 'reasoning'],
  ...['input_text', 'output_text', 'refusal', 'summary_text', 'reasoning_text'],
])

/** `POST /v1/responses`. */
export const responses: Protocol = {
  name: 'responses',
  flavors: ['responses'],
  path: '/responses',
  parse(input) {
    const { body, content } = readRequest(schema, input, types, ({ input: items, instructions, tools, text }) => ({
      input: items,
      instructions,
      tools,
      text,
    }))
    return {
      model: body.model,
      stream: body.stream === true,
      choices: 1,
      maximumOutput: body.max_output_tokens ?? null,
      content,
      body,
    }
  },
  bodyFor: ({ body }, { model, maximumOutput }) => ({
    ...body,
    model,
    store: false,
    ...(maximumOutput === null ? {} : { max_output_tokens: maximumOutput }),
  }),
  watch(): StreamWatch {
    let used: unknown = null
    return {
      see(data) {
        const event = jsonOf(data)
        const type = textOf(fieldOf(event, 'type'))
        const isLast = type === 'response.completed' || type === 'response.incomplete' || type === 'response.failed'
        if (isLast) used = fieldOf(event, 'response')
        const text = type.endsWith('.delta') ? textOf(fieldOf(event, 'delta')) : ''
        return { text, isForwarded: true, isLast }
      },
      usage: () => used,
      inputUsage: () => null,
    }
  },
  textsOf: (answer) =>
    listOf(answer, 'output').flatMap((item) => [
      ...listOf(item, 'content').map((part) => textOf(fieldOf(part, 'text')) + textOf(fieldOf(part, 'refusal'))),
      ...listOf(item, 'summary').map((part) => textOf(fieldOf(part, 'text'))),
      textOf(fieldOf(item, 'arguments')),
      textOf(fieldOf(item, 'input')),
    ]),
  errorBody: openaiErrorBody,
  errorEvent: (error) => {
    const { code, message } = error
    return `event: error\ndata: ${JSON.stringify({ type: 'error', code, message, param: null, sequence_number: 0 })}\n\n`
  },
}
