import * as z from 'zod'
import { openaiErrorBody, openaiErrorEvent } from './openai-error.js'
import { type Protocol, readRequest } from './protocol.js'

const schema = z.strictObject({
  model: z.string().min(1).max(200),
  input: z.union([
    z.string(),
    z.array(z.string()).min(1).max(2048),
    z.array(z.int().nonnegative()).min(1),
    z.array(z.array(z.int().nonnegative()).min(1)).min(1).max(2048),
  ]),
  dimensions: z.unknown().optional(),
  encoding_format: z.enum(['float', 'base64']).optional(),
  user: z.unknown().optional(),
})

/** `POST /v1/embeddings`: nothing is generated, so nothing is streamed. */
export const embeddings: Protocol = {
  name: 'embeddings',
  flavors: ['embeddings', 'chat', 'default'],
  path: '/embeddings',
  parse(input) {
    const { body, content } = readRequest(schema, input, new Set(), ({ input: texts }) => ({ input: texts }))
    return { model: body.model, stream: false, choices: 1, maximumOutput: null, content, body }
  },
  bodyFor: ({ body }, { model }) => ({ ...body, model }),
  watch: () => ({
    see: () => ({ text: '', isForwarded: true, isLast: false }),
    usage: () => null,
    inputUsage: () => null,
  }),
  textsOf: () => [],
  errorBody: openaiErrorBody,
  errorEvent: openaiErrorEvent,
}
