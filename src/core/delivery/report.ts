import type { Delivery, Settlement } from '../ports/store.js'

/** What a pass over the outbox did. */
export interface DeliveryReport {
  readonly tried: number
  readonly delivered: number
  /** To be tried again later. */
  readonly postponed: number
  /** Given up: they wait for a person or for reconciliation. */
  readonly parked: number
}

export const noDeliveries: DeliveryReport = { tried: 0, delivered: 0, postponed: 0, parked: 0 }

export function sumReports(left: DeliveryReport, right: DeliveryReport): DeliveryReport {
  return {
    tried: left.tried + right.tried,
    delivered: left.delivered + right.delivered,
    postponed: left.postponed + right.postponed,
    parked: left.parked + right.parked,
  }
}

/** Counts deliveries by what became of them, one settlement each, where their claim still held: the others are somebody else's. */
export function countSettled(
  batch: readonly Delivery[],
  settlements: readonly Settlement[],
  held: readonly string[],
): DeliveryReport {
  const ids = new Set(held)
  const counts = { delivered: 0, pending: 0, parked: 0, uncertain: 0 }
  let tried = 0
  batch.forEach(({ id, members }, index) => {
    tried += members
    const status = settlements[index]?.status
    if (status !== undefined && ids.has(id)) counts[status] += members
  })
  return {
    tried,
    delivered: counts.delivered,
    postponed: counts.pending,
    parked: counts.parked + counts.uncertain,
  }
}
