import type { Budget } from '../../core/domain/budget.js'
import { viewBudgets } from '../../core/domain/budget-view.js'
import { overdue } from '../../core/domain/ledger/expiry.js'
import { apply, needs } from '../../core/domain/ledger/kernel.js'
import type { LedgerEntry } from '../../core/domain/ledger/state.js'
import { viewAccount } from '../../core/domain/ledger/view.js'
import type { EntryPage, LedgerStore, UsageFilter } from '../../core/ports/store.js'
import {
  type AccountBook,
  accruingCounters,
  currentCounters,
  dueHolds,
  entryOf,
  grantOf,
  holdOf,
  placeOf,
} from './account-book.js'
import { load } from './load.js'
import type { Tables } from './tables.js'
import { verifyMemory } from './verify.js'
import { write } from './write.js'

export function memoryLedger(tables: Tables, now: () => number): LedgerStore {
  const { books } = tables
  return {
    async commit(commands, rules) {
      const state = load(tables, needs(commands, rules), now())
      const { rows, outcomes } = apply(state, commands, rules)
      write(tables, rows, state.now)
      return outcomes
    },
    async snapshot(accountId) {
      const book = books.get(accountId)
      if (!book) return null
      const at = now()
      return viewAccount({
        now: at,
        account: book.state,
        grants: book.openGrants,
        dueHolds: dueHolds(book, at),
        counters: currentCounters(book, at),
      })
    },
    async hold(accountId, holdId) {
      const book = books.get(accountId)
      return (book && holdOf(book, holdId)) ?? null
    },
    async grant(accountId, grantId) {
      const book = books.get(accountId)
      return (book && grantOf(book, grantId)) ?? null
    },
    async payment(accountId, paymentId) {
      return books.get(accountId)?.payments.get(paymentId) ?? null
    },
    async entry(accountId, entryId) {
      const book = books.get(accountId)
      return (book && entryOf(book, entryId)) ?? null
    },
    async entries(accountId, { limit, before, ...wanted }) {
      const all = books.get(accountId)?.entries ?? []
      const page: (LedgerEntry & { readonly cursor: string })[] = []
      let place = before === undefined ? all.length : Math.min(Number(before) - 1, all.length)
      for (; place > 0 && page.length < limit; place -= 1) {
        const entry = all[place - 1]
        if (entry && isWanted(entry, wanted)) page.push({ ...entry, cursor: String(place) })
      }
      return page
    },
    async corrections(accountId, entryIds) {
      const book = books.get(accountId)
      if (!book) return []
      const place = ({ id }: LedgerEntry) => placeOf(book, id) ?? 0
      return entryIds.flatMap((id) => book.corrections.get(id) ?? []).sort((left, right) => place(left) - place(right))
    },
    async rollups(accountId, { from, to, dimension = '' }) {
      return [...(books.get(accountId)?.rollups.values() ?? [])]
        .filter((row) => row.dimension === dimension && row.day >= from && row.day < to)
        .map((row) => ({ ...row }))
    },
    async budget(accountId, scope) {
      const book = books.get(accountId)
      const budget = book?.budgets.get(scope)
      return book && budget ? (currentBudgets(book, [budget], now())[0] ?? null) : null
    },
    async budgets(accountId, { limit, after }) {
      const book = books.get(accountId)
      if (!book) return []
      const sorted = [...book.budgets.values()].sort((left, right) => byCodePoints(left.scope, right.scope))
      const rest = sorted.filter(({ scope }) => after === undefined || byCodePoints(scope, after) > 0)
      return currentBudgets(book, rest, now()).slice(0, limit)
    },
    verify: async (scope) => verifyMemory(tables, scope),
    async balances(accountIds) {
      const known = accountIds.flatMap((id) => books.get(id)?.state ?? [])
      return new Map(known.map(({ id, balance, held }) => [id, { balance, held }]))
    },
    async suspendedAmong(accountIds) {
      return accountIds.filter((id) => (books.get(id)?.state.suspendedFor ?? null) !== null)
    },
    async due(limit) {
      const at = now()
      const due: string[] = []
      for (const book of books.values()) {
        if (due.length === limit) break
        if (isDue(book, at)) due.push(book.state.id)
      }
      return due
    },
  }
}

function isDue(book: AccountBook, at: number): boolean {
  const { renewsAt, held } = book.state
  return (
    (renewsAt !== null && renewsAt <= at) ||
    accruingCounters(book, at).length > 0 ||
    overdue(book.openGrants, held, at).length > 0 ||
    dueHolds(book, at).length > 0
  )
}

/** Those of them that have a limit, as they stand now. */
function currentBudgets(book: AccountBook, budgets: readonly Budget[], at: number): readonly Budget[] {
  const limited = budgets.filter(({ limitSparks }) => limitSparks !== null)
  return viewBudgets({ now: at, account: book.state, budgets: limited, dueHolds: dueHolds(book, at) })
}

/** As databases sort UTF-8: by code points, and not by the halves of surrogate pairs. */
function byCodePoints(left: string, right: string): number {
  const [a, b] = [[...left], [...right]]
  const place = a.findIndex((letter, index) => letter !== b[index])
  if (place < 0) return a.length - b.length
  return (a[place]?.codePointAt(0) ?? 0) - (b[place]?.codePointAt(0) ?? -1)
}

function isWanted(entry: LedgerEntry, { movedOnly, usage, operation, grantId }: Omit<EntryPage, 'limit'>): boolean {
  return (
    (!movedOnly || entry.amount !== 0n) &&
    (!usage || isUsage(entry, usage)) &&
    (operation === undefined || entry.operation === operation) &&
    (grantId === undefined || entry.burns.some((burn) => burn.grantId === grantId))
  )
}

function isUsage(entry: LedgerEntry, filter: UsageFilter): boolean {
  const { meter, model, dimension, recordedFrom = -Infinity, recordedTo = Infinity, withCost } = filter
  const { usage, corrects, recordedAt } = entry
  if (!usage || (corrects !== null && !filter.withCorrections)) return false
  return (
    (meter === undefined || usage.meter === meter) &&
    (model === undefined || usage.model === model) &&
    (filter.holdId === undefined || usage.holdId === filter.holdId) &&
    (dimension === undefined || usage.dimensions[dimension.name] === dimension.value) &&
    recordedAt >= recordedFrom &&
    recordedAt < recordedTo &&
    (!withCost || usage.costUsd !== null)
  )
}
