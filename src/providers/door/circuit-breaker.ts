import { BillingError } from '../../core/errors.js'
import type { DoorName } from './fault.js'
import type { DoorClock } from './pace.js'

/** Keeps calls from a provider that does not answer, and asks with a single one now and then whether it does again. */
export interface CircuitBreaker {
  /** @throws BillingError `provider_unavailable` while it is open */
  enter(): void
  /** The provider answered, whatever it said. */
  answered(): void
  /** It did not. */
  failed(): void
}

/** So many failures in a row open it. */
const failuresToOpen = 10
const firstRestMs = 1_000
const longestRestMs = 60_000

export function createCircuitBreaker({ id, name }: DoorName, { now, random }: DoorClock): CircuitBreaker {
  let failures = 0
  /** How often it was opened since it last closed. */
  let rests = 0
  let closesAt = 0
  let isAsking = false

  return {
    enter() {
      if (failures < failuresToOpen) return
      const waitMs = Math.ceil(closesAt - now())
      if (waitMs <= 0 && !isAsking) {
        isAsking = true
        return
      }
      throw new BillingError(
        'provider_unavailable',
        `${name} has not answered for a while: it is left alone for now.`,
        {
          details: { provider: id, reason: 'circuit_open', retryAfterMs: Math.max(waitMs, 100) },
        },
      )
    },
    answered() {
      failures = 0
      rests = 0
      isAsking = false
    },
    failed() {
      failures += 1
      isAsking = false
      if (failures < failuresToOpen) return
      const restMs = Math.min(longestRestMs, firstRestMs * 2 ** Math.min(rests, 10))
      rests += 1
      // Not all processes ask again at the same moment.
      closesAt = now() + restMs * (0.5 + random() / 2)
    },
  }
}
