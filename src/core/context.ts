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
  let moment = { time: -1, text: '' }
  return (prefix) => {
    if (used === pool.length) {
      environment.randomBytes(pool)
      used = 0
    }
    const time = Math.floor(environment.now())
    if (time !== moment.time) moment = { time, text: time.toString(16).padStart(12, '0') }
    let id = `${prefix}_${moment.text}${hex(((pool[used] ?? 0) & 0x0f) | 0x70)}${hex(pool[used + 1])}`
    id += hex(((pool[used + 2] ?? 0) & 0x3f) | 0x80)
    for (let index = used + 3; index < used + 10; index += 1) id += hex(pool[index])
    used += 10
    return id
  }
}

const hexPairs = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

function hex(byte: number | undefined): string {
  return hexPairs[byte ?? 0] ?? '00'
}
