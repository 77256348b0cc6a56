import type { Instant } from '../domain/period.js'

/** A moment as callers see it. */
export function dateOf(at: Instant | null): Date | null {
  return at === null ? null : new Date(at)
}
