import { decimal, toScaled } from '../decimal.js'
import { utcDay } from '../period.js'
import type { MicroSparks } from '../sparks.js'
import type { RatedUsage } from './command.js'
import type { Draft, DraftRollup } from './draft.js'
import { storable } from './posting.js'

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
  const { quantity, sparks } = usage
  const costPicos = usage.costUsd === null ? 0n : toScaled(decimal(usage.costUsd), 12, 'half_even')
  const sums = [sumFor(draft, accountId, occurredAt, usage, '', '')]
  for (const dimension of draft.rules.catalog.rollupDimensions) {
    const value = usage.dimensions[dimension]
    if (value !== undefined) sums.push(sumFor(draft, accountId, occurredAt, usage, dimension, value))
  }
  for (const { row } of sums) {
    storable(row.quantity + quantity, 'The usage of the day')
    storable(row.sparks + sparks, 'The Sparks of the day')
    storable(row.charged + charged, 'The Sparks of the day')
    storable(row.costPicos + costPicos, 'The cost of the day')
  }
  for (const { key, row } of sums) {
    draft.rollups.set(key, row)
    row.events += events
    row.quantity += quantity
    row.sparks += sparks
    row.charged += charged
    row.costPicos += costPicos
  }
}

/** The sum that usage is added to; a new one is not stored until it is. */
function sumFor(
  draft: Draft,
  accountId: string,
  occurredAt: number,
  { meter, provider, model }: Addition['usage'],
  dimension: string,
  value: string,
): { readonly key: string; readonly row: DraftRollup } {
  const day = utcDay(occurredAt)
  // Joined by what no text holds.
  const key = `${accountId}|${day}|${meter}\0${provider ?? ''}\0${model ?? ''}\0${dimension}\0${value}`
  const row = draft.rollups.get(key) ?? {
    accountId,
    day,
    meter,
    provider: provider ?? '',
    model: model ?? '',
    dimension,
    value,
    events: 0,
    quantity: 0n,
    sparks: 0n,
    charged: 0n,
    costPicos: 0n,
  }
  return { key, row }
}
