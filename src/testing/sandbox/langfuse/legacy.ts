import * as z from 'zod'
import { projectId, type StoredObservation } from './observations.js'

const querySchema = z.object({
  page: z.coerce.number().int().min(1).default(1),
  limit: z.coerce.number().int().min(1).max(100).default(50),
  traceId: z.string().optional(),
  name: z.string().optional(),
  userId: z.string().optional(),
  type: z.string().optional(),
  parentObservationId: z.string().optional(),
  fromStartTime: z.iso.datetime({ offset: true }).optional(),
  toStartTime: z.iso.datetime({ offset: true }).optional(),
})

/** Answers `GET /api/public/observations` of Langfuse 3: newest first, by numbered pages, with how many there are. */
export function listLegacyObservations(rows: Iterable<StoredObservation>, search: URLSearchParams) {
  const parsed = querySchema.safeParse(Object.fromEntries(search))
  if (!parsed.success) return { problem: z.prettifyError(parsed.error) }
  const { page, limit, fromStartTime, toStartTime, ...same } = parsed.data
  const found = [...rows]
    .filter(
      (row) =>
        (['traceId', 'name', 'userId', 'type', 'parentObservationId'] as const).every(
          (field) => same[field] === undefined || same[field] === row[field],
        ) &&
        (fromStartTime === undefined || Date.parse(row.startTime) >= Date.parse(fromStartTime)) &&
        (toStartTime === undefined || Date.parse(row.startTime) < Date.parse(toStartTime)),
    )
    .sort((left, right) => (left.startTime < right.startTime ? 1 : left.startTime > right.startTime ? -1 : 0))
  return {
    data: found.slice((page - 1) * limit, page * limit).map(toView),
    meta: { page, limit, totalItems: found.length, totalPages: Math.ceil(found.length / limit) },
  }
}

/** Answers `GET /api/public/traces/{traceId}` of Langfuse 3, or `null` where it has no such trace. */
export function legacyTrace(rows: Iterable<StoredObservation>, traceId: string) {
  const own = [...rows].filter((row) => row.traceId === traceId)
  const [first] = own
  if (!first) return null
  const root = own.find(({ isRootObservation }) => isRootObservation) ?? first
  return {
    id: traceId,
    timestamp: first.startTime,
    name: root.traceName ?? root.name,
    input: null,
    output: null,
    sessionId: root.sessionId,
    release: root.release,
    version: root.version,
    userId: own.map(({ userId }) => userId).find((userId) => userId !== null) ?? null,
    metadata: null,
    tags: root.tags,
    public: root.public,
    environment: root.environment,
    createdAt: first.createdAt,
    updatedAt: first.updatedAt,
    projectId,
    externalId: null,
    bookmarked: false,
    htmlPath: `/project/${projectId}/traces/${traceId}`,
    latency: 0,
    totalCost: own.reduce((sum, { totalCost }) => sum + (totalCost ?? 0), 0),
    observations: own.map(toView),
    scores: [],
  }
}

/** The user is the trace's, and in no observation. */
function toView(row: StoredObservation) {
  const { input = 0, output = 0, total = 0 } = row.usageDetails
  return {
    id: row.id,
    traceId: row.traceId,
    projectId,
    environment: row.environment,
    type: row.type,
    name: row.name,
    startTime: row.startTime,
    endTime: row.endTime,
    completionStartTime: row.completionStartTime,
    model: row.model,
    modelParameters: row.modelParameters ?? {},
    input: row.input,
    output: row.output,
    version: row.version,
    metadata: row.metadata,
    usage: { input, output, total, unit: 'TOKENS', inputCost: null, outputCost: null, totalCost: row.totalCost },
    usageDetails: row.usageDetails,
    costDetails: row.costDetails,
    level: row.level,
    statusMessage: row.statusMessage,
    parentObservationId: row.parentObservationId,
    promptId: null,
    promptName: row.promptName,
    promptVersion: row.promptVersion,
    createdAt: row.createdAt,
    updatedAt: row.updatedAt,
    modelId: null,
    inputPrice: null,
    outputPrice: null,
    totalPrice: null,
    calculatedInputCost: row.costDetails.input ?? null,
    calculatedOutputCost: row.costDetails.output ?? null,
    calculatedTotalCost: row.totalCost,
    latency: row.endTime === null ? null : (Date.parse(row.endTime) - Date.parse(row.startTime)) / 1000,
    timeToFirstToken: null,
  }
}
