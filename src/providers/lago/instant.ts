import type { Instant } from '../../core/domain/period.js'

/** A moment as Lago writes it; `null` where there is none. */
export function instant(text: string | null | undefined): Instant | null {
  const at = Date.parse(text ?? '')
  return Number.isNaN(at) ? null : at
}

/** Lago names the last second of a period; ours end where the next begins. */
export function afterSecond(at: Instant | null): Instant | null {
  return at === null ? null : Math.floor(at / 1000) * 1000 + 1000
}
