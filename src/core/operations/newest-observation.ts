import type { TraceObservation } from '../ports/capabilities/traces.js'

/** Whether a row was written after another one of the same observation: until the provider has merged them, there may be several. */
export function isNewer(left: TraceObservation, right: TraceObservation): boolean {
  const [leftAt, rightAt] = [left.updatedAt ?? 0, right.updatedAt ?? 0]
  return leftAt === rightAt ? left.startedAt > right.startedAt : leftAt > rightAt
}
