import type { Catalog } from './catalog.js'
import type { Environment, ResolvedRoles } from './config.js'
import type { Consumers } from './consumers.js'
import type { Cursors } from './cursors.js'
import type { IdPrefix } from './domain/ids.js'
import type { LedgerCommand } from './domain/ledger/command.js'
import type { LedgerRules } from './domain/ledger/state.js'
import type { AllowedOrigins } from './domain/redirect.js'
import type { Instrumentation, Logger } from './instrumentation.js'
import type { Intake } from './intake.js'
import type { Lane } from './lane.js'
import type { Leases } from './leases.js'
import type { Lifetime } from './lifetime.js'
import type { InvoiceRenderer } from './ports/invoice-renderer.js'
import type { JoinedOutcome, Store } from './ports/store.js'
import type { PullRules } from './pull-config.js'

/** What every operation is given. */
export interface BillingContext {
  readonly catalog: Catalog
  readonly rules: LedgerRules
  readonly store: Store
  readonly ledger: Lane
  /** Decides a command in a transaction of the app; `null` where the store knows none. */
  readonly join: ((transaction: object, command: LedgerCommand) => Promise<JoinedOutcome>) | null
  readonly roles: ResolvedRoles
  readonly origins: AllowedOrigins | null
  /** How far a subscription must have come to suspend its account. */
  readonly suspendOn: 'unpaid' | 'past_due' | 'never'
  /** Who draws invoices of providers that do not. */
  readonly invoiceRenderer: InvoiceRenderer | null
  /** What API keys begin with. */
  readonly keyPrefix: string
  /** What is made of traces that are read. */
  readonly pulling: PullRules
  readonly environment: Environment
  readonly logger: Logger | null
  readonly instrumentation: Instrumentation
  readonly consumers: Consumers
  /** A new id that sorts by time. */
  newId(prefix: IdPrefix): string
  /** How long the background may go on. */
  readonly lifetime: Lifetime
  /** Places in lists. */
  readonly cursors: Cursors
  /** What is reserved for this process. */
  readonly leases: Leases
  /** Takes in what providers tell us. */
  readonly intake: Intake
  /** Says that there is something to deliver. */
  wake(): void
}

/**
 * A UUIDv7 behind a prefix: 48 bits of time, then a counter, then randomness. Ids of one process rise, also within a millisecond: what
 * is ordered by them is in the order in which it was asked for. @see RFC 9562 §6.2
 */
export function createIds(environment: Environment): (prefix: IdPrefix) => string {
  const pool = new Uint8Array(10 * 160)
  let digits = ''
  let used = 0
  let moment = { clock: -1, time: -1, count: 0, text: '' }
  return (prefix) => {
    if (used === digits.length) {
      environment.randomBytes(pool)
      digits = hexOf(pool)
      used = 0
    }
    const time = Math.floor(environment.now())
    const start = used
    used += 20
    if (time !== moment.clock) {
      // Begun in the lower half, so that there is room to count.
      const count = Number.parseInt(digits.slice(start + 1, start + 4), 16) >> 1
      moment = { clock: time, time, count, text: timeText(time) }
    } else if (moment.count < 4_095) moment.count += 1
    else moment = { clock: time, time: moment.time + 1, count: 0, text: timeText(moment.time + 1) }
    return `${prefix}${moment.text}${counts[moment.count]}${variant(digits, start + 4)}${digits.slice(start + 5, used)}`
  }
}

const counts = Array.from({ length: 4_096 }, (_, count) => count.toString(16).padStart(3, '0'))

function timeText(time: number): string {
  return `_${time.toString(16).padStart(12, '0')}7`
}

/** The digit at a place with the two bits of RFC 9562 at its head. */
function variant(digits: string, place: number): string {
  return '89ab'.charAt(Number.parseInt(digits.charAt(place), 16) & 3)
}

const pairs = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

function hexOf(bytes: Uint8Array): string {
  const text = new Array<string | undefined>(bytes.length)
  for (let place = 0; place < bytes.length; place += 1) text[place] = pairs[bytes[place] ?? 0]
  return text.join('')
}
