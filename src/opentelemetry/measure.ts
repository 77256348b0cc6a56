import {
  type Attributes,
  type Context,
  context,
  type Histogram,
  type SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api'
import { BillingError } from '../index.js'

/** Seconds, in the steps that the conventions advise. @see https://opentelemetry.io/docs/specs/semconv/http/http-metrics/ */
export const durations = {
  unit: 's',
  advice: { explicitBucketBoundaries: [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10] },
}

/** What is measured. */
export interface Measured {
  readonly name: string
  readonly kind: SpanKind
  /** Of the span and of the metric: few values each. */
  readonly attributes: Attributes
  /** Of the span alone. */
  readonly spanAttributes?: Attributes
  readonly histogram: Histogram
  /** What it is part of; default what is active. */
  readonly parent?: Context
}

/** Measures some work; `note` says that it failed although it answers. */
export type Measure = <T>(what: Measured, work: (note: (errorType: string) => void) => Promise<T>) => Promise<T>

export function createMeasure(tracer: Tracer): Measure {
  return async (what, work) => {
    const { name, kind, attributes, spanAttributes, histogram, parent = context.active() } = what
    const span = tracer.startSpan(name, { kind, attributes: { ...attributes, ...spanAttributes } }, parent)
    const start = performance.now()
    let failure: string | undefined
    const note = (errorType: string) => {
      failure = errorType
    }
    try {
      return await context.with(trace.setSpan(parent, span), () => work(note))
    } catch (error) {
      failure = errorTypeOf(error)
      throw error
    } finally {
      const failed = failure === undefined ? {} : { 'error.type': failure }
      // Of an error its code and not its words, which others may have written.
      if (failure !== undefined) span.setAttributes(failed).setStatus({ code: SpanStatusCode.ERROR })
      span.end()
      histogram.record((performance.now() - start) / 1_000, { ...attributes, ...failed })
    }
  }
}

function errorTypeOf(error: unknown): string {
  if (BillingError.is(error)) return error.code
  return error instanceof Error ? error.name : '_OTHER'
}
