import { divide } from '../decimal.js'
import { deliveryId } from '../ids.js'
import { type MicroSparks, microPerUnit } from '../sparks.js'
import type { AccountDraft } from './account-draft.js'
import { accountDraft, counterFrom, type Draft, ownCounter, type PostedEntry } from './draft.js'
import { countedAt, type NewDelivery } from './state.js'
import { shadowDestination } from './told.js'

/**
 * What the batch's usage means for the providers: for metering one delivery per account, meter, period and minute with the whole
 * Sparks of its events, the rest carried to the next; for tracing one per account. Afterwards each entry names its deliveries.
 */
export function planDeliveries(draft: Draft): readonly NewDelivery[] {
  const { metering, tracing } = draft.rules
  const groups: Group[] = []
  const byAccount = new Map<AccountDraft, Group[]>()
  for (const posted of draft.entries) {
    const { usage, accountId, operation } = posted.entry
    if (!usage || usage.meter === '') continue
    const account = accountDraft(draft, accountId)
    let own = byAccount.get(account)
    if (!own) {
      own = []
      byAccount.set(account, own)
    }
    // What was read out of traces is there already.
    if (operation === 'usage' && !posted.isPulled)
      for (const destination of tracing) join(groups, own, { destination, posted, sparks: null })
    if (posted.told === null) continue
    const { parts, sparks: all } = posted.told
    for (const [destination, sparks] of parts) if (sparks !== 0n) join(groups, own, { destination, posted, sparks })
    for (const provider of metering) {
      const collected = parts.find(([collector]) => collector === provider)?.[1] ?? 0n
      const rest = all - collected
      if (rest !== 0n) join(groups, own, { destination: shadowDestination(provider), posted, sparks: rest })
    }
  }
  const deliveries: NewDelivery[] = []
  for (const group of groups) {
    const delivery = freeze(draft, group)
    if (delivery) deliveries.push(delivery)
  }
  return deliveries
}

/** Usage that is reported together. `sparks` and `minute` are `null` for traces. */
interface Group {
  readonly destination: string
  readonly meter: string
  readonly startsAt: number
  readonly minute: number | null
  readonly entries: PostedEntry[]
  sparks: MicroSparks | null
  occurredAt: number
}

/** What one entry has to be told to a destination. */
interface Part {
  readonly destination: string
  readonly posted: PostedEntry
  readonly sparks: MicroSparks | null
}

/** Adds a part to the group of its account that it belongs to. */
function join(groups: Group[], own: Group[], { destination, posted, sparks }: Part): void {
  const { usage } = posted.entry
  if (!usage) return
  const { meter, occurredAt } = usage
  const startsAt = countedAt(posted.entry)
  const minute = sparks === null ? null : Math.floor(occurredAt / 60_000)
  const group = own.findLast((each) => {
    if (each.destination !== destination || each.minute !== minute) return false
    return minute === null || (each.meter === meter && each.startsAt === startsAt)
  })
  if (!group) {
    const made = { destination, meter, startsAt, minute, entries: [posted], sparks, occurredAt }
    own.push(made)
    groups.push(made)
    return
  }
  group.entries.push(posted)
  if (group.sparks !== null && sparks !== null) group.sparks += sparks
  if (occurredAt > group.occurredAt) group.occurredAt = occurredAt
}

/** Fixes a group as a delivery: whole Sparks go out, the rest is carried, so that what was reported plus the carry is the ledger. */
function freeze(draft: Draft, group: Group): NewDelivery | null {
  const first = group.entries[0]?.entry
  if (!first) return null
  const { destination, meter, startsAt, occurredAt } = group
  const { accountId } = first
  let sparks = 0n
  if (group.sparks !== null) {
    const counter = counterFrom(draft, accountId, meter, startsAt)
    const total = (counter.carried[destination] ?? 0n) + group.sparks
    // Downwards, also below zero: what an amendment takes back goes out as a negative whole, and the carry stays a part of one Spark.
    sparks = divide(total, microPerUnit, 'floor')
    const rest = total - sparks * microPerUnit
    ownCounter(draft, counter).carried = { ...counter.carried, [destination]: rest }
    if (sparks === 0n) {
      name(group, null)
      return null
    }
  }
  const id = deliveryId(destination, first.id)
  name(group, id)
  const isTrace = group.sparks === null
  return {
    id,
    accountId,
    destination,
    kind: isTrace ? 'tracing' : 'metering',
    meter: isTrace ? null : meter,
    periodStartsAt: isTrace ? null : startsAt,
    sparks,
    occurredAt,
    entryIds: group.entries.map(({ entry }) => entry.id),
  }
}

function name({ destination, entries }: Group, id: string | null): void {
  for (const { deliveries } of entries) deliveries[destination] = id
}
