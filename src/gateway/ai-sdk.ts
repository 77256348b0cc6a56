import type { LanguageModelV3Middleware } from '@ai-sdk/provider'
import type { BillingCore, Catalog, MeteredWork, MeterName } from '../index.js'
import { boundOf, likelyTokens, type ModelLimits } from './bound.js'
import { type Answered, clientGone } from './call-end.js'
import type { GatewayCaller } from './caller.js'
import { contentOf } from './content.js'
import { GatewayError } from './gateway-error.js'
import { heldCall } from './held-call.js'
import type { CallTerms, CostedCall, HeldCall } from './model-call.js'
import { type CallOptions, callTerms } from './terms.js'
import { asText, type Estimated, type Reading, reportReading } from './usage-report.js'

export type { CountTokens, ModelLimits } from './bound.js'
export type { GatewayCaller } from './caller.js'
export type { CallOptions } from './terms.js'

/** Whose calls are metered, and what models may do. */
export interface BillingMiddlewareOptions<C extends Catalog = Catalog> extends CallOptions {
  /** The meter that usage of models is recorded on; rated by cost. */
  readonly meter: MeterName<C>
  /** Who pays. */
  readonly caller: GatewayCaller | (() => GatewayCaller)
  /** Who serves the models, as the price list calls them: `openai`, `anthropic`, … */
  readonly provider: string
  /** The models that may be called, and what bounds them. */
  readonly models: Readonly<Record<string, ModelLimits>>
}

type Wrap = Parameters<NonNullable<LanguageModelV3Middleware['wrapStream']>>[0]
type CallParameters = Wrap['params']
type Generated = Awaited<ReturnType<Wrap['doGenerate']>>
type Streamed = Awaited<ReturnType<Wrap['doStream']>>
type Part = Streamed['stream'] extends ReadableStream<infer Each> ? Each : never
type SdkUsage = Generated['usage']

const types: ReadonlySet<string> = new Set([
  ...['text', 'reasoning', 'tool-call', 'tool-result', 'tool-approval-response', 'json', 'content', 'error-text'],
  ...['error-json', 'execution-denied'],
])

/**
 * A middleware of the AI SDK (`ai` 6) that holds what each step may cost at most, and charges what it used: the steps of an agent one by
 * one, a stream that is left for what was produced until then.
 *
 * A step without money for it throws, and is not sent.
 *
 * @example const model = wrapLanguageModel({ model: openai('gpt-5'), middleware: billingMiddleware(billing, { meter: 'tokens', … }) })
 */
export function billingMiddleware<C extends Catalog>(
  billing: Pick<BillingCore<C>, 'accounts' | 'credits' | 'lease' | 'meter' | 'quote'>,
  options: BillingMiddlewareOptions<C>,
): LanguageModelV3Middleware {
  const metered = billing as unknown as Pick<BillingCore, 'accounts' | 'credits' | 'lease' | 'meter' | 'quote'>
  const terms = callTerms(metered, options.meter, options)
  const costed = (modelId: string, params: CallParameters): CostedCall => {
    const limits = Object.hasOwn(options.models, modelId) ? options.models[modelId] : undefined
    if (!limits)
      throw new GatewayError(404, 'model_not_found', `No limits are known of model ${JSON.stringify(modelId)}.`)
    const model = { name: modelId, provider: options.provider, limits }
    const { prompt, tools = [], maxOutputTokens: maximumOutput = null } = params
    if (tools.some(({ type }) => type !== 'function'))
      throw new GatewayError(400, 'invalid_request', 'Tools that a vendor runs have prices of their own.')
    const content = contentOf({ messages: withPictures(prompt), tools }, types)
    const request = { model: modelId, stream: false, choices: 1, maximumOutput, content, body: { tools } }
    const caller = typeof options.caller === 'function' ? options.caller() : options.caller
    const bound = boundOf(request, model, terms.countTokens)
    return { id: `req_${crypto.randomUUID()}`, caller, protocol: { name: 'ai-sdk' }, request, model, bound }
  }
  return {
    specificationVersion: 'v3',
    wrapGenerate: ({ model, params }) => {
      const call = costed(model.modelId, params)
      return heldCall<Generated>(terms, call, async (output, work) => {
        const result = await model.doGenerate({ ...params, maxOutputTokens: output })
        const produced = likelyTokens(textOf(result.content), model.modelId, terms.countTokens)
        reportUsage(work, terms, { ...call, output }, result.usage, produced, 'missing')
        return { settled: () => result }
      })
    },
    wrapStream: ({ model, params }) => {
      const call = costed(model.modelId, params)
      return heldCall<Streamed>(terms, call, async (output, work, handOver) => {
        const ending = new AbortController()
        const signals = [ending.signal, ...(params.abortSignal ? [params.abortSignal] : [])]
        const abortSignal = AbortSignal.any(signals)
        const result = await model.doStream({ ...params, maxOutputTokens: output, abortSignal })
        return streamParts({ terms, call: { ...call, output }, work, result, ending, abortSignal, handOver })
      })
    },
  }
}

