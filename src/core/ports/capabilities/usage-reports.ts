import type { Instant } from '../../domain/period.js'
import type { CallOptions } from '../call-options.js'

/** Reads back what a metering provider counted. */
export interface UsageReportsCapability {
  /** Sum of what was reported for a customer on a meter from `from` (included) to `to` (excluded), whole minutes. */
  total(
    query: { readonly customerId: string; readonly meter: string; readonly from: Instant; readonly to: Instant },
    options: CallOptions,
  ): Promise<{ readonly sparks: bigint }>
}
