/** How old the knowledge that an account is not suspended may be, in milliseconds, for a lease on it to give leave. */
export const maximumStaleMs = 1_000

/** A lease as its watch sees it. */
export interface WatchedLease {
  readonly accountId: string
  /** The API key it is for, if it is for one. */
  readonly apiKeyId: string | null
  /** The account was seen in good standing, at this moment of the process's own clock. */
  seen(at: number): void
  suspend(): void
  /** Lasts longer, where that is due. */
  renew(): void
  close(): Promise<void>
}

/** The leases of one service. */
export interface Leases {
  add(lease: WatchedLease): void
  delete(lease: WatchedLease): void
  /** Gives back everything. */
  close(): Promise<void>
}

/** Looks at the accounts of all leases several times a second, in one question, and has leases last longer in time. */
export function createLeases(
  suspendedAmong: (accountIds: readonly string[]) => Promise<readonly string[]>,
  endedAmong: (apiKeyIds: readonly string[]) => Promise<readonly string[]>,
  onError: (error: unknown) => void,
): Leases {
  const open = new Set<WatchedLease>()
  let isWatching = false

  async function look(): Promise<void> {
    const at = performance.now()
    const accountIds = [...new Set([...open].map(({ accountId }) => accountId))]
    const keyIds = [...new Set([...open].flatMap(({ apiKeyId }) => apiKeyId ?? []))]
    const [suspended, ended] = await Promise.all([
      suspendedAmong(accountIds).then((ids) => new Set(ids)),
      keyIds.length === 0 ? new Set<string>() : endedAmong(keyIds).then((ids) => new Set(ids)),
    ])
    for (const lease of open) {
      // No key comes back.
      if (lease.apiKeyId !== null && ended.has(lease.apiKeyId)) {
        lease.close().catch(onError)
        continue
      }
      if (suspended.has(lease.accountId)) lease.suspend()
      else lease.seen(at)
      lease.renew()
    }
  }

  async function watch(): Promise<void> {
    while (open.size > 0) {
      await pause(maximumStaleMs / 3)
      if (open.size > 0) await look().catch(onError)
    }
    isWatching = false
  }

  return {
    add(lease) {
      open.add(lease)
      if (isWatching) return
      isWatching = true
      void watch()
    },
    delete(lease) {
      open.delete(lease)
    },
    async close() {
      await Promise.all([...open].map((lease) => lease.close().catch(onError)))
    },
  }
}

/** A wait that keeps no process alive. */
function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    const timer: unknown = setTimeout(resolve, ms)
    if (typeof timer === 'object' && timer !== null && 'unref' in timer) (timer as { unref(): void }).unref()
  })
}
