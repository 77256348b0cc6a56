import { utcDay } from '../period.js'
import type { RatedUsage } from './command.js'
import type { Draft } from './draft.js'
import { storable } from './posting.js'

/** Adds one usage event, or what an amendment changes, to its day's sums. @throws BillingError `amount_out_of_range`, before it changed anything */
export function addRollup(
  draft: Draft,
  accountId: string,
  meter: string,
  usage: Pick<RatedUsage, 'model' | 'quantity' | 'sparks'>,
  occurredAt: number,
  events = 1,
): void {
  const day = utcDay(occurredAt)
  const model = usage.model ?? ''
  const key = JSON.stringify([accountId, day, meter, model])
  const before = draft.rollups.get(key) ?? { accountId, day, meter, model, events: 0, quantity: 0n, sparks: 0n }
  draft.rollups.set(key, {
    ...before,
    events: before.events + events,
    quantity: storable(before.quantity + usage.quantity, 'The usage of the day'),
    sparks: storable(before.sparks + usage.sparks, 'The Sparks of the day'),
  })
}
