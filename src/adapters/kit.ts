// What a store needs beside its database: the kernel that decides, and what all stores do alike. A store of one's own implements
// `Store` of the main entry with these and proves itself with `storeConformance` of `billfold/testing`.
export type { StoredBudgets } from '../core/domain/budget-view.js'
export { viewBudgets } from '../core/domain/budget-view.js'
export { burnOrder } from '../core/domain/credit-grant.js'
export type { EventDelivery } from '../core/domain/event.js'
export { consumerDestination, eventDeliveries } from '../core/domain/event.js'
export { decodeExact, encodeExact } from '../core/domain/exact-json.js'
export type { Decided } from '../core/domain/ledger/kernel.js'
export { apply, createDecider, needs } from '../core/domain/ledger/kernel.js'
export type {
  Changed,
  LedgerRows,
  LedgerState,
  LevelChange,
  LoadKey,
  NewDelivery,
  SeenValue,
  StoredKey,
} from '../core/domain/ledger/state.js'
export { loadKeyId } from '../core/domain/ledger/state.js'
export type { StoredAccount } from '../core/domain/ledger/view.js'
export { viewAccount } from '../core/domain/ledger/view.js'
export type { Payment, ReversalFact } from '../core/domain/payment.js'
export { addedApiKey, changedApiKey } from './kit/api-key.js'
export { eventDeliveryFields, typesByConsumer } from './kit/event.js'
export { changedIntent, openedIntent } from './kit/intent.js'
export type { FoundDifference } from './kit/ledger-check.js'
export { findingOf } from './kit/ledger-check.js'
export type { Waiting } from './kit/waiting.js'
export { firstAttemptOf, newlyWaiting } from './kit/waiting.js'
