import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'
import { formatDecimal, parseDecimal } from '../../core/domain/decimal.js'
import type { TracedUsage } from '../../core/ports/capabilities/tracing.js'

/** An attribute of OTLP/JSON; all of ours are text. */
export interface OtlpAttribute {
  readonly key: string
  readonly value: { readonly stringValue: string }
}

/** A span of OTLP/JSON. */
export interface OtlpSpan {
  /** 16 bytes as hexadecimal. */
  readonly traceId: string
  /** 8 bytes as hexadecimal. */
  readonly spanId: string
  readonly name: string
  readonly kind: number
  readonly startTimeUnixNano: string
  readonly endTimeUnixNano: string
  readonly attributes: readonly OtlpAttribute[]
  readonly status: Record<string, never>
}

/** What cannot be written as a span, and why. */
export interface SpanProblem {
  readonly problem: string
}

const spanKindInternal = 1

/**
 * The trace and span ids of a usage event. The same event has the same ids whenever it is sent, so that a repeat replaces what was
 * stored; with them its cost can be looked up in Langfuse.
 */
export function spanIds(usageId: string): { readonly traceId: string; readonly spanId: string } {
  return { traceId: digest(`billfold:trace:${usageId}`, 16), spanId: digest(`billfold:span:${usageId}`, 8) }
}

/**
 * A usage event as a trace with one generation. Everything in it comes from the event: Langfuse replaces a span only when its ids
 * and its start are the same as before.
 *
 * @see https://langfuse.com/integrations/native/opentelemetry#property-mapping
 */
export function toSpan(usage: TracedUsage, environment: string | undefined): OtlpSpan | SpanProblem {
  const usageDetails = usage.tokens === null ? undefined : toUsageDetails(usage.tokens)
  const costDetails = usage.costUsd === null ? undefined : toCostDetails(usage.costUsd)
  if (usageDetails === null) return { problem: 'Tokens must be whole numbers from 0.' }
  if (costDetails === null) return { problem: 'The cost is not a decimal.' }
  if (!Number.isSafeInteger(usage.occurredAt) || usage.occurredAt < 0)
    return { problem: 'The time is not a moment since 1970.' }
  const at = (BigInt(usage.occurredAt) * 1_000_000n).toString()
  return {
    ...spanIds(usage.usageId),
    name: usage.meter,
    kind: spanKindInternal,
    startTimeUnixNano: at,
    endTimeUnixNano: at,
    attributes: toAttributes({
      'langfuse.observation.type': 'generation',
      'langfuse.observation.model.name': usage.model ?? undefined,
      'langfuse.observation.usage_details': usageDetails,
      'langfuse.observation.cost_details': costDetails,
      'langfuse.trace.name': usage.meter,
      'langfuse.environment': environment,
      'user.id': usage.accountId,
      ...toMetadata(usage),
    }),
    status: {},
  }
}

/** Units by pool with their sum. Langfuse drops what is not a whole number without a word, so it is refused here. */
function toUsageDetails(tokens: Readonly<Record<string, number>>): string | null {
  const units = Object.entries(tokens).filter(([pool]) => pool !== 'total')
  if (Object.values(tokens).some((count) => !Number.isSafeInteger(count) || count < 0)) return null
  const total = units.length === 0 ? (tokens.total ?? 0) : units.reduce((sum, [, count]) => sum + count, 0)
  return JSON.stringify(Object.fromEntries([...units, ['total', total]]))
}

/**
 * The cost with its `total`: without one Langfuse would show none for some usage. Written as text, since a JavaScript number would
 * round it or give it an exponent.
 */
function toCostDetails(costUsd: string): string | null {
  const cost = parseDecimal(costUsd)
  return cost === undefined ? null : `{"total":${formatDecimal(cost)}}`
}

/** Dimensions under their own names, and our facts under names that no dimension can take. */
function toMetadata(usage: TracedUsage): Readonly<Record<string, string>> {
  const facts = {
    billfold_usage_id: usage.usageId,
    billfold_account: usage.accountId,
    billfold_meter: usage.meter,
    billfold_quantity: usage.quantity,
    billfold_sparks: usage.sparks,
    ...(usage.billingStatus === '' ? {} : { billfold_billing_status: usage.billingStatus }),
  }
  const metadata = Object.entries({ ...usage.dimensions, ...facts })
  return Object.fromEntries(metadata.map(([name, value]) => [`langfuse.observation.metadata.${name}`, value]))
}

function toAttributes(given: Readonly<Record<string, string | undefined>>): readonly OtlpAttribute[] {
  return Object.entries(given).flatMap(([key, text]) =>
    text === undefined ? [] : [{ key, value: { stringValue: text } }],
  )
}

function digest(text: string, bytes: number): string {
  return bytesToHex(sha256(utf8ToBytes(text)).subarray(0, bytes))
}
