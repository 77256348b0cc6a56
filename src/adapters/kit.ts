// What a store needs beside its database: the kernel that decides, and what all stores do alike. A store of one's own implements
// `Store` of the main entry with these and proves itself with `storeConformance` of `billfold/testing`.
export { burnOrder } from '../core/domain/credit-grant.js'
export type { EventDelivery } from '../core/domain/event.js'
export { consumerDestination, eventDeliveries } from '../core/domain/event.js'
export { apply, needs } from '../core/domain/ledger/kernel.js'
export { decodeResult, encodeResult } from '../core/domain/ledger/outcome.js'
export type { Carry, LedgerRows, LedgerState, LoadKey, NewDelivery, StoredKey } from '../core/domain/ledger/state.js'
export { loadKeyId } from '../core/domain/ledger/state.js'
export type { StoredAccount } from '../core/domain/ledger/view.js'
export { viewAccount } from '../core/domain/ledger/view.js'
export { changedIntent, openedIntent } from './kit/intent.js'
export type { Waiting } from './kit/waiting.js'
export { firstAttemptOf, newlyWaiting } from './kit/waiting.js'
