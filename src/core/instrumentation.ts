import { BillingError } from './errors.js'
import type { AnyProvider } from './ports/provider.js'

/** Told of what happens, as pino's loggers are and others can be; nothing is by default. Fields are ids, names, codes and numbers: nothing that people wrote, no secret. */
export interface Logger {
  /** What went as it should. */
  debug(fields: LogFields, message: string): void
  /** What is tried again, and requests. */
  info(fields: LogFields, message: string): void
  /** What was given up. */
  warn(fields: LogFields, message: string): void
  /** What went wrong. */
  error(fields: LogFields, message: string): void
}

export type LogFields = Readonly<Record<string, string | number | boolean | null>>

/** What measures the service from within; `openTelemetry()` of `billfold/opentelemetry` makes one. */
export interface Instrumentation {
  /** The service with its verbs measured. */
  service<T extends object>(service: T): T
  /** A provider with its capabilities measured; the same for the same one. */
  provider<P extends AnyProvider>(provider: P): P
  /** Measures an attempt to deliver something to a provider or consumer, which has an outcome for each of so many. */
  delivery<T extends readonly { readonly status: string }[]>(
    destination: string,
    count: number,
    attempt: () => Promise<T>,
  ): Promise<T>
}

/** Measures nothing. */
export const unmeasured: Instrumentation = {
  service: (service) => service,
  provider: (provider) => provider,
  delivery: (_destination, _count, attempt) => attempt(),
}

/** Each provider in its part, measured. */
export function measuredProviders<R extends object>(roles: R, { provider: measured }: Instrumentation): R {
  const parts = Object.entries(roles).map(
    ([part, given]: [string, AnyProvider | readonly AnyProvider[] | undefined]) => [
      part,
      Array.isArray(given) ? given.map(measured) : given && measured(given as AnyProvider),
    ],
  )
  return Object.fromEntries(parts) as R
}

/** What may be told of an error: never its words, which others may have written. */
export function errorFields(error: unknown): LogFields {
  if (BillingError.is(error)) return { code: error.code, outcome: error.outcome, retryable: error.retryable }
  return { code: 'internal_error', error: error instanceof Error ? error.name : typeof error }
}
