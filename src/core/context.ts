import type { Catalog } from './catalog.js'
import type { Environment, ResolvedRoles } from './config.js'
import type { Consumers } from './consumers.js'
import type { IdPrefix } from './domain/ids.js'
import type { LedgerRules } from './domain/ledger/state.js'
import type { AllowedOrigins } from './domain/redirect.js'
import type { Lane } from './lane.js'
import type { Leases } from './leases.js'
import type { Lifetime } from './lifetime.js'
import type { Store } from './ports/store.js'

/** What every operation is given. */
export interface BillingContext {
  readonly catalog: Catalog
  readonly rules: LedgerRules
  readonly store: Store
  readonly ledger: Lane
  readonly roles: ResolvedRoles
  readonly origins: AllowedOrigins | null
  readonly environment: Environment
  readonly consumers: Consumers
  /** A new id that sorts by time. */
  newId(prefix: IdPrefix): string
  /** How long the background may go on. */
  readonly lifetime: Lifetime
  /** What is reserved for this process. */
  readonly leases: Leases
  /** Says that there is something to deliver. */
  wake(): void
}

/** A UUIDv7 behind a prefix: 48 bits of time, then randomness. @see RFC 9562 §5.7 */
export function createIds(environment: Environment): (prefix: IdPrefix) => string {
  const pool = new Uint8Array(1_600)
  let used = pool.length
  return (prefix) => {
    if (used === pool.length) {
      environment.randomBytes(pool)
      used = 0
    }
    const random = pool.subarray(used, used + 10)
    used += 10
    const time = Math.floor(environment.now()).toString(16).padStart(12, '0')
    const a = ((random[0] ?? 0) & 0x0f) | 0x70
    const b = ((random[2] ?? 0) & 0x3f) | 0x80
    return `${prefix}_${time}${hex(a)}${hex(random[1])}${hex(b)}${[...random.subarray(3)].map(hex).join('')}`
  }
}

function hex(byte: number | undefined): string {
  return (byte ?? 0).toString(16).padStart(2, '0')
}
