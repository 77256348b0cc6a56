import { maximumBundle, minuteOf } from '../kit/waiting.js'
import { createHeap } from './heap.js'
import type { StoredDelivery } from './stored-delivery.js'
import { under } from './under.js'

/** What is handed out as one: a bundle, or a delivery by itself. */
export interface Parcel {
  /** Of its first delivery. */
  readonly id: string
  readonly rows: StoredDelivery[]
}

/** What waits for one destination. Looking into it costs what is taken out, however much waits. */
export interface DeliveryQueue {
  /** Adds a delivery that waits: to the bundle it is in, or to the one it is to be in. */
  add(row: StoredDelivery): void
  /**
   * Takes out what is due, in the order it came; `early`: also what was never taken. Nothing joins it any more, and it is back as soon as
   * it is put back.
   */
  take(options: {
    readonly at: number
    readonly limit: number
    readonly early: boolean
    /** Only those of this account, and all of them that nobody has. */
    readonly accountId?: string | undefined
    readonly isWanted: (parcel: Parcel) => boolean
    /** Only the first of each account that is wanted, whether or not it is due. */
    readonly inTurn?: boolean
  }): readonly Parcel[]
  /** Puts back what was taken, until it is due again. */
  putBack(parcel: Parcel, dueAt: number): void
  find(id: string): Parcel | undefined
  remove(parcel: Parcel): void
}

interface Queued extends Parcel {
  readonly number: number
  readonly place: string
  dueAt: number
}

/** When a parcel was said to be due; stale once it is due at another time. */
interface Moment {
  readonly parcel: Queued
  readonly dueAt: number
}

export function createDeliveryQueue(): DeliveryQueue {
  const parcels = new Map<string, Queued>()
  /** Those that others may still join, by place. */
  const open = new Map<string, Queued>()
  /** Those that were never taken, in the order they came. */
  const untouched = new Set<Queued>()
  /** Those of an account, in the order they came. */
  const ofAccount = new Map<string, Set<Queued>>()
  const later = createHeap<Moment>(({ dueAt }) => dueAt)
  const due = createHeap<Moment>(({ parcel }) => parcel.number)
  let count = 0

  const isCurrent = ({ parcel, dueAt }: Moment) => parcel.dueAt === dueAt && parcels.get(parcel.id) === parcel
  const schedule = (parcel: Queued, dueAt: number) => {
    parcel.dueAt = dueAt
    later.push({ parcel, dueAt })
  }
  const close = (parcel: Queued) => {
    untouched.delete(parcel)
    if (open.get(parcel.place) === parcel) open.delete(parcel.place)
  }

  const accountOf = ({ rows: [first] }: Parcel) => first?.told.accountId ?? ''
  const isFirst = (parcel: Queued, isWanted: (parcel: Parcel) => boolean) => {
    for (const other of ofAccount.get(accountOf(parcel)) ?? []) if (isWanted(other)) return other === parcel
    return false
  }

  return {
    add(row) {
      const { told, waiting } = row
      const place = placeOf(row)
      const known = waiting.bundle === null ? open.get(place) : parcels.get(waiting.bundle)
      if (known && (waiting.bundle !== null || known.rows.length < maximumBundle)) {
        known.rows.push(row)
        if (waiting.nextAttemptAt < known.dueAt) schedule(known, waiting.nextAttemptAt)
        return
      }
      count += 1
      const parcel = { id: waiting.bundle ?? told.id, rows: [row], number: count, place, dueAt: 0 }
      parcels.set(parcel.id, parcel)
      untouched.add(parcel)
      under(ofAccount, told.accountId, () => new Set()).add(parcel)
      if (waiting.bundle === null && told.kind === 'metering') open.set(place, parcel)
      schedule(parcel, waiting.nextAttemptAt)
    },
    take({ at, limit, early, accountId, isWanted: isAskedFor, inTurn = false }) {
      if (accountId !== undefined) {
        const isFree = ({ rows: [first] }: Parcel) => (first?.waiting.leasedUntil ?? 0) <= at
        const free = [...(ofAccount.get(accountId) ?? [])].filter((parcel) => isFree(parcel) && isAskedFor(parcel))
        const taken = free.slice(0, limit)
        for (const parcel of taken) close(parcel)
        return taken
      }
      const isWanted = (parcel: Queued) => isAskedFor(parcel) && (!inTurn || isFirst(parcel, isAskedFor))
      for (let moment = later.first(); moment && moment.dueAt <= at; moment = later.first()) {
        later.pop()
        if (isCurrent(moment)) due.push(moment)
      }
      const found = new Set<Queued>()
      const left: Moment[] = []
      while (found.size < limit) {
        const moment = due.pop()
        if (!moment) break
        if (!isCurrent(moment)) continue
        left.push(moment)
        if (isWanted(moment.parcel)) found.add(moment.parcel)
      }
      if (early) {
        let more = limit
        for (const parcel of untouched) {
          if (more === 0) break
          if (!isWanted(parcel)) continue
          found.add(parcel)
          more -= 1
        }
      }
      const taken = [...found].sort((one, other) => one.number - other.number).slice(0, limit)
      const isTaken = new Set(taken)
      for (const moment of left) if (!isTaken.has(moment.parcel)) due.push(moment)
      for (const parcel of taken) close(parcel)
      return taken
    },
    putBack(parcel, dueAt) {
      const queued = parcels.get(parcel.id)
      if (queued) schedule(queued, dueAt)
    },
    find: (id) => parcels.get(id),
    remove(parcel) {
      const queued = parcels.get(parcel.id)
      parcels.delete(parcel.id)
      if (!queued) return
      close(queued)
      const own = ofAccount.get(accountOf(queued))
      own?.delete(queued)
      if (own?.size === 0) ofAccount.delete(accountOf(queued))
    },
  }
}

/** The same for deliveries that are to become one bundle. */
function placeOf({ told }: StoredDelivery): string {
  if (told.kind !== 'metering') return told.id
  return JSON.stringify([told.accountId, told.meter, told.periodStartsAt, minuteOf(told.occurredAt)])
}
