import * as z from 'zod'
import { formatDecimal, normalize, parseDecimal, toScaled } from '../../core/domain/decimal.js'
import type { TraceObservation } from '../../core/ports/capabilities/traces.js'

const moment = z.iso.datetime({ offset: true }).transform((text) => Date.parse(text))
const counts = z.record(z.string(), z.number()).nullish()

/** The fields of an observation that are read, of both APIs; each says the cost and the model under names of its own. */
const observationSchema = z.looseObject({
  id: z.string().min(1),
  /** Version 4 need not say it. */
  traceId: z.string().nullish(),
  type: z.string(),
  startTime: moment,
  endTime: moment.nullish(),
  updatedAt: moment.nullish(),
  parentObservationId: z.string().nullish(),
  name: z.string().nullish(),
  userId: z.string().nullish(),
  metadata: z.unknown().optional(),
  usageDetails: counts,
  providedModelName: z.string().nullish(),
  model: z.string().nullish(),
  totalCost: z.number().nullish(),
  calculatedTotalCost: z.number().nullish(),
})

/** What a trace of the old API says for all of its observations. */
export interface TraceFacts {
  readonly userId: string | null
  readonly metadata: unknown
}

/** Reads an observation as Langfuse answers it. @returns `null` for what is none */
export function toObservation(given: unknown, trace: TraceFacts | null = null): TraceObservation | null {
  const parsed = observationSchema.safeParse(given)
  if (!parsed.success) return null
  const row = parsed.data
  const cost = row.totalCost ?? row.calculatedTotalCost ?? null
  const tokens = toPools(row.usageDetails ?? {})
  const endedAt = row.endTime ?? null
  return {
    traceId: row.traceId ?? '',
    id: row.id,
    parentId: row.parentObservationId || null,
    // The other types with a model and tokens (agents and their steps) repeat what the calls within them used.
    isGeneration: row.type === 'GENERATION' || row.type === 'EMBEDDING',
    name: row.name ?? null,
    startedAt: row.startTime,
    endedAt,
    updatedAt: row.updatedAt ?? null,
    model: row.providedModelName ?? row.model ?? null,
    tokens,
    costUsd: cost === null ? null : costText(cost),
    latencySeconds: endedAt === null ? null : formatDecimal(normalize(BigInt(Math.max(endedAt - row.startTime, 0)), 3)),
    userId: row.userId || trace?.userId || null,
    metadata: { ...toMetadata(trace?.metadata), ...toMetadata(row.metadata) },
  }
}

/**
 * The pools that Langfuse's integrations write, under our names. Its `input` and `output` are without their parts, as ours are.
 *
 * @see https://langfuse.com/docs/observability/features/token-and-cost-tracking
 */
const pools: Readonly<Record<string, string>> = {
  cache_read_input_tokens: 'cache_read',
  input_cached_tokens: 'cache_read',
  input_cache_read: 'cache_read',
  cached_input: 'cache_read',
  cache_creation_input_tokens: 'cache_write',
  input_cache_creation: 'cache_write',
  output_reasoning_tokens: 'reasoning',
  output_reasoning: 'reasoning',
  input_audio_tokens: 'input_audio',
  output_audio_tokens: 'output_audio',
}

/** Counts by pool; the total only where it is all that there is. */
function toPools(details: Readonly<Record<string, number>>): Readonly<Record<string, number>> {
  const units: Record<string, number> = {}
  for (const [name, count] of Object.entries(details)) {
    if (name === 'total' || count === 0) continue
    const pool = pools[name] ?? name
    units[pool] = (units[pool] ?? 0) + count
  }
  const { total = 0 } = details
  return Object.keys(units).length === 0 && total > 0 ? { total } : units
}

/**
 * Costs come as floating-point numbers. The shortest text that stands for one is what was sent, up to fifteen digits; it is rounded
 * once, to the eighteen decimals that a cost has here.
 */
function costText(cost: number): string {
  const [mantissa = '', exponent = '0'] = String(cost).split('e')
  const parsed = parseDecimal(mantissa)
  // What is no number is handed on, and refused as a cost.
  if (!parsed) return String(cost)
  const shift = Number(exponent)
  const scale = parsed.scale - shift
  const exact =
    scale < 0 ? normalize(parsed.coefficient * 10n ** BigInt(-scale), 0) : normalize(parsed.coefficient, scale)
  return formatDecimal(exact.scale > 18 ? normalize(toScaled(exact, 18, 'half_even'), 18) : exact)
}

/** Metadata as text by name; what is deeper is written as JSON. */
function toMetadata(raw: unknown): Readonly<Record<string, string>> {
  const given = typeof raw === 'string' ? parseObject(raw) : raw
  if (typeof given !== 'object' || given === null || Array.isArray(given)) return {}
  const texts = Object.entries(given).flatMap(([name, value]) => {
    if (value === null || value === undefined) return []
    return [[name, typeof value === 'string' ? value : JSON.stringify(value)]]
  })
  return Object.fromEntries(texts) as Record<string, string>
}

/** Metadata need not be an object: as the text of one it still says what is ours. */
function parseObject(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
