import * as z from 'zod'

/** A span as an observation, before it is stored. */
export interface ObservationRow {
  readonly id: string
  readonly traceId: string
  readonly parentObservationId: string | null
  readonly type: string
  readonly name: string
  readonly startTime: string
  readonly endTime: string | null
  /** Nanoseconds as they came: rows are the same only when these are. */
  readonly startNanos: string
  readonly completionStartTime: string | null
  readonly level: string
  readonly statusMessage: string | null
  readonly version: string | null
  readonly release: string | null
  readonly environment: string
  readonly userId: string | null
  readonly sessionId: string | null
  readonly traceName: string | null
  readonly tags: readonly string[]
  readonly public: boolean
  readonly isRootObservation: boolean
  readonly model: string | null
  readonly modelParameters: unknown
  readonly input: string | null
  readonly output: string | null
  readonly metadata: Readonly<Record<string, string>>
  readonly promptName: string | null
  readonly promptVersion: number | null
  readonly usageDetails: Readonly<Record<string, number>>
  readonly costDetails: Readonly<Record<string, number>>
  readonly totalCost: number | null
}

const attributeValue: z.ZodType<AttributeValue> = z.looseObject({
  stringValue: z.string().nullish(),
  intValue: z.union([z.number(), z.string()]).nullish(),
  doubleValue: z.number().nullish(),
  boolValue: z.boolean().nullish(),
  arrayValue: z.looseObject({ values: z.array(z.lazy(() => attributeValue)).nullish() }).nullish(),
})

interface AttributeValue {
  readonly stringValue?: string | null | undefined
  readonly intValue?: number | string | null | undefined
  readonly doubleValue?: number | null | undefined
  readonly boolValue?: boolean | null | undefined
  readonly arrayValue?: { readonly values?: readonly AttributeValue[] | null | undefined } | null | undefined
}

const attributes = z.array(z.looseObject({ key: z.string(), value: attributeValue.nullish() })).nullish()
const nanos = z.union([z.string().regex(/^\d{1,20}$/), z.int().nonnegative().transform(String)])
const hexId = (length: number) =>
  z.string().regex(new RegExp(`^(?!0+$)[0-9a-fA-F]{${length}}$`), `Expected ${length} hex digits`)

const span = z.looseObject({
  traceId: hexId(32),
  spanId: hexId(16),
  parentSpanId: z.union([hexId(16), z.literal('')]).nullish(),
  name: z.string().nullish(),
  startTimeUnixNano: nanos,
  endTimeUnixNano: nanos.nullish(),
  attributes,
  status: z.looseObject({ code: z.union([z.number(), z.string()]).nullish(), message: z.string().nullish() }).nullish(),
})

const exportRequest = z.looseObject({
  resourceSpans: z
    .array(
      z.looseObject({
        resource: z.looseObject({ attributes }).nullish(),
        scopeSpans: z.array(z.looseObject({ spans: z.array(span).nullish() })).nullish(),
      }),
    )
    .nullish(),
})

/** Reads an OTLP/JSON export. One malformed span makes the whole of it malformed, as on the server. */
export function parseExport(body: unknown): ObservationRow[] | { readonly problem: string } {
  const parsed = exportRequest.safeParse(body)
  if (!parsed.success) {
    const issue = parsed.error.issues[0]
    return { problem: `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'malformed'}` }
  }
  return (parsed.data.resourceSpans ?? []).flatMap(({ resource, scopeSpans }) =>
    (scopeSpans ?? []).flatMap(({ spans }) =>
      (spans ?? []).map((each) =>
        toRow(each, new Map([...readAttributes(resource?.attributes), ...readAttributes(each.attributes)])),
      ),
    ),
  )
}

function toRow(each: z.output<typeof span>, given: ReadonlyMap<string, unknown>): ObservationRow {
  const text = (...names: readonly string[]) => {
    const value = names.map((name) => given.get(name)).find((found) => found !== undefined)
    return value === undefined ? null : typeof value === 'string' ? value : JSON.stringify(value)
  }
  const model = text('langfuse.observation.model.name', 'gen_ai.response.model', 'gen_ai.request.model')
  const failed = each.status?.code === 2 || each.status?.code === 'STATUS_CODE_ERROR'
  const parent = each.parentSpanId || null
  const cost = costOf(given)
  return {
    id: each.spanId.toLowerCase(),
    traceId: each.traceId.toLowerCase(),
    parentObservationId: parent,
    type: (text('langfuse.observation.type') ?? (model === null ? 'span' : 'generation')).toUpperCase(),
    name: each.name ?? '',
    startTime: isoTime(each.startTimeUnixNano),
    endTime: each.endTimeUnixNano == null ? null : isoTime(each.endTimeUnixNano),
    startNanos: each.startTimeUnixNano,
    completionStartTime: unquoted(text('langfuse.observation.completion_start_time')),
    level: text('langfuse.observation.level') ?? (failed ? 'ERROR' : 'DEFAULT'),
    statusMessage: text('langfuse.observation.status_message') ?? each.status?.message ?? null,
    version: text('langfuse.version'),
    release: text('langfuse.release'),
    environment: text('langfuse.environment', 'deployment.environment.name', 'deployment.environment') ?? 'default',
    userId: text('user.id', 'langfuse.user.id'),
    sessionId: text('session.id', 'langfuse.session.id'),
    traceName: text('langfuse.trace.name'),
    tags: tagsOf(given.get('langfuse.trace.tags')),
    public: given.get('langfuse.trace.public') === true,
    isRootObservation: parent === null || given.get('langfuse.internal.is_app_root') === true,
    model,
    modelParameters: fromJson(text('langfuse.observation.model.parameters')) ?? null,
    input: text('langfuse.observation.input'),
    output: text('langfuse.observation.output'),
    metadata: metadataOf(given),
    promptName: text('langfuse.observation.prompt.name'),
    promptVersion: Number(given.get('langfuse.observation.prompt.version')) || null,
    usageDetails: usageOf(given),
    ...cost,
  }
}

