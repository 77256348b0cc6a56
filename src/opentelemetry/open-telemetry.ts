import { type MeterProvider, metrics, SpanKind, type TracerProvider, trace } from '@opentelemetry/api'
import type { RequestInstrumentation } from '../http/index.js'
import type { Instrumentation } from '../index.js'
import { createMeasure, durations } from './measure.js'
import { measuredRequests } from './requests.js'
import { withMeasuredMethods } from './verbs.js'

/** Where spans and metrics go. */
export interface OpenTelemetryOptions {
  /** Default: the global one. */
  readonly tracerProvider?: TracerProvider
  /** Default: the global one. */
  readonly meterProvider?: MeterProvider
}

/** Give it to `createBilling` and to handlers, as `instrumentation`. */
export type BillingTelemetry = Instrumentation & RequestInstrumentation

/** These go on as long as somebody listens. */
const endless: ReadonlySet<string> = new Set(['on', 'changes', 'close', 'sync.run', 'costs.export'])

/**
 * Spans and metrics of what the service does: its verbs, the routes of its handlers, calls of providers, and deliveries. Names and attributes are verbs,
 * route patterns, providers, destinations, statuses and codes: no id, no amount, and nothing that anybody wrote.
 *
 * @example
 * const instrumentation = openTelemetry()
 * const billing = createBilling({ catalog, store, instrumentation })
 * const handler = createHandler(billing, { identify, instrumentation })
 * @see docs/observability.md
 */
export function openTelemetry({ tracerProvider, meterProvider }: OpenTelemetryOptions = {}): BillingTelemetry {
  const tracer = (tracerProvider ?? trace).getTracer('billfold')
  const meter = (meterProvider ?? metrics).getMeter('billfold')
  const measure = createMeasure(tracer)
  const operations = meter.createHistogram('billfold.operation.duration', {
    ...durations,
    description: 'How long verbs of the service take.',
  })
  const calls = meter.createHistogram('billfold.provider.operation.duration', {
    ...durations,
    description: 'How long providers take to do what they are asked.',
  })
  const attempts = meter.createHistogram('messaging.client.operation.duration', {
    ...durations,
    description: 'How long an attempt to deliver takes.',
  })
  const messages = meter.createCounter('messaging.client.sent.messages', {
    unit: '{message}',
    description: 'What was tried to be delivered, by what came of it.',
  })
  // Roles may share a provider, which has to stay one.
  const known = new WeakMap<object, object>()

  return {
    service: (service) =>
      withMeasuredMethods(service, {
        isLeftOut: (name) => endless.has(name),
        around: (name, work) => {
          const attributes = { 'billfold.operation': name }
          return measure({ name, kind: SpanKind.INTERNAL, attributes, histogram: operations }, work)
        },
      }),
    provider<P extends { readonly id: string }>(provider: P): P {
      const found = known.get(provider)
      if (found) return found as P
      const measured = withMeasuredMethods(provider, {
        // What is no capability, such as a client, is handed on as it is.
        isLeftOut: (name) => !isCapability(name),
        around: (operation, work) => {
          const attributes = { 'billfold.provider': provider.id, 'billfold.operation': operation }
          const span = { name: `${provider.id} ${operation}`, kind: SpanKind.CLIENT, attributes, histogram: calls }
          return measure(span, work)
        },
      })
      known.set(provider, measured)
      return measured
    },
    delivery(destination, count, attempt) {
      const attributes = {
        'messaging.system': 'billfold',
        'messaging.operation.name': 'send',
        'messaging.operation.type': 'send',
        'messaging.destination.name': destination,
      }
      const span = {
        ...{ name: `send ${destination}`, kind: SpanKind.PRODUCER, attributes, histogram: attempts },
        spanAttributes: { 'messaging.batch.message_count': count },
      }
      return measure(span, async (note) => {
        const outcomes = await attempt()
        const byStatus = new Map<string, number>()
        for (const { status } of outcomes) byStatus.set(status, (byStatus.get(status) ?? 0) + 1)
        for (const [status, times] of byStatus) {
          const isDelivered = status === 'delivered'
          messages.add(times, { ...attributes, ...(isDelivered ? {} : { 'error.type': status }) })
          if (!isDelivered) note(status)
        }
        return outcomes
      })
    },
    request: measuredRequests(tracer, meter),
  }
}

const capabilities: ReadonlySet<string> = new Set([
  ...['customers', 'catalog', 'checkout', 'portal', 'subscriptions', 'invoices', 'invoice-credits', 'payments'],
  ...['payment-methods', 'metering', 'tracing', 'traces', 'usage-reports', 'webhooks'],
])

function isCapability(name: string): boolean {
  return capabilities.has(name.split('.')[0] ?? '')
}
