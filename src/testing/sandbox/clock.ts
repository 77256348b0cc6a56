import type { Journal } from './journal.js'

/** Sandbox time in milliseconds since the epoch: the injected or system clock plus whatever was added by hand. */
export interface SandboxClock {
  now(): number
  advance(ms: number): void
}

export function createClock(journal: Journal, now: () => number = Date.now): SandboxClock {
  // Kept in the journal: after a restart, rows stamped in the future would otherwise lie ahead of the clock.
  const offsets = journal.table<{ readonly offsetMs: number }>('sandbox.clock')
  return {
    now: () => now() + (offsets.get('offset')?.offsetMs ?? 0),
    advance(ms) {
      if (!Number.isFinite(ms) || ms < 0) throw new RangeError(`The sandbox clock only moves forward, not by ${ms} ms.`)
      offsets.put('offset', { offsetMs: (offsets.get('offset')?.offsetMs ?? 0) + ms })
    },
  }
}
