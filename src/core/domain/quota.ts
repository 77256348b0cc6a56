import type { MicroUnits } from './sparks.js'

/**
 * Where an account stands on one meter in one period. `throttled`: a request was refused; it stays so until something covers the next
 * unit again or a later request passes.
 */
export type QuotaStatus = 'below_quota' | 'near_quota' | 'at_quota' | 'throttled'

/** What moved the status; each is emitted once when it happens. */
export type QuotaTransition = 'near' | 'reached' | 'throttled' | 'restored'

/** What use is measured against. `limit: null` is no limit; use is near above `nearPercent` of the limit. */
export interface Thresholds {
  readonly limit: MicroUnits | null
  readonly nearPercent: number
}

/** The status after something happened, and what is to be told of it, in order. */
export interface QuotaChange {
  readonly status: QuotaStatus
  readonly transitions: readonly QuotaTransition[]
}

/** The status that usage alone gives. */
export function statusOfUsage(used: MicroUnits, { limit, nearPercent }: Thresholds): QuotaStatus {
  if (limit === null) return 'below_quota'
  if (used >= limit) return 'at_quota'
  return used * 100n > limit * BigInt(nearPercent) ? 'near_quota' : 'below_quota'
}

/**
 * After more was used: a jump over both thresholds passes them in order. Usage lifts no throttle, and the thresholds it passes under
 * one are told all the same.
 */
export function afterUsage(
  status: QuotaStatus,
  { before, used }: { readonly before: MicroUnits; readonly used: MicroUnits },
  thresholds: Thresholds,
): QuotaChange {
  const from = status === 'throttled' ? statusOfUsage(before, thresholds) : status
  const next = statusOfUsage(used, thresholds)
  if (rank(next) <= rank(from)) return { status, transitions: [] }
  const passed: QuotaTransition[] = []
  if (from === 'below_quota') passed.push('near')
  if (next === 'at_quota') passed.push('reached')
  return { status: status === 'throttled' ? status : next, transitions: passed }
}

/** After a request was refused. */
export function afterRefusal(status: QuotaStatus): QuotaChange {
  return { status: 'throttled', transitions: status === 'throttled' ? [] : ['throttled'] }
}

/** After a request was let through, or would be now: nothing is throttled any more. */
export function afterPass(status: QuotaStatus, used: MicroUnits, thresholds: Thresholds): QuotaChange {
  if (status !== 'throttled') return { status, transitions: [] }
  return { status: statusOfUsage(used, thresholds), transitions: ['restored'] }
}

/** After the plan or what there is to pay with was changed; `covered` says whether the next unit would be let through. */
export function afterChange(
  status: QuotaStatus,
  covered: boolean,
  used: MicroUnits,
  thresholds: Thresholds,
): QuotaChange {
  if (status === 'throttled') return covered ? afterPass(status, used, thresholds) : { status, transitions: [] }
  const next = statusOfUsage(used, thresholds)
  if (rank(next) > rank(status)) return afterUsage(status, { before: used, used }, thresholds)
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
