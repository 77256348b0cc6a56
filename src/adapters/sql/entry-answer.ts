import { decodeExact, encodeExact } from '../../core/domain/exact-json.js'
import type { StoredResult, UsageResult } from '../../core/domain/ledger/outcome.js'
import type { LedgerEntry } from '../../core/domain/ledger/state.js'
import type { QuotaStatus } from '../../core/domain/quota.js'
import { invariant } from '../../core/errors.js'
import type { Column } from './column.js'

/**
 * What the command of a ledger row answered. The answer for usage repeats most of its row: of that only what the row does not say is
 * kept, as seven words. Every other answer is kept as JSON.
 */
export const entryAnswer: Column<StoredResult, LedgerEntry> = {
  type: 'text',
  write: (result, row) => (result.kind === 'usage' && followsFrom(row, result) ? wordsOf(result) : encodeExact(result)),
  read(value, row) {
    const written = value as string
    return written.startsWith('{') ? (decodeExact(written) as StoredResult) : usageAnswer(written.split(' '), row)
  },
}

const letters: Readonly<Record<QuotaStatus, string>> = {
  below_quota: 'b',
  near_quota: 'n',
  at_quota: 'a',
  throttled: 't',
}
const statuses = Object.fromEntries(Object.entries(letters).map(([status, letter]) => [letter, status]))

function wordsOf({ balance, quota }: UsageResult): string {
  const { status, used, held, limit, periodStartsAt, resetsAt } = quota
  return `${letters[status]} ${used} ${held} ${limit ?? '-'} ${periodStartsAt} ${resetsAt} ${balance.held}`
}

function usageAnswer(words: readonly string[], { id, usage, balanceAfter: balance }: LedgerEntry): UsageResult {
  invariant(words.length === 7 && usage !== null, 'a stored answer cannot be read', { id })
  const [status = '', used = '', held = '', limit = '', periodStartsAt, resetsAt, accountHeld = ''] = words
  const { meter, sparks, costUsd, settledBy } = usage
  const quota = { used: BigInt(used), held: BigInt(held), limit: limit === '-' ? null : BigInt(limit) }
  return {
    kind: 'usage',
    id,
    sparks,
    costUsd,
    settledBy,
    balance: {
      balance,
      held: BigInt(accountHeld),
      available: balance - BigInt(accountHeld),
      debt: balance < 0n ? -balance : 0n,
    },
    quota: {
      meter,
      status: statuses[status] as QuotaStatus,
      ...quota,
      remaining: remainingOf(quota),
      periodStartsAt: Number(periodStartsAt),
      resetsAt: Number(resetsAt),
    },
  }
}

/** Whether the answer is what would be read out of its words and the row. */
function followsFrom({ id, usage, balanceAfter }: LedgerEntry, result: UsageResult): boolean {
  const { balance, quota } = result
  return (
    usage !== null &&
    result.id === id &&
    result.sparks === usage.sparks &&
    result.costUsd === usage.costUsd &&
    result.settledBy === usage.settledBy &&
    quota.meter === usage.meter &&
    quota.remaining === remainingOf(quota) &&
    balance.balance === balanceAfter &&
    balance.available === balanceAfter - balance.held &&
    balance.debt === (balanceAfter < 0n ? -balanceAfter : 0n)
  )
}

function remainingOf({ used, held, limit }: Pick<UsageResult['quota'], 'used' | 'held' | 'limit'>): bigint | null {
  if (limit === null) return null
  const left = limit - used - held
  return left > 0n ? left : 0n
}
