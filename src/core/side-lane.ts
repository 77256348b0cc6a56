import { BillingError } from './errors.js'
import type { Waiting } from './waiting.js'

/** What side lanes need to know. */
export interface SideLaneOptions {
  /** How long a command waits for its account. */
  readonly lockTimeoutMs: number
  /** Sends commands of one account, and returns them when the account was kept locked for as long as this. */
  readonly send: (batch: readonly Waiting[], waitMs: number) => Promise<readonly Waiting[]>
  /** How many of these make a batch. */
  readonly sizeOf: (items: readonly Waiting[]) => number
  /** Takes back what waits for an account that is free again. */
  readonly giveBack: (items: readonly Waiting[]) => void
}

/** A lane for each account that somebody else keeps locked. */
export interface SideLanes {
  /** Begins to wait for the accounts of these commands. */
  open(held: readonly Waiting[]): void
  /** Takes a command whose account has a lane here, so that its commands keep their order and are not waited for elsewhere. */
  take(item: Waiting): boolean
  /** How many commands wait here. */
  waiting(): number
  /** Resolves when something has changed; `null` when nothing waits. */
  running(): Promise<void> | null
}

interface Side {
  items: { readonly item: Waiting; readonly since: number }[]
  /** Whether it is under way, or waits for its turn. */
  isRunning: boolean
}

/** Each waits on a connection, of which the others need some too. */
const maximumRunning = 4
/** How long one account is waited for before another one has its turn. */
const turnMs = 250
/** Accounts that are remembered for having been locked when they were last asked for. */
const maximumIdle = 1_000

/**
 * Waits account by account, a few at a time and each for a short turn, until a command has waited for as long as it may. An account
 * that was not to be had stays here until a command of it gets through: the others are not to find out again.
 */
export function createSideLanes({ lockTimeoutMs, send, sizeOf, giveBack }: SideLaneOptions): SideLanes {
  const sides = new Map<string, Side>()
  const runs = new Set<Promise<void>>()
  const turns: (() => void)[] = []
  let running = 0
  let waiting = 0

  async function run(accountId: string, side: Side): Promise<void> {
    // What comes in the same turn goes together.
    await null
    let isFree = false
    while (!isFree && side.items.length > 0) {
      if (running >= maximumRunning) await new Promise<void>((resolve) => turns.push(resolve))
      else running += 1
      isFree = await turn(accountId, side)
      const next = turns.shift()
      if (next) next()
      else running -= 1
    }
    side.isRunning = false
    if (!isFree) return
    sides.delete(accountId)
    waiting -= side.items.length
    giveBack(side.items.map(({ item }) => item))
  }

  /** Sends what waits for an account. @returns whether the account was to be had */
  async function turn(accountId: string, side: Side): Promise<boolean> {
    const batch = side.items.slice(0, sizeOf(side.items.map(({ item }) => item)))
    const started = performance.now()
    const waited = started - (batch[0]?.since ?? started)
    const held = new Set(
      await send(
        batch.map(({ item }) => item),
        Math.ceil(Math.max(1, Math.min(turnMs, lockTimeoutMs - waited))),
      ),
    )
    const now = performance.now()
    const isOver = ({ item, since }: Side['items'][number]) => !held.has(item) || now - since >= lockTimeoutMs
    const over = batch.filter(isOver)
    side.items = [...batch.filter((entry) => !isOver(entry)), ...side.items.slice(batch.length)]
    waiting -= over.length
    for (const { item } of over) if (held.has(item)) item.reject(busy(accountId, lockTimeoutMs, item.mayBeThere))
    return held.size === 0
  }

  function push(accountId: string, side: Side, item: Waiting): void {
    side.items.push({ item, since: performance.now() })
    waiting += 1
    if (side.isRunning) return
    side.isRunning = true
    const running = run(accountId, side).finally(() => runs.delete(running))
    runs.add(running)
  }

  return {
    open(held) {
      for (const item of held) {
        const { accountId } = item.command
        let side = sides.get(accountId)
        if (!side) {
          if (sides.size >= maximumIdle) for (const [id, { isRunning }] of sides) if (!isRunning) sides.delete(id)
          side = { items: [], isRunning: false }
          sides.set(accountId, side)
        }
        push(accountId, side, item)
      }
    },
    take(item) {
      if (sides.size === 0) return false
      const side = sides.get(item.command.accountId)
      if (side) push(item.command.accountId, side, item)
      return side !== undefined
    },
    waiting: () => waiting,
    running: () => (runs.size === 0 ? null : Promise.race(runs)),
  }
}

function busy(accountId: string, waitedMs: number, mayBeThere: boolean): BillingError {
  return new BillingError(
    'account_busy',
    `Another transaction keeps account ${accountId} locked. Pass it as \`transaction\` if it is your own; else try again.`,
    { details: { accountId, waitedMs }, outcome: mayBeThere ? 'unknown' : 'not_applied' },
  )
}
