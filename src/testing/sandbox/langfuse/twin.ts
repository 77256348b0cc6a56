import { gunzipSync } from 'node:zlib'
import type { Fate } from '../faults.js'
import type { Journal, Table } from '../journal.js'
import { legacyTrace, listLegacyObservations } from './legacy.js'
import { listObservations, project, type StoredObservation } from './observations.js'
import { parseExport } from './otlp.js'
import { type LangfuseDelays, putRow, readableRows } from './rows.js'
import { putScore, type StoredScore } from './scores.js'

export interface LangfuseTwinOptions {
  readonly journal: Journal
  readonly now: () => number
  readonly publicKey: string
  readonly secretKey: string
  readonly fateOf: (method: string, path: string) => Fate
  /** Default 4: by version 3 the legacy API is served, and not the second one. */
  readonly version?: 3 | 4
  readonly delays?: Partial<LangfuseDelays>
}

export interface LangfuseTwin {
  /** Answers one API request; `path` begins with `/api/public`. `Response.error()` stands for a cut connection. */
  handle(request: Request, path: string): Promise<Response>
  counts(): {
    readonly exports: number
    readonly traces: number
    readonly observations: number
    readonly scores: number
  }
  /** Changes what an observation came to, as the server's own pricing does when it is late. @returns how many rows that were */
  change(traceId: string, change: ObservationChange): number
}

/** What an observation comes to; of all of the trace's where none is named. */
export interface ObservationChange {
  readonly observationId?: string | undefined
  /** `null`: it is not known. */
  readonly totalCost?: number | null | undefined
  readonly usageDetails?: Readonly<Record<string, number>> | undefined
  readonly userId?: string | undefined
  readonly metadata?: Readonly<Record<string, string>> | undefined
}

interface Answer {
  readonly status: number
  readonly body: unknown
  readonly headers?: Readonly<Record<string, string>>
}

const delayedVisibilityMs = 10 * 60 * 1000
const ingestionVersion = 4

/** A stateful stand-in for Langfuse 4: OpenTelemetry in, v2 observations out, the legacy API gone. */
export function createLangfuseTwin(options: LangfuseTwinOptions): LangfuseTwin {
  const observations = options.journal.table<StoredObservation>('langfuse.observations')
  const exports = options.journal.table<{ readonly count: number }>('langfuse.exports')
  const scores = options.journal.table<StoredScore>('langfuse.scores')
  const delays = { readMs: 0, mergeMs: 0, ...options.delays }
  const isLegacy = options.version === 3
  const readable = () => readableRows(observations.values(), options.now())

  const perform = (request: Request, path: string, body: Buffer, fate: Fate): Answer => {
    const operation = `${request.method} ${path}`
    if (operation === 'GET /api/public/projects') return { status: 200, body: { data: [project] } }
    if (operation === 'POST /api/public/otel/v1/traces') {
      exports.put('total', { count: (exports.get('total')?.count ?? 0) + 1 })
      return ingest(observations, request.headers, body, options.now(), fate, delays)
    }
    const { searchParams } = new URL(request.url)
    if (operation === 'GET /api/public/v2/observations' && !isLegacy)
      return answered(listObservations(readable(), searchParams))
    if (operation === 'POST /api/public/scores') return answered(putScore(scores, readJson(body)))
    if (isLegacy) {
      if (operation === 'GET /api/public/observations')
        return answered(listLegacyObservations(readable(), searchParams))
      const [, traceId] = /^GET \/api\/public\/traces\/([^/]+)$/.exec(operation) ?? []
      const trace = traceId === undefined ? null : legacyTrace(readable(), decodeURIComponent(traceId))
      if (trace) return { status: 200, body: trace }
      return refuse(404, 'LangfuseNotFoundError', `${operation} is not here.`)
    }
    if (operation === 'POST /api/public/ingestion') return refuseLegacyEvents(body)
    const problem = `${operation} is of the legacy API, which was switched off, or not part of this sandbox.`
    return refuse(404, 'LangfuseNotFoundError', problem)
  }

  const answer = async (request: Request, path: string): Promise<Answer | undefined> => {
    const body = Buffer.from(await request.arrayBuffer())
    const fate = options.fateOf(request.method, path)
    if (!(await fate.arrive())) return undefined
    if (`${request.method} ${path}` === 'GET /api/public/health')
      return { status: 200, body: { status: 'OK', version: isLegacy ? '3.130.0' : '4.16.0' } }
    const known = isAuthorized(request.headers, options)
    const own = !known
      ? refuse(401, 'UnauthorizedError', "Invalid credentials. Confirm that you've configured the correct host.")
      : fate.doesWork
        ? options.journal.commit(() => perform(request, path, body, fate))
        : undefined
    const given = known && fate.answer !== undefined ? faultAnswer(fate.answer) : own
    return fate.losesAnswer ? undefined : given
  }

  return {
    async handle(request, path) {
      const given = await answer(request, path)
      if (given === undefined) return Response.error()
      return new Response(JSON.stringify(given.body), {
        status: given.status,
        headers: { 'content-type': 'application/json', ...given.headers },
      })
    },
    counts: () => ({
      exports: exports.get('total')?.count ?? 0,
      traces: new Set([...observations.values()].map((row) => row.traceId)).size,
      observations: observations.size,
      scores: scores.size,
    }),
    change(traceId, { observationId, totalCost, ...facts }) {
      const rows = [...observations.values()].filter(
        (row) => row.traceId === traceId && (observationId === undefined || observationId === row.id),
      )
      const cost =
        totalCost === undefined ? {} : { totalCost, costDetails: totalCost === null ? {} : { total: totalCost } }
      const given = Object.fromEntries(Object.entries({ ...facts, ...cost }).filter(([, value]) => value !== undefined))
      const now = options.now()
      options.journal.commit(() => {
        for (const { previous: _, visibleAtMs: __, createdAt: ___, updatedAt: ____, ...row } of rows)
          putRow(observations, { ...row, ...given }, now, now + delays.readMs, delays)
      })
      return rows.length
    },
  }
}

