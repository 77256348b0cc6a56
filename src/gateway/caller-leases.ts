import type { BillingCore, Lease, LeaseToken, MicroSparks } from '../index.js'
import type { GatewayCaller } from './caller.js'

/** Leases of those who call often, so that most calls begin without asking the ledger. */
export interface CallerLeases {
  /** Leave for a call of at most so much; `null` where the ledger has to be asked, which also knows why not. */
  take(caller: GatewayCaller, most: MicroSparks): Promise<LeaseToken | null>
  /** Gives back what is set aside for a caller and not given out. @returns whether anything was */
  giveBack(caller: GatewayCaller): Promise<boolean>
}

/** Leases that nobody used for so long are given back. */
const idleMs = 10_000
/** The one that was used longest ago makes room. */
const maximumLeases = 1_000

interface Kept {
  readonly lease: Promise<Lease | null>
  timer: ReturnType<typeof setTimeout> | undefined
}

export function createCallerLeases(billing: Pick<BillingCore, 'lease'>, meter: string): CallerLeases {
  const kept = new Map<string, Kept>()
  const closing = new Map<string, Promise<boolean>>()

  const giveBack = (name: string): Promise<boolean> => {
    const { lease, timer } = kept.get(name) ?? {}
    // Somebody may be giving it back already.
    if (!lease) return closing.get(name) ?? Promise.resolve(false)
    kept.delete(name)
    clearTimeout(timer)
    const closed = lease.then(async (open) => {
      // What cannot be given back ends with its time.
      await open?.close().catch(() => {})
      closing.delete(name)
      return open !== null
    })
    closing.set(name, closed)
    return closed
  }

  const leaseOf = (caller: GatewayCaller): Promise<Lease | null> => {
    const name = nameOf(caller)
    const known = kept.get(name)
    const used = known ?? {
      lease: billing.lease({ ...caller, meter: meter as never }).catch(() => null),
      timer: undefined,
    }
    clearTimeout(used.timer)
    used.timer = setTimeout(() => void giveBack(name), idleMs)
    used.timer.unref()
    // The last in the order are those that were used last.
    kept.delete(name)
    kept.set(name, used)
    if (!known) void used.lease.then((lease) => lease === null && giveBack(name))
    const [oldest] = kept.keys()
    if (kept.size > maximumLeases && oldest !== undefined) void giveBack(oldest)
    return used.lease
  }

  return {
    async take(caller, most) {
      const lease = await leaseOf(caller)
      return lease && (lease.tryAuthorize(most) ?? lease.authorize(most).catch(() => null))
    },
    giveBack: (caller) => giveBack(nameOf(caller)),
  }
}

function nameOf({ accountId, apiKeyId, userId }: GatewayCaller): string {
  return JSON.stringify([accountId, apiKeyId, userId])
}
