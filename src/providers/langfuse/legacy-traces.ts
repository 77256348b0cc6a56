import { BillingError } from '../../core/errors.js'
import type { TraceQuery, TracesCapability } from '../../core/ports/capabilities/traces.js'
import { type TraceFacts, toObservation } from './observation.js'
import { readError } from './read-error.js'
import { malformed, required } from './traces.js'

/** The part of a `Langfuse` of the package `langfuse` (3.x) that is used. */
export interface LegacyLangfuseReader {
  /** A page of observations. */
  fetchObservations(query: {
    readonly page: number
    readonly limit: number
    readonly traceId?: string
    readonly fromStartTime?: Date
    readonly toStartTime?: Date
  }): Promise<{ readonly data?: unknown; readonly meta?: unknown }>
  /** One trace. */
  fetchTrace(traceId: string): Promise<{ readonly data?: unknown }>
}

const rowsPerPage = 100
const nobody: TraceFacts = { userId: null, metadata: null }

/**
 * Observations of self-hosted Langfuse 3, by the package `langfuse`. That client logs what the server refuses and answers as if there
 * was nothing: an answer without a list or without its counts is therefore an error here, and so are pages from which something went
 * missing while they were read. Who a trace is of is asked for trace by trace.
 */
export function legacyLangfuseTraces(client: LegacyLangfuseReader): Pick<TracesCapability, 'list'> {
  return {
    async list(query, cursor, { signal }) {
      const [page = 1, before = 0] = cursor === null ? [] : cursor.split(':').map(Number)
      try {
        // The client cannot be stopped in the middle of a call.
        signal?.throwIfAborted()
        const { data, meta } = await client.fetchObservations({ page, limit: rowsPerPage, ...toDates(query) })
        if (!Array.isArray(data)) throw swallowed()
        const { totalItems, totalPages } = countsOf(meta)
        if (totalItems < before) {
          const message = 'Observations went missing while Langfuse was read: pull again.'
          throw new BillingError('provider_unavailable', message, { details: { provider: 'langfuse' } })
        }
        const traces = new Map<string, TraceFacts>()
        const observations = []
        for (const row of data) {
          const { traceId } = required(toObservation(row))
          const trace = traces.get(traceId) ?? (traceId === '' ? nobody : await traceOf(client, traceId))
          traces.set(traceId, trace)
          observations.push(required(toObservation(row, trace)))
        }
        return { observations, next: page < totalPages ? `${page + 1}:${totalItems}` : null }
      } catch (error) {
        throw readError(error)
      }
    },
  }
}

function toDates(query: TraceQuery) {
  if ('traceId' in query) return { traceId: query.traceId }
  return { fromStartTime: new Date(query.from), toStartTime: new Date(query.to) }
}

async function traceOf(client: LegacyLangfuseReader, traceId: string): Promise<TraceFacts> {
  const { data } = await client.fetchTrace(traceId)
  const trace = (typeof data === 'object' && data !== null ? data : {}) as Readonly<Record<string, unknown>>
  if (trace.id !== traceId) throw malformed('no trace for one of its observations')
  return { userId: typeof trace.userId === 'string' ? trace.userId : null, metadata: trace.metadata }
}

function countsOf(meta: unknown): { readonly totalItems: number; readonly totalPages: number } {
  const { totalItems, totalPages } = (meta ?? {}) as { readonly totalItems?: unknown; readonly totalPages?: unknown }
  if (typeof totalItems === 'number' && typeof totalPages === 'number') return { totalItems, totalPages }
  throw malformed('a page that does not say how many there are')
}

/** The client keeps to itself what the server answered: it may be the keys, the version or an outage. */
function swallowed(): BillingError {
  const message =
    'Langfuse answered without observations; why is in the log of its client. Version 4 is read with `client`, only version 3 with `legacyClient`.'
  return new BillingError('provider_response_invalid', message, { details: { provider: 'langfuse' }, retryable: true })
}
