import * as z from 'zod'
import type { GatewayError } from '../gateway-error.js'
import { fieldOf, jsonOf, listOf, type Protocol, readRequest, type StreamWatch, textOf } from './protocol.js'

const asIs = z.unknown().optional()

/** Every parameter that is passed on. Tools that Anthropic runs itself, and what they keep, have prices of their own and are not. */
const schema = z.strictObject({
  model: z.string().min(1).max(200),
  messages: z.array(z.looseObject({ role: z.string() })).min(1),
  max_tokens: z.int().min(1).max(10_000_000),
  stream: z.boolean().nullish(),
  tools: z
    .array(
      z.looseObject({ name: z.string(), type: z.literal('custom', 'only your own tools are served here').nullish() }),
    )
    .optional(),
  service_tier: z.literal('standard_only', 'only standard_only is served here').optional(),
  cache_control: asIs,
  metadata: asIs,
  output_config: asIs,
  stop_sequences: asIs,
  system: z.union([z.string(), z.array(z.looseObject({}))]).optional(),
  temperature: asIs,
  thinking: asIs,
  tool_choice: asIs,
  top_k: asIs,
  top_p: asIs,
})

const types: ReadonlySet<string> = new Set(['text', 'tool_use', 'tool_result', 'thinking', 'redacted_thinking'])

/** `POST /v1/messages` of Anthropic. */
export const messages: Protocol = {
  name: 'messages',
  flavors: ['default', 'anthropic'],
  path: '/v1/messages',
  parse(input) {
    const { body, content } = readRequest(schema, input, types, (all) => ({
      messages: all.messages,
      system: all.system,
      tools: all.tools,
      output_config: all.output_config,
      // Where the whole request is to be kept in the cache, that is said beside it.
      ...(all.cache_control === undefined ? {} : { cached: { cache_control: all.cache_control } }),
    }))
    return {
      model: body.model,
      stream: body.stream === true,
      choices: 1,
      maximumOutput: body.max_tokens,
      content,
      body,
    }
  },
  bodyFor: ({ body }, { model, maximumOutput }) => ({
    ...body,
    model,
    ...(maximumOutput === null ? {} : { max_tokens: maximumOutput }),
  }),
  watch(): StreamWatch {
    let started: Readonly<Record<string, unknown>> | null = null
    let usage: Readonly<Record<string, unknown>> | null = null
    return {
      see(data) {
        const event = jsonOf(data)
        const type = fieldOf(event, 'type')
        if (type === 'message_start') started = recordOf(fieldOf(event, 'message'))
        // The counts of the last one are of the whole message; what it does not count again was counted at the start.
        if (type === 'message_delta') usage = recordOf(fieldOf(event, 'usage')) ?? usage
        const names = type === 'content_block_start' ? ['content_block', 'name'] : ['delta', 'text']
        const parts = [names, ['delta', 'partial_json'], ['delta', 'thinking']]
        const text = parts.map((path) => textOf(fieldOf(event, ...path))).join('')
        return { text, isForwarded: true, isLast: type === 'message_stop' }
      },
      usage: () => usage && { ...started, usage: { ...recordOf(started?.usage), ...usage } },
      inputUsage: () => (started?.usage ? started : null),
    }
  },
  textsOf: (answer) =>
    listOf(answer, 'content').map((block) => {
      const input = fieldOf(block, 'input')
      const called = input === undefined ? '' : JSON.stringify(input)
      return textOf(fieldOf(block, 'text')) + textOf(fieldOf(block, 'thinking')) + called
    }),
  errorBody,
  errorEvent: (error, requestId) => `event: error\ndata: ${JSON.stringify(errorBody(error, requestId))}\n\n`,
}

/** Errors as Anthropic writes them. @see docs.anthropic.com/en/api/errors */
function errorBody({ status, code, message, facts }: GatewayError, requestId: string): unknown {
  const { param: _, ...rest } = facts
  const type = errorTypes[status] ?? (status >= 500 ? 'api_error' : 'invalid_request_error')
  return { type: 'error', error: { type, message, code, ...rest }, request_id: requestId }
}

const errorTypes: Readonly<Record<number, string>> = {
  401: 'authentication_error',
  402: 'billing_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  529: 'overloaded_error',
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> | null {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null
}
