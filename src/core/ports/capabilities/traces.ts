import type { Instant } from '../../domain/period.js'
import type { CallOptions } from '../call-options.js'

/** Something that was observed: a call of a model, a step, a whole request. */
export interface TraceObservation {
  /** Empty where it belongs to none: then it is told of, and charged to nobody. */
  readonly traceId: string
  /** Unique in its trace. */
  readonly id: string
  /** What it was a part of; `null` for the whole. */
  readonly parentId: string | null
  /** Whether it was a call of a model. */
  readonly isGeneration: boolean
  readonly name: string | null
  readonly startedAt: Instant
  /** `null` while it goes on. */
  readonly endedAt: Instant | null
  /** When it was written last; of two rows with one id the later is right. */
  readonly updatedAt: Instant | null
  readonly model: string | null
  /** Counts by pool, no token in two of them; `total` alone where nothing else is known. */
  readonly tokens: Readonly<Record<string, number>>
  /** Decimal text; `null` while it is not known. */
  readonly costUsd: string | null
  /** Decimal text; `null` while it goes on. */
  readonly latencySeconds: string | null
  readonly userId: string | null
  readonly metadata: Readonly<Record<string, string>>
}

/** What to read: what began in a time (`from` included, `to` excluded), or one trace. */
export type TraceQuery = { readonly from: Instant; readonly to: Instant } | { readonly traceId: string }

/** A page of observations. One may come twice, on one page or on two. */
export interface TracePage {
  readonly observations: readonly TraceObservation[]
  /** Where the next page begins; `null` on the last. */
  readonly next: string | null
}

/** Reads what an observability tool knows of usage. */
export interface TracesCapability {
  /**
   * One page. A trace that is not known, or not yet, has none.
   *
   * @throws BillingError `provider_unavailable`, `provider_authentication`, `provider_response_invalid`: never a page that lacks something
   */
  list(query: TraceQuery, cursor: string | null, options: CallOptions): Promise<TracePage>
  /** Leaves a mark on traces that says that they were processed; harmless to repeat. */
  mark?(traceIds: readonly string[], options: CallOptions): Promise<void>
}