interface Streaming {
  readonly terms: CallTerms
  readonly call: HeldCall
  readonly work: MeteredWork
  readonly result: Streamed
  readonly ending: AbortController
  readonly abortSignal: AbortSignal
  readonly handOver: (streamed: Streamed) => void
}

/** Hands parts over one by one, and the end when it is paid for. */
async function streamParts(streaming: Streaming): Promise<Answered<Streamed>> {
  const { terms, call, work, result, ending, abortSignal, handOver } = streaming
  const reader = result.stream.getReader()
  let usage: SdkUsage | null = null
  let produced = 0
  let finish: (end: Estimated | 'whole') => void = () => {}
  const ended = new Promise<Estimated | 'whole'>((resolve) => {
    finish = resolve
  })
  let pay: () => void = () => {}
  const paid = new Promise<void>((resolve) => {
    pay = resolve
  })
  abortSignal.addEventListener('abort', () => finish('aborted'), { once: true })
  const stream = new ReadableStream<Part>(
    {
      async pull(controller) {
        try {
          const { value, done } = await reader.read()
          if (done) {
            finish(usage ? 'whole' : 'missing')
            await paid
            return controller.close()
          }
          if (value.type === 'finish') {
            usage = value.usage
            finish('whole')
            await paid
          } else if ('delta' in value && value.delta !== '')
            // A part with text is a token at least.
            produced += Math.max(1, likelyTokens(value.delta, call.model.name, terms.countTokens))
          controller.enqueue(value)
        } catch (error) {
          finish(abortSignal.aborted ? 'aborted' : 'cut')
          await paid
          controller.error(error)
        }
      },
      cancel() {
        ending.abort(clientGone)
      },
    },
    { highWaterMark: 0 },
  )
  const streamed = { ...result, stream }
  handOver(streamed)
  const end = await ended
  if (end === 'aborted') reader.cancel().catch(() => {})
  try {
    reportUsage(work, terms, call, usage, produced, end === 'whole' ? 'missing' : end)
  } catch (error) {
    pay()
    throw error
  }
  return {
    settled() {
      pay()
      return streamed
    },
  }
}

/** @param otherwise what an estimate is marked by, where the SDK knows of no usage */
function reportUsage(
  work: MeteredWork,
  terms: CallTerms,
  call: HeldCall,
  usage: SdkUsage | null,
  produced: number,
  otherwise: Estimated,
): void {
  const tokens = usage && poolsOf(usage)
  const { limits } = call.model
  const said = tokens && asText(tokens)
  const isLikely = said && (said.input ?? 0) <= limits.contextTokens && (said.output ?? 0) <= limits.maximumOutputTokens
  const estimate: Reading = {
    tokens: { input: call.bound.likelyInput, output: Math.min(produced, call.output) },
    estimated: tokens === null ? otherwise : 'invalid',
  }
  const truest: readonly Reading[] = isLikely ? [{ tokens }, { tokens: said, estimated: 'unpriced' }] : []
  reportReading(work, terms, call, [...truest, estimate])
}

/** Counts of the SDK as pools; `null` for none, or such as cannot be. */
function poolsOf({ inputTokens, outputTokens }: SdkUsage): Readonly<Record<string, number>> | null {
  const { total: read, cacheRead = 0, cacheWrite = 0 } = inputTokens
  const { total: written, reasoning = 0 } = outputTokens
  if (read === undefined || written === undefined) return null
  const pools = {
    input: inputTokens.noCache ?? read - cacheRead - cacheWrite,
    cache_read: cacheRead,
    cache_write: cacheWrite,
    output: outputTokens.text ?? written - reasoning,
    reasoning,
  }
  if (Object.values(pools).some((count) => !Number.isSafeInteger(count) || count < 0)) return null
  const used = Object.entries(pools).filter(([, count]) => count > 0)
  return used.length === 0 ? { input: 0 } : Object.fromEntries(used)
}

/** The prompt with its pictures as such; other files nothing bounds. */
function withPictures(prompt: CallParameters['prompt']): unknown {
  return prompt.map((message) =>
    typeof message.content === 'string'
      ? message
      : {
          ...message,
          content: message.content.map((part) =>
            part.type === 'file' && part.mediaType.startsWith('image/') ? { ...part, type: 'image' } : part,
          ),
        },
  )
}

function textOf(content: Generated['content']): string {
  return content.map((part) => ('text' in part ? part.text : 'input' in part ? String(part.input) : '')).join('')
}
