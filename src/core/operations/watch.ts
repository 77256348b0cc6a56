import type { BillingContext } from '../context.js'
import { type BillingEventType, billingEventTypes } from '../domain/event.js'
import type { News, StoredBalance } from '../ports/store.js'

/** Who waits for what happens to an account. */
export interface Watcher {
  readonly accountId: string
  /** What was found; the same event may come more than once. */
  found(events: News['events'], balance: StoredBalance | undefined): void
}

/** What an account is told of itself. What operators do, and what is the house's own business, is not for it. */
const inward: ReadonlySet<BillingEventType> = new Set(['delivery.parked', 'operator.acted', 'top_up.due'])
export const toldTypes = billingEventTypes.filter((type) => !inward.has(type))

/** How often is looked. */
const intervalMs = 1_000
/** How far is looked back: usually, and now and then, for what a transaction stored that took long to commit. */
export const shortBackMs = 2_000
export const longBackMs = 60_000
const looksBetweenLong = 15
/** How many events are read at once. */
export const pageSize = 500

const watches = new WeakMap<BillingContext, ReturnType<typeof createWatch>>()

/** Has a watcher told until it is taken off again: all of this process in two questions a second, whoever else there may be. */
export function watch(ctx: BillingContext, watcher: Watcher): () => void {
  const own = watches.get(ctx) ?? createWatch(ctx)
  watches.set(ctx, own)
  return own.add(watcher)
}

function createWatch(ctx: BillingContext) {
  const watchers = new Map<string, Set<Watcher>>()
  const { stopping } = ctx.lifetime
  let isRunning = false
  let looks = 0
  let asOf: number | undefined

  async function look(): Promise<void> {
    const accountIds = [...watchers.keys()]
    const balances = await ctx.store.ledger.balances(accountIds)
    looks += 1
    const backMs = looks % looksBetweenLong === 0 ? longBackMs : shortBackMs
    let after = { storedAt: (asOf ?? Number.MAX_SAFE_INTEGER) - backMs, id: '' }
    for (;;) {
      const news = await ctx.store.outbox.news(accountIds, { types: toldTypes, after, limit: pageSize })
      for (const accountId of accountIds) {
        const own = news.events.filter(({ event }) => event.accountId === accountId)
        for (const watcher of watchers.get(accountId) ?? []) watcher.found(own, balances.get(accountId))
      }
      asOf = news.asOf
      const last = news.events.at(-1)
      if (!last || news.events.length < pageSize) return
      after = { storedAt: last.storedAt, id: last.event.id }
    }
  }

  async function run(): Promise<void> {
    while (watchers.size > 0 && !stopping.aborted) {
      await look().catch((error: unknown) => {
        if (!stopping.aborted) ctx.environment.onError(error, 'changes')
      })
      await pause(intervalMs, stopping)
    }
    isRunning = false
    asOf = undefined
  }

  return {
    add(watcher: Watcher): () => void {
      const { accountId } = watcher
      const own = watchers.get(accountId) ?? new Set()
      watchers.set(accountId, own.add(watcher))
      if (!isRunning) {
        isRunning = true
        void run()
      }
      return () => {
        own.delete(watcher)
        if (own.size === 0 && watchers.get(accountId) === own) watchers.delete(accountId)
      }
    },
  }
}

/** A wait that keeps no process alive, and ends early with the service. */
function pause(ms: number, stopping: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer)
      stopping.removeEventListener('abort', end)
      resolve()
    }
    const timer: { unref?: () => void } & ReturnType<typeof setTimeout> = setTimeout(end, ms)
    timer.unref?.()
    stopping.addEventListener('abort', end)
    if (stopping.aborted) end()
  })
}
