import type { ReportState } from '../ports/store.js'
import type { CountingProvider, UsageGap } from './compare-usage.js'
import type { Finding } from './difference.js'

const hourMs = 3_600_000

/** What the gaps of all accounts at one provider mean: of two that cancel each other out, one is the other in the wrong place. */
export function usageFindings(gaps: readonly UsageGap[]): readonly Finding[] {
  const left = new Set(gaps)
  const findings: Finding[] = []
  const pair = (isPair: (short: UsageGap, long: UsageGap) => boolean, kind: 'late' | 'wrong_account') => {
    for (const short of left) {
      if (short.found >= short.expected) continue
      const long = [...left].find(
        (other) =>
          other.meter === short.meter &&
          other.isShadow === short.isShadow &&
          other.found - other.expected === short.expected - short.found &&
          isPair(short, other),
      )
      if (!long) continue
      left.delete(short)
      left.delete(long)
      const where = kind === 'late' ? new Date(long.at).toISOString() : `account ${long.accountId}`
      findings.push({ ...findingOf(short), kind, found: `${sparksOf(long.found - long.expected)} at ${where}` })
    }
  }
  const isSameTime = (short: UsageGap, long: UsageGap) => Math.abs(short.at - long.at) < hourMs
  pair((short, long) => short.accountId !== long.accountId && isSameTime(short, long), 'wrong_account')
  pair((short, long) => short.accountId === long.accountId, 'late')
  return [...findings, ...[...left].map(findingOf)]
}

function findingOf(gap: UsageGap): Finding {
  const { accountId, meter, at, expected, found, reports } = gap
  const id = reports.map((report) => report.id).join(' ') || meter
  return {
    kind: kindOf(gap),
    subject: 'usage',
    accountId,
    id,
    at,
    expected: sparksOf(expected),
    found: sparksOf(found),
  }
}

function kindOf({ expected, found, reports }: UsageGap): Finding['kind'] {
  if (found === 0n) return 'missing'
  if (expected === 0n) return 'extra'
  const extra = found - expected
  const isTwice = extra === expected || reports.some(({ status, sparks }) => status === 'delivered' && sparks === extra)
  return isTwice ? 'duplicate' : 'amount'
}

function sparksOf(sparks: bigint): string {
  return `${sparks} Sparks`
}

/** Usage that the provider was never told of, since it would not take it. */
export function parkedFindings(
  provider: CountingProvider,
  accountId: string,
  reports: readonly ReportState[],
): readonly Finding[] {
  return reports
    .filter(({ status, mayHaveArrived }) => status === 'parked' && !mayHaveArrived)
    .map(({ id, sparks, occurredAt, claimedAt }) => {
      const isLate = (claimedAt ?? 0) - occurredAt >= provider.metering.maximumAgeMs
      const kind = isLate ? 'late' : 'missing'
      return { kind, subject: 'usage', accountId, id, at: occurredAt, expected: sparksOf(sparks), found: 'not taken' }
    })
}
