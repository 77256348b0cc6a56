import { collectedFor } from '../../core/domain/ledger/told.js'
import { type Book, sumOf, type Tell } from './verify-book.js'
import { periodOf } from './verify-usage.js'

interface Reported {
  found: bigint
  low: bigint
  high: bigint
}

/** What is told to others, and what they are told of. */
export function verifyDeliveries({ entries, deliveries, counters }: Book, tell: Tell): void {
  const byId = new Map(deliveries.map((delivery) => [delivery.id, delivery]))
  const rows = new Map(entries.map((entry) => [entry.id, entry]))
  const reported = new Map<string, Reported>()
  const at = (destination: string, meter: string | null, startsAt: number | null) => {
    const id = `${destination} ${meter} ${startsAt}`
    const sums = reported.get(id) ?? { found: 0n, low: 0n, high: 0n }
    reported.set(id, sums)
    return sums
  }
  for (const { meter, startsAt, carried } of counters) {
    for (const [destination, rest] of Object.entries(carried)) {
      at(destination, meter, startsAt).found += rest
      if (rest < 0n || rest >= 1_000_000n) tell('carried', `${meter} ${startsAt}`, rest, 'less than one Spark')
    }
  }
  for (const { id, kind, destination, meter, periodStartsAt, sparks, entryIds, occurredAt, event } of deliveries) {
    const isWhole = meter !== null && periodStartsAt !== null && sparks !== 0n
    const isEmpty = meter === null && periodStartsAt === null && sparks === 0n
    if (!(kind === 'metering' ? isWhole : isEmpty))
      tell(
        'delivery_kind',
        id,
        `${kind} of ${meter ?? 'no meter'} for ${sparks}`,
        'no delivery of that kind is like that',
      )
    if (kind === 'event') {
      if (!event) tell('event_delivery', id, 'none', 'none')
      continue
    }
    if (kind === 'metering') at(destination, meter, periodStartsAt).found += sparks * 1_000_000n
    const listed = entryIds.flatMap((entryId) => rows.get(entryId) ?? [])
    for (const entryId of entryIds) {
      if (rows.get(entryId)?.deliveries[destination] !== id)
        tell('delivery_entries', id, `row ${entryId} names it 0 times`, 'it lists that row 1 times')
    }
    const latest = Math.max(...listed.map(({ usage }) => usage?.occurredAt ?? 0))
    if (listed.length > 0 && latest !== occurredAt) tell('delivery_moment', id, occurredAt, latest)
  }
  for (const entry of entries) {
    for (const [destination, id] of Object.entries(entry.deliveries)) {
      const delivery = id === null ? undefined : byId.get(id)
      if (id !== null && !delivery?.entryIds.includes(entry.id))
        tell('delivery_entries', id, `row ${entry.id} names it 1 times`, 'it lists that row 0 times')
      if (!entry.usage || (id !== null && delivery?.kind !== 'metering')) continue
      const { meter, sparks, settledBy } = entry.usage
      // Who collects is told what it collects, everyone else the same beside it, or all are told of everything; which it was when a
      // part went back is not kept.
      const part = collectedFor(settledBy, destination)
      const may = part === undefined ? [sparks] : part > 0n ? [part] : [part, sparks]
      const sums = at(destination, meter, periodOf(entry))
      sums.low += may.reduce((least, each) => (each < least ? each : least))
      sums.high += may.reduce((most, each) => (each > most ? each : most))
    }
  }
  for (const [id, { found, low, high }] of reported)
    if (found < low || found > high) tell('reported', id, found, low === high ? low : `${low} to ${high}`)
}

/** Payments, and what rows name or can be. */
export function verifyRows({ entries, holds, payments }: Book, tell: Tell): void {
  const rows = new Map(entries.map((entry, index) => [entry.id, { entry, index }]))
  if (rows.size !== entries.length) tell('unique_ids', 'its rows', entries.length, rows.size)
  const keys = new Map<string, number>()
  for (const dedupe of [
    ...entries.map((entry) => entry.dedupe),
    ...holds.flatMap((hold) => [hold.dedupe, ...(hold.release ? [hold.release.dedupe] : [])]),
  ])
    keys.set(dedupe, (keys.get(dedupe) ?? 0) + 1)
  for (const [dedupe, count] of keys) if (count > 1) tell('unique_keys', dedupe, count, 1)
  for (const { id, grantId, sparks, reversed } of payments) {
    const refunds = entries.filter((entry) => entry.operation === 'refund' && entry.reason === `payment ${id}`)
    const taken = -sumOf(refunds.map(({ amount }) => amount))
    if (taken !== reversed) tell('payment_reversed', id, reversed, taken)
    const grant = grantId === null ? undefined : rows.get(grantId)?.entry
    const bought = grantId === null ? 0n : grant?.operation === 'grant' ? grant.amount : null
    if (bought !== sparks) tell('payment_grant', id, sparks, bought ?? 'nothing')
  }
  entries.forEach(({ id, corrects, operation, counterAccount, amount, balanceAfter, result }, index) => {
    const cause = corrects === null ? undefined : rows.get(corrects)
    if (corrects !== null && !(cause && cause.index < index && cause.entry.corrects === null))
      tell('corrects', id, corrects, 'an earlier row')
    const isNone = ['extend', 'change_plan', 'change_terms', 'set_budget', 'suspend', 'resume'].includes(operation)
    const isOdd =
      isNone !== (counterAccount === 'none') ||
      (isNone && amount !== 0n) ||
      ((operation === 'grant' || operation === 'renew') && amount <= 0n) ||
      ((operation === 'expire' || operation === 'capture') && amount > 0n)
    if (isOdd) tell('operation', id, `${operation} for ${amount} with ${counterAccount}`, 'that is never written')
    if (result.balance.balance !== balanceAfter) tell('stored_answer', id, result.balance.balance, balanceAfter)
  })
}