/**
 * A provided `total` wins. Without it, input and output are added up only when there is nothing else: with a third key
 * (`cache_read`, …) the server leaves the total unknown rather than guess.
 */
function costOf(given: ReadonlyMap<string, unknown>): Pick<ObservationRow, 'costDetails' | 'totalCost'> {
  const direct = given.get('gen_ai.usage.cost')
  const details = numbersOf(given.get('langfuse.observation.cost_details'))
  const costDetails = Object.keys(details).length === 0 && direct !== undefined ? { total: Number(direct) } : details
  if (costDetails.total !== undefined) return { costDetails, totalCost: costDetails.total }
  const keys = Object.keys(costDetails)
  if (keys.length === 0 || keys.some((key) => key !== 'input' && key !== 'output'))
    return { costDetails, totalCost: null }
  const total = (costDetails.input ?? 0) + (costDetails.output ?? 0)
  return { costDetails: { ...costDetails, total }, totalCost: total }
}

/** Units are whole and not negative; others are dropped without a word. */
function usageOf(given: ReadonlyMap<string, unknown>): Record<string, number> {
  const details = numbersOf(given.get('langfuse.observation.usage_details'))
  if (Object.keys(details).length === 0) {
    for (const [name, key] of [
      ['gen_ai.usage.input_tokens', 'input'],
      ['gen_ai.usage.output_tokens', 'output'],
    ] as const) {
      if (given.has(name)) details[key] = Number(given.get(name))
    }
  }
  const usage = Object.fromEntries(Object.entries(details).filter(([, units]) => Number.isInteger(units) && units >= 0))
  if (Object.keys(usage).length === 0 || usage.total !== undefined) return usage
  return { ...usage, total: Object.values(usage).reduce((sum, units) => sum + units, 0) }
}

function numbersOf(value: unknown): Record<string, number> {
  const parsed = typeof value === 'string' ? fromJson(value) : undefined
  if (typeof parsed !== 'object' || parsed === null) return {}
  return Object.fromEntries(
    Object.entries(parsed).filter((entry): entry is [string, number] => typeof entry[1] === 'number'),
  )
}

function metadataOf(given: ReadonlyMap<string, unknown>): Record<string, string> {
  const metadata: Record<string, string> = {}
  for (const prefix of ['langfuse.trace.metadata', 'langfuse.observation.metadata']) {
    for (const [key, value] of given) {
      const text = typeof value === 'string' ? value : JSON.stringify(value)
      if (key.startsWith(`${prefix}.`)) metadata[key.slice(prefix.length + 1)] = text
      else if (key === prefix) {
        const parsed = fromJson(text)
        if (typeof parsed !== 'object' || parsed === null) metadata.metadata = text
        else
          for (const [name, part] of Object.entries(parsed))
            metadata[name] = typeof part === 'string' ? part : JSON.stringify(part)
      }
    }
  }
  return metadata
}

function tagsOf(value: unknown): string[] {
  const tags = typeof value === 'string' ? (fromJson(value) ?? [value]) : (value ?? [])
  return Array.isArray(tags) ? tags.map(String) : []
}

function readAttributes(given: z.output<typeof attributes>): [string, unknown][] {
  return (given ?? []).flatMap(({ key, value }) => {
    const read = value == null ? undefined : readValue(value)
    return read === undefined ? [] : [[key, read] as [string, unknown]]
  })
}

function readValue(value: AttributeValue): unknown {
  if (value.arrayValue != null) return (value.arrayValue.values ?? []).map(readValue)
  if (value.intValue != null) return Number(value.intValue)
  return value.stringValue ?? value.doubleValue ?? value.boolValue ?? undefined
}

function isoTime(nanoseconds: string): string {
  return new Date(Number(BigInt(nanoseconds) / 1_000_000n)).toISOString()
}

/** The SDK sends this time as JSON, quotes and all. */
function unquoted(value: string | null): string | null {
  const parsed = value === null ? null : fromJson(value)
  return typeof parsed === 'string' ? parsed : value
}

function fromJson(text: string | null): unknown {
  if (text === null) return undefined
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}
