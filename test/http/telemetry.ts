import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
import { openTelemetry } from 'billfold/opentelemetry'

/** Telemetry by the real SDK, which keeps what it is told. */
export function telemetry() {
  const spanExporter = new InMemorySpanExporter()
  const metricExporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  const reader = new PeriodicExportingMetricReader({ exporter: metricExporter, exportIntervalMillis: 2 ** 30 })
  const tracerProvider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spanExporter)] })
  const meterProvider = new MeterProvider({ readers: [reader] })
  return {
    instrumentation: openTelemetry({ tracerProvider, meterProvider }),
    spans: () => spanExporter.getFinishedSpans(),
    reset: () => spanExporter.reset(),
    async metrics() {
      metricExporter.reset()
      await reader.forceFlush()
      const found = metricExporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics)
      return found.flatMap((scope) =>
        scope.metrics.map(({ descriptor, dataPoints }) => ({ ...descriptor, points: dataPoints })),
      )
    },
  }
}
