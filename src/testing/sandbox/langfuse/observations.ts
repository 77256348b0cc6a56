import * as z from 'zod'
import type { ObservationRow } from './otlp.js'

export interface StoredObservation extends ObservationRow {
  /** Sandbox time from which it can be read, in milliseconds. */
  readonly visibleAtMs: number
  readonly createdAt: string
  readonly updatedAt: string
  /** What it was before, while that can still be read. */
  readonly previous: { readonly row: Omit<StoredObservation, 'previous'>; readonly goneAtMs: number } | null
}

const groups = [
  'core',
  'basic',
  'time',
  'io',
  'metadata',
  'model',
  'usage',
  'prompt',
  'metrics',
  'trace_context',
] as const
type FieldGroup = (typeof groups)[number]

const querySchema = z.object({
  fields: z
    .string()
    .transform((value) =>
      value
        .split(',')
        .map((name) => name.trim())
        .filter((name) => name !== ''),
    )
    .pipe(z.array(z.enum(groups)))
    .default(['core', 'basic']),
  limit: z.coerce.number().int().min(1).max(1000).default(50),
  cursor: z.string().optional(),
  traceId: z.string().optional(),
  name: z.string().optional(),
  userId: z.string().optional(),
  sessionId: z.string().optional(),
  type: z.string().optional(),
  level: z.enum(['DEBUG', 'DEFAULT', 'WARNING', 'ERROR']).optional(),
  parentObservationId: z.string().optional(),
  isRootObservation: z.enum(['true', 'false']).optional(),
  version: z.string().optional(),
  fromStartTime: z.iso.datetime({ offset: true }).optional(),
  toStartTime: z.iso.datetime({ offset: true }).optional(),
  parseIoAsJson: z.literal('false', 'Input and output are always raw strings').optional(),
  filter: z.undefined('The sandbox does not model `filter`').optional(),
  expandMetadata: z
    .string()
    .transform((value) => value.split(',').map((name) => name.trim()))
    .default([]),
})

const cursorSchema = z.object({ startTime: z.string(), traceId: z.string(), id: z.string() })

/** Answers `GET /api/public/v2/observations`: newest first, page by page, only the groups asked for. */
export function listObservations(
  rows: Iterable<StoredObservation>,
  search: URLSearchParams,
): { readonly data: unknown[]; readonly meta: { readonly cursor?: string } } | { readonly problem: string } {
  const parsed = querySchema.safeParse(Object.fromEntries([...search].filter(([name]) => name !== 'environment')))
  if (!parsed.success) return { problem: z.prettifyError(parsed.error) }
  const query = parsed.data
  const after = query.cursor === undefined ? undefined : readCursor(query.cursor)
  if (after === 'malformed') return { problem: 'Invalid cursor' }
  const environments = search.getAll('environment')
  const { fromStartTime, toStartTime } = query
  const found = [...rows]
    .filter(
      (row) =>
        (['traceId', 'name', 'userId', 'sessionId', 'type', 'level', 'version'] as const).every(
          (field) => query[field] === undefined || query[field] === row[field],
        ) &&
        (query.parentObservationId === undefined || query.parentObservationId === (row.parentObservationId ?? '')) &&
        (query.isRootObservation === undefined || query.isRootObservation === String(row.isRootObservation)) &&
        (environments.length === 0 || environments.includes(row.environment)) &&
        (fromStartTime === undefined || Date.parse(row.startTime) >= Date.parse(fromStartTime)) &&
        (toStartTime === undefined || Date.parse(row.startTime) < Date.parse(toStartTime)),
    )
    .sort(newestFirst)
    .filter((row) => after === undefined || newestFirst(after, row) < 0)
  const page = found.slice(0, query.limit)
  const last = page.at(-1)
  return {
    data: page.map((row) => present(row, new Set(query.fields), new Set(query.expandMetadata))),
    meta: last === undefined || page.length === found.length ? {} : { cursor: writeCursor(last) },
  }
}

type Position = z.output<typeof cursorSchema>

function newestFirst(a: Position, b: Position): number {
  const [first, second] = [positionText(a), positionText(b)]
  return first < second ? 1 : first > second ? -1 : 0
}

function positionText({ startTime, traceId, id }: Position): string {
  return `${startTime} ${traceId} ${id}`
}

function writeCursor({ startTime, traceId, id }: Position): string {
  return Buffer.from(JSON.stringify({ startTime, traceId, id })).toString('base64')
}

function readCursor(cursor: string): Position | 'malformed' {
  try {
    return cursorSchema.parse(JSON.parse(Buffer.from(cursor, 'base64').toString()))
  } catch {
    return 'malformed'
  }
}

export const projectId = 'sandbox-project'

/** Longer metadata is cut unless it is asked for by name. */
const shownLength = 200

function shownMetadata({ metadata }: StoredObservation, whole: ReadonlySet<string>): Record<string, string> {
  const shown = Object.entries(metadata).map(([name, value]) => [
    name,
    whole.has(name) ? value : value.slice(0, shownLength),
  ])
  return Object.fromEntries(shown) as Record<string, string>
}

function present(
  row: StoredObservation,
  wanted: ReadonlySet<FieldGroup>,
  whole: ReadonlySet<string>,
): Record<string, unknown> {
  const seconds = (until: string | null) =>
    until === null ? null : (Date.parse(until) - Date.parse(row.startTime)) / 1000
  const parts: Record<FieldGroup, Record<string, unknown>> = {
    core: {},
    basic: {
      name: row.name,
      level: row.level,
      statusMessage: row.statusMessage,
      version: row.version,
      environment: row.environment,
      bookmarked: false,
      public: row.public,
      userId: row.userId,
      sessionId: row.sessionId,
      isRootObservation: row.isRootObservation,
    },
    time: { completionStartTime: row.completionStartTime, createdAt: row.createdAt, updatedAt: row.updatedAt },
    io: { input: row.input, output: row.output },
    metadata: { metadata: shownMetadata(row, whole) },
    model: { providedModelName: row.model, internalModelId: null, modelParameters: row.modelParameters },
    usage: {
      usageDetails: row.usageDetails,
      costDetails: row.costDetails,
      totalCost: row.totalCost,
      usagePricingTierName: null,
    },
    prompt: { promptId: null, promptName: row.promptName, promptVersion: row.promptVersion },
    metrics: { latency: seconds(row.endTime), timeToFirstToken: seconds(row.completionStartTime) },
    trace_context: { traceName: row.traceName, tags: row.tags, release: row.release },
  }
  const core = {
    id: row.id,
    traceId: row.traceId,
    startTime: row.startTime,
    endTime: row.endTime,
    projectId,
    parentObservationId: row.parentObservationId,
    type: row.type,
    modelId: null,
    inputPrice: null,
    outputPrice: null,
    totalPrice: null,
  }
  return Object.assign(core, ...groups.filter((group) => wanted.has(group)).map((group) => parts[group]))
}

export const project = {
  id: projectId,
  name: 'Sandbox',
  organization: { id: 'sandbox-organization', name: 'Sandbox' },
  metadata: {},
}
