import { BillingError } from '../../core/errors.js'
import type { TraceObservation, TraceQuery, TracesCapability } from '../../core/ports/capabilities/traces.js'
import { toObservation } from './observation.js'
import { readAgain } from './read-again.js'
import { readError } from './read-error.js'

/** The part of a `LangfuseClient` of `@langfuse/client` that is used. */
export interface LangfuseReader {
  readonly api: {
    readonly observations: {
      /** A page of observations. */
      getMany(
        request: {
          readonly fields: string
          readonly expandMetadata: string
          readonly limit: number
          readonly cursor?: string
          readonly traceId?: string
          readonly fromStartTime?: string
          readonly toStartTime?: string
        },
        options: {
          readonly timeoutInSeconds: number
          readonly maxRetries: number
          readonly abortSignal?: AbortSignal
        },
      ): PromiseLike<{ readonly data: readonly unknown[]; readonly meta: { readonly cursor?: string | null } }>
    }
  }
}

/** Without `usage` there is no cost, without `metadata` no account. Prompts and answers (`io`) are never asked for. */
const fields = 'core,basic,time,model,usage,metadata'
const rowsPerPage = 1_000

/** What may be longer than the 200 characters that Langfuse shows of metadata which is not asked for by name. */
const longMetadata = ['billfold_subscription', 'subscription']

/** Observations of Langfuse 4, by its second API; `whole` names metadata that is read in full beside ours. */
export function langfuseTraces(
  client: LangfuseReader,
  timeoutMs: number,
  whole: readonly string[],
): Pick<TracesCapability, 'list'> {
  const expandMetadata = [...longMetadata, ...whole].join(',')
  return {
    async list(query, cursor, { signal }) {
      const request = {
        fields,
        expandMetadata,
        limit: rowsPerPage,
        ...toFilter(query),
        ...(cursor === null ? {} : { cursor }),
      }
      // The client's own `timeout` is not applied (5.11.1), and it leaves its listeners on the signal: both are given anew with each call.
      const options = {
        timeoutInSeconds: Math.ceil(timeoutMs / 1000),
        maxRetries: 0,
      }
      const read = () => {
        const stops = signal === undefined ? {} : { abortSignal: AbortSignal.any([signal]) }
        return client.api.observations.getMany(request, { ...options, ...stops })
      }
      try {
        const { data, meta } = await readAgain(read, signal)
        if (!Array.isArray(data)) throw malformed('no list of observations')
        return { observations: data.map((row) => required(toObservation(row))), next: meta?.cursor ?? null }
      } catch (error) {
        throw readError(error)
      }
    },
  }
}

function toFilter(query: TraceQuery) {
  if ('traceId' in query) return { traceId: query.traceId }
  return { fromStartTime: new Date(query.from).toISOString(), toStartTime: new Date(query.to).toISOString() }
}

export function required(observation: TraceObservation | null): TraceObservation {
  if (observation) return observation
  throw malformed('an observation without its id, trace or start')
}

/** What cannot be read is never left out without a word. */
export function malformed(what: string): BillingError {
  return new BillingError('provider_response_invalid', `Langfuse answered with ${what}.`, {
    details: { provider: 'langfuse' },
  })
}