function answered(body: object): Answer {
  if ('problem' in body) return refuse(400, 'InvalidRequestError', String(body.problem))
  return { status: 200, body }
}

function ingest(
  table: Table<StoredObservation>,
  headers: Headers,
  body: Buffer,
  nowMs: number,
  fate: Fate,
  delays: LangfuseDelays,
): Answer {
  const version = Number(headers.get('x-langfuse-ingestion-version') ?? 0)
  if (!(version <= ingestionVersion)) {
    return refuse(400, 'InvalidRequestError', `Unsupported x-langfuse-ingestion-version: at most ${ingestionVersion}.`)
  }
  const content = readJson(body)
  const rows = content === undefined ? { problem: 'expected OTLP as JSON' } : parseExport(content)
  if ('problem' in rows) return refuse(400, 'InvalidRequestError', `Failed to parse OTel JSON: ${rows.problem}`)
  if (fate.rejectsAll) {
    const partialSuccess = { rejectedSpans: rows.length, errorMessage: 'Rejected by an injected sandbox fault.' }
    return { status: 200, body: { partialSuccess } }
  }
  const visibleAtMs = nowMs + delays.readMs + (isDirect(headers, version) ? 0 : delayedVisibilityMs)
  for (const row of rows) putRow(table, row, nowMs, visibleAtMs, delays)
  return { status: 200, body: {} }
}

/** Who speaks the current protocol is read at once, others wait for the propagation job. */
function isDirect(headers: Headers, version: number): boolean {
  if (version === ingestionVersion) return true
  const major = Number((headers.get('x-langfuse-sdk-version') ?? '').split('.')[0])
  return headers.get('x-langfuse-sdk-name') === 'javascript' && major >= 5
}

/** 207 looks like success; every event in it but scores is refused. */
function refuseLegacyEvents(body: Buffer): Answer {
  const content = readJson(body)
  const batch = typeof content === 'object' && content !== null && 'batch' in content ? content.batch : undefined
  if (!Array.isArray(batch)) return refuse(400, 'InvalidRequestError', 'Expected { batch: [...] }')
  const events = batch.map(
    (event: unknown) => (typeof event === 'object' && event !== null ? event : {}) as { id?: unknown; type?: unknown },
  )
  const isScore = ({ type }: { type?: unknown }) => type === 'score-create'
  return {
    status: 207,
    body: {
      successes: events.filter(isScore).map(({ id }) => ({ id: String(id), status: 201 })),
      errors: events
        .filter((event) => !isScore(event))
        .map(({ id }) => ({
          id: String(id),
          status: 400,
          message: 'Invalid request data',
          error: 'Event type not accepted',
        })),
    },
  }
}

function isAuthorized(headers: Headers, keys: Pick<LangfuseTwinOptions, 'publicKey' | 'secretKey'>): boolean {
  const [scheme = '', credentials = ''] = (headers.get('authorization') ?? '').split(' ')
  if (scheme.toLowerCase() !== 'basic') return false
  return Buffer.from(credentials, 'base64').toString() === `${keys.publicKey}:${keys.secretKey}`
}

function readJson(body: Buffer): unknown {
  try {
    const plain = body[0] === 0x1f && body[1] === 0x8b ? gunzipSync(body) : body
    return JSON.parse(plain.toString('utf8')) as unknown
  } catch {
    return undefined
  }
}

function refuse(status: number, error: string, message: string): Answer {
  return { status, body: { message, error } }
}

function faultAnswer({ status, headers }: NonNullable<Fate['answer']>): Answer {
  return { ...refuse(status, 'InjectedFault', 'Injected by the sandbox.'), headers }
}
