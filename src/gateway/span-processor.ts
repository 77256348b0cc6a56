import type { BillingCore, Catalog, MeterName, RecordUsageInput } from '../index.js'

/** What of an OpenTelemetry span is read. */
export interface GenAiSpan {
  readonly attributes: Readonly<Record<string, unknown>>
  readonly endTime: readonly [seconds: number, nanoseconds: number]
  /** Which one it is. */
  spanContext(): { readonly traceId: string; readonly spanId: string }
}

/** What of an OpenTelemetry span processor there is: give it to `spanProcessors` of the SDK. */
export interface GenAiSpanProcessor {
  /** Nothing is known yet. */
  onStart(): void
  /** Records what it used. */
  onEnd(span: GenAiSpan): void
  /** Waits until everything that has ended is recorded. */
  forceFlush(): Promise<void>
  /** The same. */
  shutdown(): Promise<void>
}

/** Whose usage spans are. */
export interface GenAiSpanOptions<C extends Catalog = Catalog> {
  /** The meter that usage of models is recorded on; rated by cost. */
  readonly meter: MeterName<C>
  /** Who pays; `null`: nobody, and the span is left out. */
  readonly accountOf: (span: GenAiSpan) => string | null
  /** Told of what could not be recorded: nothing else is told of it. */
  readonly onError: (error: unknown, span: GenAiSpan) => void
}

/** Operations that are one request to a model. Those around them (`invoke_agent`, `execute_tool`) repeat what their parts used. */
const requests: ReadonlySet<unknown> = new Set(['chat', 'text_completion', 'generate_content', 'embeddings'])

/**
 * Records what spans say that models used, by the semantic conventions for generative AI (`gen_ai.*`): each request once, however often its
 * span is told, those of an agent one by one. What happened is recorded whether or not it is paid for; to ask first, use `wrapFetch` or
 * `billfold/ai-sdk`.
 *
 * @see opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans
 */
export function genAiSpanProcessor<C extends Catalog>(
  billing: Pick<BillingCore<C>, 'recordUsage'>,
  { meter, accountOf, onError }: GenAiSpanOptions<C>,
): GenAiSpanProcessor {
  const recording = new Set<Promise<void>>()
  const flush = async (): Promise<void> => {
    while (recording.size > 0) await Promise.all(recording)
  }
  return {
    onStart() {},
    onEnd(span) {
      const { attributes } = span
      const tokens = tokensOf(attributes)
      if (!requests.has(attributes['gen_ai.operation.name']) || tokens === null) return
      const accountId = accountOf(span)
      if (accountId === null) return
      const { traceId, spanId } = span.spanContext()
      const [seconds, nanoseconds] = span.endTime
      const provider = attributes['gen_ai.provider.name'] ?? attributes['gen_ai.system']
      const usage = {
        accountId,
        meter,
        model: String(attributes['gen_ai.request.model'] ?? attributes['gen_ai.response.model']),
        ...(typeof provider === 'string' && { provider: providers[provider] ?? provider }),
        tokens,
        occurredAt: new Date(seconds * 1_000 + Math.floor(nanoseconds / 1e6)),
        idempotencyKey: `span:${traceId}:${spanId}`,
      }
      const done: Promise<void> = billing
        .recordUsage(usage as unknown as RecordUsageInput<C>)
        .then(() => {})
        .catch((error: unknown) => onError(error, span))
        .finally(() => recording.delete(done))
      recording.add(done)
    },
    forceFlush: flush,
    shutdown: flush,
  }
}

/** Where the conventions call a vendor otherwise than the price list. */
const providers: Readonly<Record<string, string>> = {
  'aws.bedrock': 'aws',
  'azure.ai.inference': 'azure',
  'azure.ai.openai': 'azure',
  'gcp.gemini': 'google',
  'gcp.gen_ai': 'google',
  'gcp.vertex_ai': 'google',
  mistral_ai: 'mistral',
  x_ai: 'x-ai',
}

/** Counts by pool; what was cached is part of the input, as the conventions have it. `null` for a span without counts. */
function tokensOf(attributes: GenAiSpan['attributes']): Readonly<Record<string, number>> | null {
  const of = (name: string) => Number(attributes[`gen_ai.usage.${name}`] ?? 0)
  if (attributes['gen_ai.usage.input_tokens'] === undefined && attributes['gen_ai.usage.output_tokens'] === undefined)
    return null
  const [read, written] = [of('cache_read.input_tokens'), of('cache_creation.input_tokens')]
  const pools = {
    input: of('input_tokens') - read - written,
    cache_read: read,
    cache_write: written,
    output: of('output_tokens'),
  }
  const used = Object.entries(pools).filter(([, count]) => count !== 0)
  return used.length === 0 ? { input: 0 } : Object.fromEntries(used)
}
