import type { LedgerEntry } from '../../core/domain/ledger/state.js'
import type { Book, Tell } from './verify-book.js'
import { overageIn, takenIn } from './verify-usage.js'

interface Sums {
  readonly events: number
  readonly quantity: bigint
  readonly sparks: bigint
  readonly charged: bigint
  readonly cost: number
  /** Events that amendments to nothing may have taken back. */
  readonly voids: number
  /** How far costs may be off by rounding. */
  readonly slack: number
}

const nothing: Sums = { events: 0, quantity: 0n, sparks: 0n, charged: 0n, cost: 0, voids: 0, slack: 0 }

/** Sums by day: those over everything, and those by a dimension. */
export function verifyRollups({ entries, rollups }: Book, tell: Tell): void {
  const whole = new Map<string, Sums>()
  const parts = new Map<string, Sums>()
  for (const entry of entries) {
    const { usage } = entry
    if (!usage) continue
    const day = new Date(usage.occurredAt).toISOString().slice(0, 10)
    const id = [day, usage.meter, usage.provider ?? '', usage.model ?? ''].join(' ')
    whole.set(id, added(whole.get(id) ?? nothing, entry))
    for (const [name, value] of Object.entries(usage.summedBy)) {
      if (usage.dimensions[name] !== value) continue
      const part = `${id} ${name}=${value}`
      parts.set(part, added(parts.get(part) ?? nothing, entry))
    }
  }
  for (const { day, meter, provider, model, dimension, value, ...kept } of rollups) {
    const id = [day, meter, provider, model].join(' ')
    const { events, quantity, sparks, charged, costPicos } = kept
    if (dimension !== '') {
      const part = `${id} ${dimension}=${value}`
      const rows = parts.get(part)
      const sums = rows ?? nothing
      parts.delete(part)
      const [found, expected] = [textOf(kept), textOf(sums)]
      const isSame = sums.quantity === quantity && sums.sparks === sparks && sums.charged === charged
      if (!rows || !isSame || !hasEvents(sums, events)) tell('rollup_dimension', part, found, expected)
      continue
    }
    const sums = whole.get(id) ?? nothing
    whole.delete(id)
    if (!hasEvents(sums, events)) tell('rollup_events', id, events, sums.events)
    if (quantity !== sums.quantity) tell('rollup_quantity', id, quantity, sums.quantity)
    if (sparks !== sums.sparks) tell('rollup_sparks', id, sparks, sums.sparks)
    if (charged !== sums.charged) tell('rollup_charged', id, charged, sums.charged)
    if (Math.abs(Number(costPicos) - sums.cost) > sums.slack) tell('rollup_cost', id, costPicos, sums.cost)
  }
  for (const [part, sums] of parts) tell('rollup_dimension', part, 'nowhere', textOf(sums))
  for (const [id, { events }] of whole) tell('rollup_events', id, 'nowhere', events)
}

function added(sums: Sums, { operation, amount: _, usage }: LedgerEntry): Sums {
  if (!usage) return sums
  const cost = usage.costUsd === null ? 0 : Number(usage.costUsd) * 1e12
  return {
    events: sums.events + (operation === 'usage' || operation === 'capture' ? 1 : 0),
    quantity: sums.quantity + usage.quantity,
    sparks: sums.sparks + usage.sparks,
    charged: sums.charged + takenIn(usage.settledBy) + overageIn(usage.settledBy),
    cost: sums.cost + cost,
    voids: sums.voids + (operation === 'amend' && usage.measured === 0n ? 1 : 0),
    slack: sums.slack + 1 + Math.abs(cost) / 1e9,
  }
}

function textOf({
  events,
  quantity,
  sparks,
  charged,
}: Pick<Sums, 'events' | 'quantity' | 'sparks' | 'charged'>): string {
  return [events, quantity, sparks, charged].join(' ')
}

function hasEvents(sums: Sums, events: number): boolean {
  return events <= sums.events && events >= sums.events - sums.voids
}
