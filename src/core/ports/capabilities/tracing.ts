import type { Instant } from '../../domain/period.js'
import type { CallOptions } from '../call-options.js'
import type { ReportOutcome } from './metering.js'

/** One usage event as a trace with one generation. */
export interface TracedUsage {
  /** Our id of the usage event; trace and span ids are derived from it, so that a repeat replaces instead of adding. */
  readonly usageId: string
  readonly accountId: string
  readonly meter: string
  readonly model: string | null
  /** Decimal text in the meter's unit. */
  readonly quantity: string
  readonly tokens: Readonly<Record<string, number>> | null
  /** Decimal text; `null` when it was not rated by cost. */
  readonly costUsd: string | null
  /** Decimal text in Sparks. */
  readonly sparks: string
  /** Who paid when it was recorded: `allowance`, `credits`, `meter:<provider>`, `debt`, `byo`; several with a comma between. */
  readonly billingStatus: string
  readonly occurredAt: Instant
  readonly dimensions: Readonly<Record<string, string>>
}

/** Shows usage in an observability tool. */
export interface TracingCapability {
  /** One outcome per usage event, in order. */
  export(usage: readonly TracedUsage[], options: CallOptions): Promise<readonly ReportOutcome[]>
}
