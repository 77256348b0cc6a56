import { type Asked, type Counted, type ModelFormat, positiveInteger, usageOf } from './format.js'
import { type Answer, type Piece, whole } from './reply.js'
import { countContent } from './tokens.js'

/** `POST /v1beta/models/{model}:generateContent` and `:streamGenerateContent?alt=sse`. @see ai.google.dev/api/generate-content */
export const gemini: ModelFormat = {
  name: 'gemini',
  read({ contents, systemInstruction, generationConfig }, path) {
    const [, model, verb] = /\/models\/([^/:]+):(\w+)$/.exec(path) ?? []
    if (model === undefined) return 'models/… is not found for API version v1beta.'
    if (!Array.isArray(contents) || contents.length === 0) return 'contents is not specified'
    const { maxOutputTokens } = (generationConfig ?? {}) as { maxOutputTokens?: unknown }
    const parts = [...contents, systemInstruction].map((each) => (each as { parts?: unknown } | undefined)?.parts)
    return {
      model: decodeURIComponent(model),
      stream: verb === 'streamGenerateContent',
      inputTokens: countContent(parts),
      limit: positiveInteger(maxOutputTokens),
      withUsage: true,
    }
  },
  answer: (asked, answer, counted) => body(asked, answer, counted, partsOf(answer.pieces)),
  begin: () => [],
  piece(asked, piece, counted) {
    // Calls are not streamed: each comes whole, with the end.
    if (piece.kind === 'call') return []
    const content = { role: 'model', parts: [{ text: piece.text }] }
    return [{ data: { candidates: [{ index: 0, content }], ...headOf(asked, counted) } }]
  },
  end(asked, answer, counted) {
    const calls = partsOf(answer.pieces).filter((part) => 'functionCall' in part)
    return [{ data: body(asked, answer, counted, calls.length > 0 ? calls : [{ text: '' }]) }]
  },
  refusal: (status, message) => ({ error: { code: status, message, status: statuses[status] ?? 'INTERNAL' } }),
}

const statuses: Readonly<Record<number, string>> = {
  400: 'INVALID_ARGUMENT',
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  429: 'RESOURCE_EXHAUSTED',
  503: 'UNAVAILABLE',
}

function headOf({ model }: Asked, { id }: Counted) {
  return { modelVersion: model, responseId: id }
}

function partsOf(pieces: readonly Piece[]) {
  const { text, calls } = whole(pieces)
  const functionCalls = calls.map(({ name, arguments: args }) => ({
    functionCall: { name, args: JSON.parse(args) as unknown },
  }))
  return [...(text === '' ? [] : [{ text }]), ...functionCalls]
}

function body(asked: Asked, answer: Answer, counted: Counted, parts: readonly unknown[]) {
  const { inputTokens, outputTokens } = counted
  const usage = {
    promptTokenCount: inputTokens,
    candidatesTokenCount: outputTokens,
    totalTokenCount: inputTokens + outputTokens,
  }
  const finishReason = answer.finish === 'length' ? 'MAX_TOKENS' : 'STOP'
  return {
    candidates: [{ index: 0, content: { role: 'model', parts }, finishReason }],
    ...headOf(asked, counted),
    ...usageOf(answer, usage, 'usageMetadata'),
  }
}
