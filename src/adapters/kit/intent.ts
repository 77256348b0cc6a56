import type { Instant } from '../../core/domain/period.js'
import type { CheckoutIntent, IntentStore } from '../../core/ports/store.js'

/** A sale as it is first stored. */
export function openedIntent(intent: Parameters<IntentStore['open']>[0], now: Instant): CheckoutIntent {
  return {
    ...intent,
    status: 'open',
    externalId: null,
    url: null,
    paidNanos: null,
    createdAt: now,
    expiresAt: null,
    completedAt: null,
  }
}

/** A sale after what is known now; a final status stays as it is, but what had come to nothing and is paid after all is completed. */
export function changedIntent(
  before: CheckoutIntent,
  change: Parameters<IntentStore['update']>[2],
  now: Instant,
): CheckoutIntent {
  const isPaidLate = before.status === 'expired' && change.status === 'completed'
  const isFinal = before.status !== 'open' && before.status !== 'pending' && !isPaidLate
  const status = isFinal ? before.status : (change.status ?? before.status)
  const completedAt = before.completedAt ?? (status === 'completed' ? now : null)
  return { ...before, ...change, status, completedAt }
}
