import type { ReportOutcome } from '../../core/ports/capabilities/metering.js'
import type { TracingCapability } from '../../core/ports/capabilities/tracing.js'
import type { SendSpans } from './send.js'
import { type OtlpSpan, toSpan } from './span.js'

const spansPerRequest = 100

/**
 * Usage as traces of one generation each. No prompt and no answer is in them.
 *
 * Where a request is refused because of some spans, it is halved until they are found. What was stored on the way is stored again
 * under the same ids, which changes nothing.
 */
export function langfuseTracing(send: SendSpans, environment: string | undefined): TracingCapability {
  return {
    /** @throws BillingError `provider_authentication` */
    async export(usage, { signal }) {
      const outcomes = new Map<number, ReportOutcome>()
      const sendable: { readonly index: number; readonly span: OtlpSpan }[] = []
      for (const [index, event] of usage.entries()) {
        const span = toSpan(event, environment)
        if ('problem' in span) outcomes.set(index, { status: 'rejected', reason: span.problem })
        else sendable.push({ index, span })
      }
      for (let start = 0; start < sendable.length; start += spansPerRequest) {
        const batch = sendable.slice(start, start + spansPerRequest)
        const results = await sendAndSplit(
          send,
          batch.map(({ span }) => span),
          signal,
        )
        for (const [position, { index }] of batch.entries()) outcomes.set(index, results[position] ?? unanswered)
      }
      return usage.map((_, index) => outcomes.get(index) ?? unanswered)
    },
  }
}

const unanswered: ReportOutcome = { status: 'unknown', reason: 'The span was not accounted for.' }

/** One outcome per span, in order. */
async function sendAndSplit(
  send: SendSpans,
  spans: readonly OtlpSpan[],
  signal: AbortSignal | undefined,
): Promise<readonly ReportOutcome[]> {
  const result = await send(spans, signal)
  if (result.status !== 'refused') return spans.map(() => result)
  if (spans.length === 1) return [{ status: 'rejected', reason: result.reason }]
  const middle = Math.ceil(spans.length / 2)
  const first = await sendAndSplit(send, spans.slice(0, middle), signal)
  return [...first, ...(await sendAndSplit(send, spans.slice(middle), signal))]
}
