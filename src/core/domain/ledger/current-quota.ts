import type { CatalogData } from '../catalog.js'
import { type Cycle, type Instant, periodAt } from '../period.js'
import { statusOfUsage } from '../quota.js'
import { quotaOf, thresholdsOf } from './entitlement.js'
import type { Quota } from './outcome.js'
import type { AccountState, Counter } from './state.js'

/**
 * How the periods of an account follow each other: by the calendar of its own zone, or from an anchor in UTC, as the provider of its
 * subscription renews it.
 */
export function cycleOf({ anchor, zone }: Pick<AccountState, 'anchor' | 'zone'>): Cycle {
  return { anchor, zone: anchor === null ? zone : 'UTC', interval: 'month' }
}

/** The counter of a period in which nothing was used yet. A level is what it was at the end of the period before. */
export function emptyCounter(
  catalog: CatalogData,
  account: AccountState,
  meter: string,
  at: Instant,
  before?: Counter,
): Counter {
  const aggregation = catalog.meters.get(meter)?.aggregation
  const lasts = aggregation === 'level'
  const period = periodAt(at, cycleOf(account))
  const used = lasts ? (before?.level ?? 0n) : 0n
  return {
    accountId: account.id,
    meter,
    ...period,
    used,
    held: 0n,
    allowance: 0n,
    heldAllowance: 0n,
    rated: 0n,
    overage: 0n,
    carried: {},
    level: before?.level ?? null,
    asOf: before?.asOf ?? null,
    area: before?.area == null ? null : 0n,
    wholeMs: aggregation === 'time_weighted' ? period.endsAt - period.startsAt : null,
    status: statusOfUsage(used, thresholdsOf(catalog, account, meter)),
    throttledAttempts: 0,
    transitions: 0,
  }
}

/** The quota on a meter now, from the counters whose period contains now. */
export function currentQuota(
  catalog: CatalogData,
  account: AccountState,
  counters: readonly Counter[],
  meter: string,
  now: Instant,
): Quota {
  const newest = counters
    .filter((counter) => counter.meter === meter)
    .sort((left, right) => right.startsAt - left.startsAt)[0]
  return quotaOf(catalog, account, newest ?? emptyCounter(catalog, account, meter, now))
}
