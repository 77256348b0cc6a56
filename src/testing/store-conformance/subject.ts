import type { Instant } from '../../core/domain/period.js'
import type { Store } from '../../core/ports/store.js'
import type { ConformanceCase } from '../conformance.js'

/** What a subject may have beside a store: a clock to move, the same data opened again, two connections to the same data. */
export type StoreConformanceNeed = 'clock' | 'reopen' | 'second'

/** What a store is opened with. */
export interface StoreConformanceOptions {
  /** The time the store has to go by. A subject whose clock is its `own` may ignore it. */
  readonly now?: () => Instant
}

/** The store that is tried. Every case opens stores of its own and closes them, so cases may run in any order, or at once. */
export interface StoreConformanceSubject {
  /** `given`: the store goes by the `now` it is opened with. `own`: it asks a database; cases that move months are skipped, others wait. */
  readonly clock: 'given' | 'own'
  /** A new store: empty, migrated, sharing data with no other. */
  open(options: StoreConformanceOptions): Promise<Store>
  /** Closes the store and opens the same data again; there when the store is durable. */
  reopen?(store: Store, options: StoreConformanceOptions): Promise<Store>
  /** Another connection to the same data beside this one; there when the store can be shared. */
  second?(store: Store, options: StoreConformanceOptions): Promise<Store>
}

/** A case, and what keeps it from running. */
export interface StoreConformanceCase extends ConformanceCase {
  /** What the subject must have for it. */
  readonly needs?: StoreConformanceNeed
  /** Why it cannot run on this subject; absent when it can. */
  readonly skip?: string
}

/** Why a subject cannot run what needs this; `undefined` when it can. */
export function lackOf(subject: StoreConformanceSubject, need: StoreConformanceNeed | undefined): string | undefined {
  switch (need) {
    case undefined:
      return undefined
    case 'clock':
      return subject.clock === 'given' ? undefined : 'the store goes by a clock of its own'
    case 'reopen':
      return subject.reopen ? undefined : 'the store keeps nothing after it is closed'
    case 'second':
      return subject.second ? undefined : 'the store cannot be shared'
  }
}
