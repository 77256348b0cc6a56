import type { BillingEvent } from '../../core/domain/event.js'
import type { Instant } from '../../core/domain/period.js'
import type {
  AccountRecord,
  ApiKeyRecord,
  CheckoutIntent,
  InboxEvent,
  News,
  PulledItem,
  StoredRecord,
} from '../../core/ports/store.js'
import type { AccountBook } from './account-book.js'
import type { DeliveryQueue } from './delivery-queue.js'
import type { StoredDelivery } from './stored-delivery.js'

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
  /** By account, of each there is. */
  readonly books: Map<string, AccountBook>
  /** What is to be sent, was sent or was given up, by id. */
  readonly deliveries: Map<string, StoredDelivery>
  /** What is to be sent, by destination. */
  readonly queues: Map<string, DeliveryQueue>
  readonly events: Map<string, BillingEvent>
  /** Events by account, in the order in which they were stored. */
  readonly eventsOf: Map<string, News['events'][number][]>
  /** Event types by consumer. */
  readonly subscriptions: Map<string, Set<string>>
  readonly inbox: Map<string, StoredInboxEvent>
  readonly intents: Map<string, CheckoutIntent>
  /** External id by account and provider, and the account by provider and external id. */
  readonly links: Map<string, string>
  readonly accountsByLink: Map<string, string>
  /** The external id that was forgotten last, by account and provider. */
  readonly formerLinks: Map<string, string>
  /** By version. */
  readonly priceCards: Map<string, string>
  /** By source and external id. */
  readonly pulled: Map<string, PulledItem>
  /** By source. */
  readonly pullPositions: Map<string, Instant>
  /** By owner and id, in the order in which they were written first. */
  readonly records: Map<string, Map<string, StoredRecord>>
  /** By id, oldest first. */
  readonly apiKeys: Map<string, ApiKeyRecord>
}

export function createTables(): Tables {
  return {
    accounts: new Map(),
    books: new Map(),
    deliveries: new Map(),
    queues: new Map(),
    events: new Map(),
    eventsOf: new Map(),
    subscriptions: new Map(),
    inbox: new Map(),
    intents: new Map(),
    links: new Map(),
    accountsByLink: new Map(),
    formerLinks: new Map(),
    priceCards: new Map(),
    pulled: new Map(),
    pullPositions: new Map(),
    records: new Map(),
    apiKeys: new Map(),
  }
}
