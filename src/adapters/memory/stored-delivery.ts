import type { BillingEvent } from '../../core/domain/event.js'
import type { NewDelivery } from '../../core/domain/ledger/state.js'
import type { Waiting } from '../kit/waiting.js'

/** What is to be told to a provider, or an event that a consumer is to be told of, with how it stands. */
export interface StoredDelivery {
  readonly told: Omit<NewDelivery, 'kind'> & { readonly kind: NewDelivery['kind'] | 'event' }
  readonly event: BillingEvent | null
  waiting: Waiting
}
