import type { Budget } from '../../core/domain/budget.js'
import type { CreditGrant } from '../../core/domain/credit-grant.js'
import type { BillingEvent } from '../../core/domain/event.js'
import type {
  AccountState,
  Counter,
  Hold,
  LedgerEntry,
  LevelChange,
  NewDelivery,
  Rollup,
  SeenValue,
  StoredKey,
} from '../../core/domain/ledger/state.js'
import type { Payment } from '../../core/domain/payment.js'
import type { AccountRecord, CheckoutIntent, InboxEvent } from '../../core/ports/store.js'
import type { Waiting } from '../kit/waiting.js'

/** A delivery with how it stands. */
export interface StoredDelivery extends Waiting, Omit<NewDelivery, 'kind'> {
  readonly kind: NewDelivery['kind'] | 'event'
  readonly event: BillingEvent | null
}

export interface StoredInboxEvent extends InboxEvent {
  readonly receivedAt: number
  readonly status: 'pending' | 'applied' | 'dead'
  readonly attempts: number
  readonly fence: number
  readonly nextAttemptAt: number
  readonly leasedUntil: number
  readonly error: string | null
}

/** Everything the memory store keeps. Keys that join two names use `|`, which no id contains. */
export interface Tables {
  readonly accounts: Map<string, AccountRecord>
  readonly states: Map<string, AccountState>
  /** By account, then grant id. */
  readonly grants: Map<string, Map<string, CreditGrant>>
  /** By account. */
  readonly counters: Map<string, Counter[]>
  /** By account, then destination, meter and period. */
  /** By account, then hold id. */
  readonly holds: Map<string, Map<string, Hold>>
  /** By account, then scope. */
  readonly budgets: Map<string, Map<string, Budget>>
  /** By account and meter, oldest first. */
  readonly levels: Map<string, LevelChange[]>
  /** Values that were counted, by account, meter and value: the periods. */
  readonly seen: Map<string, SeenValue[]>
  /** By account and payment id. */
  readonly payments: Map<string, Payment>
  /** By account and dedupe. */
  readonly keys: Map<string, StoredKey>
  /** By account, oldest first. */
  readonly entries: Map<string, LedgerEntry[]>
  /** By account and entry id. */
  readonly entriesById: Map<string, LedgerEntry>
  /** Rows that correct a row, by its account and id, oldest first. */
  readonly corrections: Map<string, LedgerEntry[]>
  /** By account, then what is summed. */
  readonly rollups: Map<string, Map<string, Rollup>>
  readonly deliveries: Map<string, StoredDelivery>
  /** Ids of deliveries that are to be sent, by destination, oldest first. */
  readonly pending: Map<string, Set<string>>
  readonly events: Map<string, BillingEvent>
  /** Event types by consumer. */
  readonly subscriptions: Map<string, Set<string>>
  readonly inbox: Map<string, StoredInboxEvent>
  readonly intents: Map<string, CheckoutIntent>
  /** External id by account and provider, and the account by provider and external id. */
  readonly links: Map<string, string>
  readonly accountsByLink: Map<string, string>
  /** By version. */
  readonly priceCards: Map<string, string>
}

export function createTables(): Tables {
  return {
    accounts: new Map(),
    states: new Map(),
    grants: new Map(),
    counters: new Map(),
    holds: new Map(),
    budgets: new Map(),
    payments: new Map(),
    levels: new Map(),
    seen: new Map(),
    keys: new Map(),
    entries: new Map(),
    entriesById: new Map(),
    corrections: new Map(),
    rollups: new Map(),
    deliveries: new Map(),
    pending: new Map(),
    events: new Map(),
    subscriptions: new Map(),
    inbox: new Map(),
    intents: new Map(),
    links: new Map(),
    accountsByLink: new Map(),
    priceCards: new Map(),
  }
}

/** The list or map under a key, made when it is not there. */
export function under<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const found = map.get(key)
  if (found !== undefined) return found
  const made = make()
  map.set(key, made)
  return made
}
