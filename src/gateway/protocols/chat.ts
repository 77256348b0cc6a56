import * as z from 'zod'
import { openaiErrorBody, openaiErrorEvent } from './openai-error.js'
import { fieldOf, jsonOf, listOf, type Protocol, readRequest, type StreamWatch, textOf } from './protocol.js'

const length = z.int().min(1).max(10_000_000).nullish()
const asIs = z.unknown().optional()

/** Every parameter that is passed on. None of them makes a call cost more than its tokens. */
const schema = z.strictObject({
  model: z.string().min(1).max(200),
  messages: z
    .array(
      // What was said aloud before is kept elsewhere: nothing here says how long it is, or whose.
      z.looseObject({ role: z.string(), audio: z.null('earlier sound is not served here').optional() }),
    )
    .min(1),
  stream: z.boolean().nullish(),
  stream_options: z
    .strictObject({ include_usage: z.boolean().optional(), include_obfuscation: z.boolean().optional() })
    .nullish(),
  service_tier: z.literal('default', 'only default is served here').nullish(),
  store: z.literal(false, 'nothing is stored here').nullish(),
  max_tokens: length,
  max_completion_tokens: length,
  n: z.int().min(1).max(16).nullish(),
  tools: z.array(z.looseObject({ type: z.enum(['function', 'custom'], 'only functions are served here') })).optional(),
  frequency_penalty: asIs,
  function_call: asIs,
  functions: asIs,
  logit_bias: asIs,
  logprobs: asIs,
  metadata: asIs,
  modalities: z.array(z.literal('text')).nullish(),
  parallel_tool_calls: asIs,
  presence_penalty: asIs,
  prompt_cache_key: asIs,
  reasoning_effort: asIs,
  response_format: asIs,
  safety_identifier: asIs,
  seed: asIs,
  stop: asIs,
  temperature: asIs,
  tool_choice: asIs,
  top_logprobs: asIs,
  top_p: asIs,
  user: asIs,
  verbosity: asIs,
})

const types: ReadonlySet<string> = new Set(['text', 'refusal'])

/** `POST /v1/chat/completions`, of OpenAI, Gemini and all who answer like them. */
export const chat: Protocol = {
  name: 'chat',
  flavors: ['chat', 'default'],
  path: '/chat/completions',
  parse(input) {
    const { body, content } = readRequest(schema, input, types, ({ messages, tools, functions, response_format }) => ({
      messages,
      tools,
      functions,
      response_format,
    }))
    return {
      model: body.model,
      stream: body.stream === true,
      choices: body.n ?? 1,
      maximumOutput: body.max_completion_tokens ?? body.max_tokens ?? null,
      content,
      body,
    }
  },
  bodyFor({ body, stream }, { model, maximumOutput }) {
    const { max_tokens: old, max_completion_tokens: asked, stream_options: options, ...rest } = body
    // The older name is what others than OpenAI know; where it was used, it stays.
    const limit = old !== undefined && (asked === undefined || asked === null) ? 'max_tokens' : 'max_completion_tokens'
    return {
      ...rest,
      model,
      ...(maximumOutput === null ? {} : { [limit]: maximumOutput }),
      ...(stream
        ? { stream: true, stream_options: { ...(options as object | null | undefined), include_usage: true } }
        : {}),
    }
  },
  watch({ body }): StreamWatch {
    const isAsked = fieldOf(body, 'stream_options', 'include_usage') === true
    let used: unknown = null
    return {
      see(data) {
        if (data === '[DONE]') return { text: '', isForwarded: true, isLast: true }
        const event = jsonOf(data)
        const choices = listOf(event, 'choices')
        const hasUsage = isUsage(fieldOf(event, 'usage')) || isUsage(fieldOf(event, 'usageMetadata'))
        if (hasUsage) used = event
        return {
          text: choices.map((choice) => producedText(fieldOf(choice, 'delta'))).join(''),
          // What was added to the request for our own sake is taken out of the answer.
          isForwarded: isAsked || !hasUsage || choices.length > 0,
          isLast: false,
        }
      },
      usage: () => used,
      inputUsage: () => null,
    }
  },
  textsOf: (answer) => listOf(answer, 'choices').map((choice) => producedText(fieldOf(choice, 'message'))),
  errorBody: openaiErrorBody,
  errorEvent: openaiErrorEvent,
}

function isUsage(value: unknown): boolean {
  return typeof value === 'object' && value !== null
}

/** What a model wrote in a message or a part of one: words, reasons, refusals, and calls of functions. */
function producedText(message: unknown): string {
  let text = ''
  for (const name of ['content', 'reasoning_content', 'reasoning', 'refusal']) text += textOf(fieldOf(message, name))
  text += calledText(message)
  for (const call of listOf(message, 'tool_calls')) text += calledText(call)
  return text
}

function calledText(call: unknown): string {
  let text = ''
  for (const kind of ['function', 'custom', 'function_call']) {
    const called = fieldOf(call, kind)
    if (called === undefined) continue
    for (const name of ['name', 'arguments', 'input']) text += textOf(fieldOf(called, name))
  }
  return text
}
