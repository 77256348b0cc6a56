import { decimal, toScaled } from '../decimal.js'
import { utcDay } from '../period.js'
import type { MicroSparks } from '../sparks.js'
import type { RatedUsage } from './command.js'
import type { Draft } from './draft.js'
import { storable } from './posting.js'
import type { Rollup } from './state.js'

/** What one usage event, or what an amendment changes, adds to the sums of its day. */
export interface Addition {
  readonly accountId: string
  readonly occurredAt: number
  readonly usage: Pick<RatedUsage, 'meter' | 'provider' | 'model' | 'quantity' | 'sparks' | 'costUsd' | 'dimensions'>
  readonly charged: MicroSparks
  readonly events: number
}

/**
 * Adds to the sums of the day: the one over everything, and one for each dimension the catalog has sums of.
 *
 * @throws BillingError `amount_out_of_range`, before it changed anything
 */
export function addRollup(draft: Draft, { accountId, occurredAt, usage, charged, events }: Addition): void {
  const { rollups } = draft
  const costPicos = usage.costUsd === null ? 0n : toScaled(decimal(usage.costUsd), 12, 'half_even')
  const sumFor = (dimension: string, value: string): Rollup => {
    return {
      accountId,
      dimension,
      day: utcDay(occurredAt),
      meter: usage.meter,
      provider: usage.provider ?? '',
      model: usage.model ?? '',
      value,
      events,
      quantity: usage.quantity,
      sparks: usage.sparks,
      charged,
      costPicos,
    }
  }
  const whole = sumFor('', '')
  const sums = [added(rollups.get(keyOf(whole)), whole)]
  for (const dimension of draft.rules.catalog.rollupDimensions) {
    const value = usage.dimensions[dimension]
    if (value === undefined) continue
    const part = sumFor(dimension, value)
    sums.push(added(rollups.get(keyOf(part)), part))
  }
  for (const sum of sums) rollups.set(keyOf(sum), sum)
}

function added(before: Rollup | undefined, more: Rollup): Rollup {
  if (!before) {
    storable(more.costPicos, 'The cost of the day')
    return more
  }
  return {
    ...more,
    events: before.events + more.events,
    quantity: storable(before.quantity + more.quantity, 'The usage of the day'),
    sparks: storable(before.sparks + more.sparks, 'The Sparks of the day'),
    charged: storable(before.charged + more.charged, 'The Sparks of the day'),
    costPicos: storable(before.costPicos + more.costPicos, 'The cost of the day'),
  }
}

/** Joined by what no text holds. */
function keyOf({ accountId, day, meter, provider, model, dimension, value }: Rollup): string {
  return `${accountId}|${day}|${meter}\0${provider}\0${model}\0${dimension}\0${value}`
}
