import type { MicroUnits } from './sparks.js'

/** Where an account stands on one meter in one period. `throttled`: a request was refused; it stays so until something covers it again. */
export type QuotaStatus = 'below_quota' | 'near_quota' | 'at_quota' | 'throttled'

/** What moved the status; each is emitted once when it happens. */
export type QuotaTransition = 'near' | 'reached' | 'throttled' | 'restored'

/** The status that usage alone gives: near above `nearPercent` of the limit, at from the limit on. `null` is no limit. */
export function statusOfUsage(used: MicroUnits, limit: MicroUnits | null, nearPercent: number): QuotaStatus {
  if (limit === null) return 'below_quota'
  if (used >= limit) return 'at_quota'
  return used * 100n > limit * BigInt(nearPercent) ? 'near_quota' : 'below_quota'
}

/** After more was used: a jump over both thresholds passes them in order, and nothing lifts a throttle. */
export function afterUsage(
  status: QuotaStatus,
  used: MicroUnits,
  limit: MicroUnits | null,
  nearPercent: number,
): { readonly status: QuotaStatus; readonly transitions: readonly QuotaTransition[] } {
  if (status === 'throttled') return { status, transitions: [] }
  const next = statusOfUsage(used, limit, nearPercent)
  if (rank(next) <= rank(status)) return { status, transitions: [] }
  const passed: QuotaTransition[] = []
  if (status === 'below_quota') passed.push('near')
  if (next === 'at_quota') passed.push('reached')
  return { status: next, transitions: passed }
}

/** After a request was refused. */
export function afterRefusal(status: QuotaStatus): {
  readonly status: QuotaStatus
  readonly transitions: readonly QuotaTransition[]
} {
  return { status: 'throttled', transitions: status === 'throttled' ? [] : ['throttled'] }
}

/** After credits were granted or a limit was changed; `covered` says whether the next unit would be let through. */
export function afterChange(
  status: QuotaStatus,
  covered: boolean,
  used: MicroUnits,
  limit: MicroUnits | null,
  nearPercent: number,
): { readonly status: QuotaStatus; readonly transitions: readonly QuotaTransition[] } {
  const next = statusOfUsage(used, limit, nearPercent)
  if (status === 'throttled') return covered ? { status: next, transitions: ['restored'] } : { status, transitions: [] }
  if (rank(next) > rank(status)) return afterUsage(status, used, limit, nearPercent)
  return { status: next, transitions: [] }
}

function rank(status: QuotaStatus): number {
  switch (status) {
    case 'below_quota':
      return 0
    case 'near_quota':
      return 1
    case 'at_quota':
      return 2
    case 'throttled':
      return 3
  }
}
