import { decimal, toScaled } from '../decimal.js'
import type { Mutable } from '../mutable.js'
import { utcDay } from '../period.js'
import type { MicroSparks } from '../sparks.js'
import { accountDraft, type Draft } from './draft.js'
import { storable } from './posting.js'
import type { EntryUsage, Rollup } from './state.js'

/** What one usage event, or what an amendment changes, adds to the sums of its day. */
export interface Addition {
  readonly accountId: string
  readonly occurredAt: number
  readonly usage: Pick<EntryUsage, 'meter' | 'provider' | 'model' | 'quantity' | 'sparks' | 'costUsd' | 'summedBy'>
  readonly charged: MicroSparks
  readonly events: number
}

/** Of the dimensions of usage those that the catalog has sums of. */
export function summedBy({ rules }: Draft, dimensions: EntryUsage['dimensions']): EntryUsage['summedBy'] {
  const { rollupDimensions } = rules.catalog
  if (rollupDimensions.length === 0) return nothing
  return Object.fromEntries(
    rollupDimensions.flatMap((name) => (Object.hasOwn(dimensions, name) ? [[name, dimensions[name] ?? '']] : [])),
  )
}

const nothing: EntryUsage['summedBy'] = {}

/**
 * Adds to the sums of the day: the one over everything, and one for each dimension that the usage is summed by.
 *
 * @throws BillingError `amount_out_of_range`, before it changed anything
 */
export function addRollup(draft: Draft, { accountId, occurredAt, usage, charged, events }: Addition): void {
  const { quantity, sparks } = usage
  const costPicos = usage.costUsd === null ? 0n : toScaled(decimal(usage.costUsd), 12, 'half_even')
  const sums = [sumFor(draft, accountId, occurredAt, usage, '', '')]
  for (const dimension in usage.summedBy)
    sums.push(sumFor(draft, accountId, occurredAt, usage, dimension, usage.summedBy[dimension] ?? ''))
  for (const { row } of sums) {
    storable(row.quantity + quantity, 'The usage of the day')
    storable(row.sparks + sparks, 'The Sparks of the day')
    storable(row.charged + charged, 'The Sparks of the day')
    storable(row.costPicos + costPicos, 'The cost of the day')
  }
  for (const { among, row } of sums) {
    if (!among.includes(row)) among.push(row)
    row.events += events
    row.quantity += quantity
    row.sparks += sparks
    row.charged += charged
    row.costPicos += costPicos
  }
}

/** The sum that usage is added to, and those it is kept among; a new one is not kept until it is added to. */
function sumFor(
  draft: Draft,
  accountId: string,
  occurredAt: number,
  usage: Addition['usage'],
  dimension: string,
  value: string,
): { readonly among: Mutable<Rollup>[]; readonly row: Mutable<Rollup> } {
  const { meter } = usage
  const provider = usage.provider ?? ''
  const model = usage.model ?? ''
  const day = utcDay(occurredAt)
  const account = accountDraft(draft, accountId)
  account.rollups ??= new Map()
  // What most of an account's sums differ in: comparing the rest is cheaper than joining all of it.
  const name = dimension === '' ? model : value
  let among = account.rollups.get(name)
  if (!among) {
    among = []
    account.rollups.set(name, among)
  }
  for (const row of among) {
    if (row.day !== day || row.meter !== meter || row.model !== model || row.provider !== provider) continue
    if (row.dimension === dimension && row.value === value) return { among, row }
  }
  const sums = { events: 0, quantity: 0n, sparks: 0n, charged: 0n, costPicos: 0n }
  return { among, row: { accountId, day, meter, provider, model, dimension, value, ...sums } }
}
