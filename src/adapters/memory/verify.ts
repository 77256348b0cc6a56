import type {
  LedgerFinding,
  LedgerVerification,
  LedgerVerificationScope,
} from '../../core/ports/ledger-verification.js'
import type { Tables } from './tables.js'
import { verifyBalance } from './verify-balance.js'
import { booksOf, teller } from './verify-book.js'
import { verifyDeliveries, verifyRows } from './verify-deliveries.js'
import { verifyRollups } from './verify-rollups.js'
import { verifyUsage } from './verify-usage.js'

/** The checks of the books in plain JavaScript: nothing that decides or sums for the ledger has a part in them. */
export function verifyMemory(tables: Tables, { accountId, limit }: LedgerVerificationScope): LedgerVerification {
  const findings: LedgerFinding[] = []
  const books = booksOf(tables, accountId)
  for (const book of books) {
    const tell = teller(book.accountId, findings)
    for (const verify of [verifyBalance, verifyUsage, verifyRollups, verifyDeliveries, verifyRows]) verify(book, tell)
    if (findings.length >= limit) break
  }
  const entries = books.reduce((sum, book) => sum + book.entries.length, 0)
  return { checked: { accounts: books.length, entries }, findings: findings.slice(0, limit) }
}
