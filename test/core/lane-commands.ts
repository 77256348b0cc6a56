import { defineCatalog, type LedgerCommand, type LedgerOutcome } from 'billfold'
import { dedupeOf, fingerprintOf } from '../../src/core/domain/ledger/key.js'

// What the tests of lanes send, and how they say what became of it.

export const rules = { catalog: defineCatalog({}), metering: [], tracing: [], collecting: null }
export const ids = Array.from({ length: 20 }, (_, index) => `acct_${index}`)

export function grant(
  accountId: string,
  key: string,
  change: Partial<Extract<LedgerCommand, { kind: 'grant' }>> = {},
): LedgerCommand {
  return {
    kind: 'grant',
    accountId,
    id: `grt_${key}`,
    key,
    dedupe: dedupeOf(accountId, 'grant', key),
    fingerprint: fingerprintOf({ key }),
    amount: 1n,
    grantKind: 'promotional',
    priority: 0,
    expiresAt: null,
    reason: 'welcome',
    payment: null,
    ...change,
  }
}

/** One that a store cannot write, which only shows when the batch is sent. */
export function poison(accountId: string): LedgerCommand {
  return { ...grant(accountId, 'poison'), amount: undefined } as unknown as LedgerCommand
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** How each ended: the status of its outcome, or the code of its error. */
export function codes(ended: readonly PromiseSettledResult<LedgerOutcome>[]): readonly string[] {
  return ended.map((end) => (end.status === 'fulfilled' ? end.value.status : end.reason.code))
}
