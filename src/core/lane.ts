import type { LedgerCommand } from './domain/ledger/command.js'
import type { LedgerOutcome } from './domain/ledger/outcome.js'
import { BillingError, type ErrorCode, withOutcome } from './errors.js'

/** What a lane needs to know. */
export interface LaneOptions {
  /** Decides and writes a batch. */
  readonly commit: (commands: readonly LedgerCommand[]) => Promise<readonly LedgerOutcome[]>
  /** Most commands in a batch. */
  readonly maximumBatch: number
  /** Most commands that may wait; one more is refused as `overloaded`. Default 50,000. */
  readonly maximumWaiting?: number
  /** How often a batch is sent when the store is unavailable; default 5. */
  readonly attempts?: number
}

/** Group commit: one queue in front of a store. */
export interface Lane {
  /** Resolves with this command's outcome after its batch is committed. @throws BillingError `overloaded`, or what the store said */
  submit(command: LedgerCommand): Promise<LedgerOutcome>
  /** Resolves when nothing waits and nothing is under way. */
  idle(): Promise<void>
}

interface Waiting {
  readonly command: LedgerCommand
  readonly bytes: number
  readonly resolve: (outcome: LedgerOutcome) => void
  readonly reject: (error: unknown) => void
}

const maximumBytes = 256 * 1024

/**
 * A queue with no timer. An idle lane sends at once; a busy one collects, and sends what is there when it comes back, so that a
 * thousand concurrent calls become few transactions. The kernel sees equal keys in one batch and answers each for itself.
 */
export function createLane(options: LaneOptions): Lane {
  const maximumWaiting = options.maximumWaiting ?? 50_000
  let waiting: Waiting[] = []
  let running: Promise<void> | null = null

  async function run(): Promise<void> {
    await nextTurn()
    while (waiting.length > 0) {
      const size = batchSize(waiting, options.maximumBatch)
      const batch = waiting.slice(0, size)
      waiting = waiting.slice(size)
      await send(batch, options)
      // A store that commits synchronously must not keep the process from everything else.
      if (waiting.length > 0) await nextTurn()
    }
    running = null
  }

  return {
    submit(command) {
      return new Promise((resolve, reject) => {
        if (waiting.length >= maximumWaiting) {
          reject(
            new BillingError('overloaded', `${maximumWaiting} commands are waiting for the store: try again shortly.`),
          )
          return
        }
        waiting.push({ command, bytes: sizeOf(command), resolve, reject })
        running ??= run()
      })
    },
    async idle() {
      while (running) await running
    },
  }
}

async function send(batch: readonly Waiting[], options: LaneOptions): Promise<void> {
  try {
    const outcomes = await commitPatiently(batch, options)
    batch.forEach((item, index) => {
      const outcome = outcomes[index]
      if (outcome) item.resolve(outcome)
      else
        item.reject(
          new BillingError('invariant_violated', 'The store answered fewer outcomes than there were commands.'),
        )
    })
  } catch (error) {
    if (batch.length === 1 || isAboutTheStore(error)) {
      for (const item of batch) item.reject(error)
      return
    }
    // One command spoils the batch: halve until it is alone, so that its neighbours are committed.
    const middle = Math.ceil(batch.length / 2)
    await send(batch.slice(0, middle), options)
    await send(batch.slice(middle), options)
  }
}

/** Sends the same batch again while the store is unavailable: what had been committed all the same comes back as duplicates. */
async function commitPatiently(batch: readonly Waiting[], options: LaneOptions): Promise<readonly LedgerOutcome[]> {
  const commands = batch.map((item) => item.command)
  const attempts = options.attempts ?? 5
  let mayBeThere = false
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await options.commit(commands)
    } catch (error) {
      mayBeThere ||= BillingError.is(error) && error.outcome === 'unknown'
      const mayPass = BillingError.is(error) && error.code === 'storage_unavailable' && error.retryable
      // That the last attempt had no effect says nothing of the ones before it.
      if (!mayPass || attempt >= attempts) throw mayBeThere ? withOutcome(error, 'unknown') : error
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

function batchSize(waiting: readonly Waiting[], maximumBatch: number): number {
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
function sizeOf(command: LedgerCommand): number {
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
function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === 'function') setImmediate(resolve)
    else queueMicrotask(resolve)
  })
}
