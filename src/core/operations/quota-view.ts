import type { Quota } from '../domain/ledger/outcome.js'
import type { QuotaStatus } from '../domain/quota.js'
import { formatQuantity } from '../domain/sparks.js'

/** A quota as callers see it: quantities are decimal text in the meter's unit. */
export interface QuotaView {
  readonly meter: string
  readonly status: QuotaStatus
  readonly used: string
  readonly held: string
  /** `null` for no limit. */
  readonly limit: string | null
  readonly remaining: string | null
  readonly periodStartsAt: Date
  readonly resetsAt: Date
}

export function quotaView(quota: Quota): QuotaView {
  return {
    meter: quota.meter,
    status: quota.status,
    used: formatQuantity(quota.used),
    held: formatQuantity(quota.held),
    limit: quota.limit === null ? null : formatQuantity(quota.limit),
    remaining: quota.remaining === null ? null : formatQuantity(quota.remaining),
    periodStartsAt: new Date(quota.periodStartsAt),
    resetsAt: new Date(quota.resetsAt),
  }
}
