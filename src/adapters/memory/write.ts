import type { LedgerRows } from '../../core/domain/ledger/state.js'
import { BillingError } from '../../core/errors.js'
import {
  type AccountBook,
  addEntry,
  addRollup,
  addSeen,
  putCounter,
  putGrant,
  putHold,
  putLevel,
} from './account-book.js'
import { addDeliveries, addEvents } from './deliveries.js'
import type { Tables } from './tables.js'

/** Writes what the kernel decided. Nothing here can fail, so a batch is written as a whole. */
export function write(tables: Tables, rows: LedgerRows, now: number): void {
  for (const { value } of rows.accounts) bookOf(tables, value.id).state = value
  for (const grant of rows.grants) putGrant(bookOf(tables, grant.value.accountId), grant)
  for (const { value } of rows.counters) putCounter(bookOf(tables, value.accountId), value)
  for (const hold of rows.holds) putHold(bookOf(tables, hold.accountId), hold)
  for (const { value } of rows.budgets) bookOf(tables, value.accountId).budgets.set(value.scope, value)
  for (const payment of rows.payments) bookOf(tables, payment.accountId).payments.set(payment.id, payment)
  for (const change of rows.levels) putLevel(bookOf(tables, change.accountId), change)
  for (const value of rows.seen) addSeen(bookOf(tables, value.accountId), value)
  for (const entry of rows.entries) addEntry(bookOf(tables, entry.accountId), entry)
  for (const row of rows.rollups) addRollup(bookOf(tables, row.accountId), row)
  addDeliveries(tables, rows.deliveries, now)
  addEvents(tables, rows.events, now)
}

/** The kernel refuses every command of an account that is not there. */
function bookOf(tables: Tables, accountId: string): AccountBook {
  const book = tables.books.get(accountId)
  if (!book) throw new BillingError('invariant_violated', `Rows of account ${accountId}, which is not there.`)
  return book
}
