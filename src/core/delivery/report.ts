import type { Settlement } from '../ports/store.js'

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

/** Counts the settlements whose claim still held: the others are somebody else's. */
export function countSettled(settlements: readonly Settlement[], held: readonly string[]): DeliveryReport {
  const ids = new Set(held)
  const own = settlements.filter(({ id }) => ids.has(id))
  const count = (...statuses: Settlement['status'][]) => own.filter(({ status }) => statuses.includes(status)).length
  return {
    tried: settlements.length,
    delivered: count('delivered'),
    postponed: count('pending'),
    parked: count('parked', 'uncertain'),
  }
}
