import { errorFields, type Logger } from '../index.js'

/** An answer, and the pattern of the route that gave it; without one nothing was there. */
export interface AnsweredRequest {
  readonly response: Response
  readonly route?: string
}

/** What measures requests; `openTelemetry()` of `billfold/opentelemetry` makes one. */
export interface RequestInstrumentation {
  /** Answers with what `respond` does. */
  request(request: Request, respond: () => Promise<AnsweredRequest>): Promise<Response>
}

/** What is known of a request once it is answered. */
export interface AskedFor {
  route?: string | undefined
  requestId?: string
}

/** Tells of a request its method and the pattern of its route: what a path, query or header has in it may be anything. */
export function tell(logger: Logger, { method }: Request, { status }: Response, asked: AskedFor, ms: number): void {
  const { route = null, requestId = null } = asked
  const fields = { method: methodOf(method), route, status, durationMs: Math.round(ms * 100) / 100, requestId }
  logger[status >= 500 ? 'error' : 'info'](fields, 'request')
}

const methods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])

function methodOf(method: string): string {
  return methods.has(method) ? method : '_OTHER'
}

/** Who is told of what is answered with 500, where an app names nobody. */
export function failuresTo(logger: Logger | undefined): (error: unknown, requestId: string) => void {
  if (logger) return (error, requestId) => logger.error({ requestId, ...errorFields(error) }, 'request failed')
  return (error) => console.error('billfold', error)
}
