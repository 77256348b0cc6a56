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
  usedAt: number
}

export function createCallerLeases(billing: Pick<BillingCore, 'lease'>, meter: string): CallerLeases {
  const kept = new Map<string, Kept>()
  const closing = new Map<string, Promise<boolean>>()

  const giveBack = (name: string): Promise<boolean> => {
    const { lease } = kept.get(name) ?? {}
    // Somebody may be giving it back already.
    if (!lease) return closing.get(name) ?? Promise.resolve(false)
    kept.delete(name)
    const closed = lease.then(async (given) => {
      // What cannot be given back ends with its time.
      await given?.close().catch(() => {})
      closing.delete(name)
      return given !== null
    })
    closing.set(name, closed)
    return closed
  }

  /** Gives a lease back once nobody has used it for long enough: one timer a lease, however many calls there are. */
  const watch = (name: string, own: Kept): void => {
    const left = own.usedAt + idleMs - performance.now()
    const timer: unknown = setTimeout(() => {
      if (kept.get(name) !== own) return
      if (performance.now() - own.usedAt >= idleMs) void giveBack(name)
      else watch(name, own)
    }, left)
    // No process stays alive for it; what a timer is depends on the runtime.
    if (typeof timer === 'object' && timer !== null && 'unref' in timer) (timer as { unref(): void }).unref()
  }

  const open = (name: string, caller: GatewayCaller): Kept => {
    const lease = billing.lease({ ...caller, meter: meter as never }).catch(() => null)
    const own: Kept = { lease, usedAt: performance.now() }
    watch(name, own)
    void lease.then((given) => given === null && kept.get(name) === own && giveBack(name))
    return own
  }

  const leaseOf = (caller: GatewayCaller): Promise<Lease | null> => {
    const name = nameOf(caller)
    const own = kept.get(name) ?? open(name, caller)
    own.usedAt = performance.now()
    // The last in the order are those that were used last.
    kept.delete(name)
    kept.set(name, own)
    const [oldest] = kept.keys()
    if (kept.size > maximumLeases && oldest !== undefined) void giveBack(oldest)
    return own.lease
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
