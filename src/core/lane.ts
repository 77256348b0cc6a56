import type { LedgerCommand } from './domain/ledger/command.js'
import type { LedgerOutcome } from './domain/ledger/outcome.js'
import { BillingError, type ErrorCode, withOutcome } from './errors.js'
import { createSideLanes } from './side-lane.js'
import type { Waiting } from './waiting.js'

/** What a lane needs to know. */
export interface LaneOptions {
  /**
   * Decides and writes a batch; `null` where an account is kept locked by somebody else, for longer than `waitMs` or else than is usual.
   * All commands of an account take part or none.
   */
  readonly commit: (commands: readonly LedgerCommand[], waitMs?: number) => Promise<readonly (LedgerOutcome | null)[]>
  /** Most commands in a batch. */
  readonly maximumBatch: number
  /** Most commands that may wait; one more is refused as `overloaded`. Default 50,000. */
  readonly maximumWaiting?: number
  /** How often a batch is sent when the store is unavailable; default 5. */
  readonly attempts?: number
  /** How long a command waits for an account that somebody else keeps locked, before it is refused as `account_busy`; default 3,000. */
  readonly lockTimeoutMs?: number
}

/** Group commit: one queue in front of a store. */
export interface Lane {
  /** Resolves with this command's outcome after its batch is committed. @throws BillingError `overloaded`, or what the store said */
  submit(command: LedgerCommand): Promise<LedgerOutcome>
  /** Resolves when nothing waits and nothing is under way. */
  idle(): Promise<void>
}

const maximumBytes = 256 * 1024

/**
 * A queue with no timer. An idle lane sends at once; a busy one collects, and sends what is there when it comes back, so that a
 * thousand concurrent calls become few transactions. The kernel sees equal keys in one batch and answers each for itself. Commands of an
 * account that somebody else keeps locked go on in a lane of its own, so that they delay only each other.
 */
export function createLane(options: LaneOptions): Lane {
  const maximumWaiting = options.maximumWaiting ?? 50_000
  let waiting: Waiting[] = []
  let running: Promise<void> | null = null
  const sides = createSideLanes({
    lockTimeoutMs: options.lockTimeoutMs ?? 3_000,
    send: (batch, waitMs) => send(batch, options, waitMs),
    sizeOf: (items) => batchSize(items, options.maximumBatch),
    giveBack(items) {
      if (items.length === 0) return
      waiting = waiting.concat(items)
      running ??= run()
    },
  })

  async function run(): Promise<void> {
    await nextTurn()
    while (waiting.length > 0) {
      const size = batchSize(waiting, options.maximumBatch)
      const batch = waiting.slice(0, size)
      waiting = waiting.slice(size)
      const held = await send(batch, options)
      if (held.length > 0) {
        sides.open(held)
        waiting = waiting.filter((item) => !sides.take(item))
      }
      // A store that commits synchronously must not keep the process from everything else.
      if (waiting.length > 0) await nextTurn()
    }
    running = null
  }

  return {
    submit(command) {
      return new Promise((resolve, reject) => {
        if (waiting.length + sides.waiting() >= maximumWaiting) {
          reject(
            new BillingError('overloaded', `${maximumWaiting} commands are waiting for the store: try again shortly.`),
          )
          return
        }
        const item: Waiting = { command, bytes: sizeOf(command), resolve, reject, mayBeThere: false }
        if (sides.take(item)) return
        waiting.push(item)
        running ??= run()
      })
    },
    async idle() {
      for (let busy = running ?? sides.running(); busy; busy = running ?? sides.running()) await busy
    },
  }
}

/** Sends a batch and answers everybody but those whose account is kept locked: it returns these, in order. */
export async function send(
  batch: readonly Waiting[],
  options: LaneOptions,
  waitMs?: number,
): Promise<readonly Waiting[]> {
  try {
    const outcomes = await commitPatiently(batch, options, waitMs)
    const held: Waiting[] = []
    batch.forEach((item, index) => {
      const outcome = outcomes[index]
      if (outcome) item.resolve(outcome)
      else if (outcome === null) held.push(item)
      else
        item.reject(
          new BillingError('invariant_violated', 'The store answered fewer outcomes than there were commands.'),
        )
    })
    return held
  } catch (error) {
    if (batch.length === 1 || isAboutTheStore(error)) {
      // That the last attempt had no effect says nothing of the ones before it.
      for (const item of batch) item.reject(item.mayBeThere ? withOutcome(error, 'unknown') : error)
      return []
    }
    // One command spoils the batch: halve until it is alone, so that its neighbours are committed.
    const middle = Math.ceil(batch.length / 2)
    const held = await send(batch.slice(0, middle), options, waitMs)
    // What comes after a command of its account that waits has to wait too.
    const accounts = new Set(held.map(({ command }) => command.accountId))
    const second = batch.slice(middle)
    const behind = second.filter(({ command }) => accounts.has(command.accountId))
    const rest = second.filter(({ command }) => !accounts.has(command.accountId))
    return [...held, ...behind, ...(rest.length > 0 ? await send(rest, options, waitMs) : [])]
  }
}

/** Sends the same batch again while the store is unavailable: what had been committed all the same comes back as duplicates. */
async function commitPatiently(
  batch: readonly Waiting[],
  options: LaneOptions,
  waitMs?: number,
): Promise<readonly (LedgerOutcome | null)[]> {
  const commands = batch.map((item) => item.command)
  const attempts = options.attempts ?? 5
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await options.commit(commands, waitMs)
    } catch (error) {
      if (BillingError.is(error) && error.outcome === 'unknown') for (const item of batch) item.mayBeThere = true
      const mayPass = BillingError.is(error) && error.code === 'storage_unavailable' && error.retryable
      if (!mayPass || attempt >= attempts) throw error
      await new Promise((resolve) => setTimeout(resolve, 10 * 2 ** attempt))
    }
  }
}

/** Whether the fault is not in what was sent: then every part of the batch would meet it too. */
function isAboutTheStore(error: unknown): boolean {
  return BillingError.is(error) && (error.retryable || storeCodes.has(error.code))
}

const storeCodes: ReadonlySet<ErrorCode> = new Set([
  'config_invalid',
  'schema_version_mismatch',
  'storage_full',
  'storage_unavailable',
])

/** How many of these make a batch. */
export function batchSize(waiting: readonly Waiting[], maximumBatch: number): number {
  let bytes = 0
  let size = 0
  while (size < waiting.length && size < maximumBatch) {
    bytes += waiting[size]?.bytes ?? 0
    if (size > 0 && bytes > maximumBytes) break
    size += 1
  }
  return size
}

/** Roughly what a command weighs; only its text can be large. The rest is little enough for a full batch to fit. */
export function sizeOf(command: LedgerCommand): number {
  let bytes = 128
  if ('key' in command) bytes += command.key.length
  if ('reason' in command) bytes += command.reason.length
  if (command.kind !== 'usage') return bytes
  const { dimensions, tokens, model } = command.usage
  bytes += model?.length ?? 0
  for (const name in dimensions) bytes += name.length + (dimensions[name]?.length ?? 0)
  for (const name in tokens) bytes += name.length + 16
  return bytes
}

/** After the requests of this turn have been read, where the runtime can say so: calls that came together share a batch. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => afterThisTurn(resolve))
}

/** Kept from the start: an app's tests that put a clock by hand in the place of timers would wait for ever. */
const afterThisTurn: (then: () => void) => unknown = typeof setImmediate === 'function' ? setImmediate : queueMicrotask
