import type { Instant } from '../../core/domain/period.js'

/** A moment of Stripe's, which counts in seconds. */
export function instant(seconds: number | null | undefined): Instant | null {
  return typeof seconds === 'number' ? seconds * 1000 : null
}
