import type { ReportState } from '../../core/ports/store.js'
import { firstAttemptOf, type Waiting } from './waiting.js'

/** A delivery for metering, with what the state of its report follows from. */
export interface ReportPart
  extends Pick<Waiting, 'status' | 'bundle' | 'firstAttemptAt' | 'claimedAt' | 'leasedUntil'> {
  readonly id: string
  readonly meter: string | null
  readonly sparks: bigint
  readonly occurredAt: number
}

/** What a delivery is reported under. */
export function reportOf({ id, bundle }: Pick<ReportPart, 'id' | 'bundle'>): string {
  return bundle ?? id
}

/** The reports of deliveries, which are given oldest first. */
export function reportStates(parts: readonly ReportPart[]): readonly ReportState[] {
  const reports = new Map<string, ReportState>()
  for (const part of parts) {
    const { meter, sparks, occurredAt, status, claimedAt } = part
    const id = reportOf(part)
    const known = reports.get(id)
    reports.set(id, {
      id,
      meter: meter ?? '',
      sparks: sparks + (known?.sparks ?? 0n),
      occurredAt: Math.max(occurredAt, known?.occurredAt ?? occurredAt),
      status,
      claimedAt,
      mayHaveArrived: (known?.mayHaveArrived ?? false) || firstAttemptOf(part) !== null,
    })
  }
  return [...reports.values()].sort(
    (left, right) => compare(left.meter, right.meter) || left.occurredAt - right.occurredAt,
  )
}

function compare(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0
}
