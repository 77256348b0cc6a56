import { context, type Meter, propagation, SpanKind, SpanStatusCode, type Tracer, trace } from '@opentelemetry/api'
import type { RequestInstrumentation } from '../http/index.js'
import { durations } from './measure.js'

const methods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])

const headerOf = {
  keys: (headers: Headers) => [...headers.keys()],
  get: (headers: Headers, name: string) => headers.get(name) ?? undefined,
}

/**
 * Requests by the pattern of their route. Path, query and headers are left out, since anybody may have written anything there.
 *
 * @see https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-server
 */
export function measuredRequests(tracer: Tracer, meter: Meter): RequestInstrumentation['request'] {
  const histogram = meter.createHistogram('http.server.request.duration', {
    ...durations,
    description: 'Duration of HTTP server requests.',
  })
  return async (request, respond) => {
    const method = methods.has(request.method) ? request.method : '_OTHER'
    const parent = propagation.extract(context.active(), request.headers, headerOf)
    const said = { 'http.request.method': method, 'url.scheme': new URL(request.url).protocol.replace(':', '') }
    const named = method === '_OTHER' ? 'HTTP' : method
    const span = tracer.startSpan(named, { kind: SpanKind.SERVER, attributes: said }, parent)
    const start = performance.now()
    let known: Readonly<Record<string, string | number>> = { 'error.type': '_OTHER' }
    try {
      const { response, route } = await context.with(trace.setSpan(parent, span), respond)
      if (route !== undefined) span.updateName(`${named} ${route}`)
      const { status } = response
      known = {
        'http.response.status_code': status,
        ...(route === undefined ? {} : { 'http.route': route }),
        ...(status >= 500 ? { 'error.type': String(status) } : {}),
      }
      return response
    } finally {
      span.setAttributes(known)
      if ('error.type' in known) span.setStatus({ code: SpanStatusCode.ERROR })
      span.end()
      histogram.record((performance.now() - start) / 1_000, { ...said, ...known })
    }
  }
}
