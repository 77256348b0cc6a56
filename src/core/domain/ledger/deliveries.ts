import { divide } from '../decimal.js'
import { deliveryId } from '../ids.js'
import { type MicroSparks, microPerUnit } from '../sparks.js'
import { carryKey, type Draft, type PostedEntry, pair } from './draft.js'
import type { LedgerEntry, NewDelivery } from './state.js'

/**
 * What the batch's usage means for the providers: for metering one delivery per account, meter, period and minute with the whole
 * Sparks of its events, the rest carried to the next; for tracing one per account. Afterwards each entry names its deliveries.
 */
export function planDeliveries(draft: Draft): {
  readonly entries: readonly LedgerEntry[]
  readonly deliveries: readonly NewDelivery[]
} {
  const groups = new Map<string, Group>()
  for (const posted of draft.entries) {
    const { entry } = posted
    if (!entry.usage || entry.usage.meter === '') continue
    for (const destination of entry.operation === 'amend' ? [] : draft.rules.tracing)
      join(groups, `t|${destination}|${entry.accountId}`, destination, 'tracing', entry, 0n)
    for (const destination of draft.rules.metering) {
      const sparks = sparksFor(draft, destination, posted)
      if (sparks === 0n) continue
      const { meter, occurredAt } = entry.usage
      const startsAt = periodStart(entry)
      const minute = Math.floor(occurredAt / 60_000)
      join(
        groups,
        `m|${destination}|${entry.accountId}|${meter}|${startsAt}|${minute}`,
        destination,
        'metering',
        entry,
        sparks,
      )
    }
  }
  const deliveries: NewDelivery[] = []
  const named = new Map<string, Record<string, string | null>>()
  for (const group of groups.values()) {
    const delivery = freeze(draft, group)
    if (delivery) deliveries.push(delivery)
    for (const entry of group.entries) {
      const id = pair(entry.accountId, entry.id)
      named.set(id, { ...named.get(id), [group.destination]: delivery?.id ?? null })
    }
  }
  const entries = draft.entries.map(({ entry }) => {
    const names = named.get(pair(entry.accountId, entry.id))
    return names ? { ...entry, deliveries: names } : entry
  })
  return { entries, deliveries }
}

interface Group {
  readonly destination: string
  readonly kind: NewDelivery['kind']
  readonly entries: LedgerEntry[]
  sparks: MicroSparks
  occurredAt: number
}

function join(
  groups: Map<string, Group>,
  key: string,
  destination: string,
  kind: NewDelivery['kind'],
  entry: LedgerEntry,
  sparks: MicroSparks,
): void {
  const occurredAt = entry.usage?.occurredAt ?? entry.recordedAt
  const group = groups.get(key)
  if (!group) {
    groups.set(key, { destination, kind, entries: [entry], sparks, occurredAt })
    return
  }
  group.entries.push(entry)
  group.sparks += sparks
  group.occurredAt = Math.max(group.occurredAt, occurredAt)
}

/** Fixes a group as a delivery: whole Sparks go out, the rest is carried, so that what was reported plus the carry is the ledger. */
function freeze(draft: Draft, group: Group): NewDelivery | null {
  const first = group.entries[0]
  if (!first?.usage) return null
  const delivery = {
    id: deliveryId(group.destination, first.id),
    accountId: first.accountId,
    destination: group.destination,
    kind: group.kind,
    occurredAt: group.occurredAt,
    entryIds: group.entries.map((entry) => entry.id),
  }
  if (group.kind === 'tracing') return { ...delivery, meter: null, periodStartsAt: null, sparks: 0n }

  const { meter } = first.usage
  const startsAt = periodStart(first)
  const name = { accountId: first.accountId, destination: group.destination, meter, startsAt }
  const total = (draft.carries.get(carryKey(name))?.remainder ?? 0n) + group.sparks
  // Downwards, also below zero: what an amendment takes back goes out as a negative whole, and the carry stays a part of one Spark.
  const whole = divide(total, microPerUnit, 'floor')
  draft.carries.set(carryKey(name), { ...name, remainder: total - whole * microPerUnit })
  draft.changed.carries.add(carryKey(name))
  return whole === 0n ? null : { ...delivery, meter, periodStartsAt: startsAt, sparks: whole }
}

/** The collecting provider is told what it has to collect of usage on a plan with overage; everyone else is told everything. */
function sparksFor(draft: Draft, destination: string, { entry, plan }: PostedEntry): MicroSparks {
  const collects = destination === draft.rules.collecting && draft.rules.catalog.plans.get(plan)?.overage
  return (collects ? entry.usage?.settledBy[`meter:${destination}`] : entry.usage?.sparks) ?? 0n
}

function periodStart(entry: LedgerEntry): number {
  return entry.result.kind === 'usage' ? entry.result.quota.periodStartsAt : entry.recordedAt
}
