import { BillingError } from './errors.js'
import { batchSize, type Lane, type LaneOptions, nextTurn, send, sizeOf } from './lane.js'
import { createSideLanes } from './side-lane.js'
import type { Waiting } from './waiting.js'

/** What a lane of accounts needs to know. */
export interface AccountLaneOptions extends LaneOptions {
  /** How many accounts are sent for at the same time. */
  readonly maximumRunning: number
}

/**
 * Group commit for a store whose transactions each hold one account: a queue for each account, and turns in the order in which they
 * came. Of each account one batch is under way at a time; what comes meanwhile is its next one.
 */
export function createAccountLane(options: AccountLaneOptions): Lane {
  const maximumWaiting = options.maximumWaiting ?? 50_000
  const queues = new Map<string, Waiting[]>()
  const ready = new Set<string>()
  const runs = new Set<Promise<void>>()
  let starting: Promise<void> | null = null
  let waiting = 0
  const sides = createSideLanes({
    lockTimeoutMs: options.lockTimeoutMs ?? 3_000,
    send: (batch, waitMs) => send(batch, options, waitMs),
    sizeOf: (items) => batchSize(items, options.maximumBatch),
    giveBack: (items) => items.forEach(push),
  })

  function push(item: Waiting): void {
    const { accountId } = item.command
    const queue = queues.get(accountId)
    waiting += 1
    if (queue) {
      queue.push(item)
      return
    }
    queues.set(accountId, [item])
    ready.add(accountId)
    starting ??= nextTurn().then(() => {
      starting = null
      start()
    })
  }

  function start(): void {
    for (const accountId of ready) {
      if (runs.size >= options.maximumRunning) return
      ready.delete(accountId)
      const running = run(accountId).finally(() => {
        runs.delete(running)
        start()
      })
      runs.add(running)
    }
  }

  async function run(accountId: string): Promise<void> {
    const queue = queues.get(accountId) ?? []
    const batch = queue.splice(0, batchSize(queue, options.maximumBatch))
    waiting -= batch.length
    const held = await send(batch, options)
    if (held.length > 0) {
      sides.open(held)
      waiting -= queue.length
      for (const item of queue.splice(0)) sides.take(item)
    }
    if (queue.length > 0) ready.add(accountId)
    else queues.delete(accountId)
  }

  return {
    submit(command) {
      return new Promise((resolve, reject) => {
        if (waiting + sides.waiting() >= maximumWaiting) {
          const message = `${maximumWaiting} commands are waiting for the store: try again shortly.`
          reject(new BillingError('overloaded', message))
          return
        }
        const item: Waiting = { command, bytes: sizeOf(command), resolve, reject, mayBeThere: false }
        if (!sides.take(item)) push(item)
      })
    },
    async idle() {
      for (;;) {
        const busy = starting ?? (runs.size > 0 ? Promise.race(runs) : sides.running())
        if (!busy) return
        await busy
      }
    },
  }
}
