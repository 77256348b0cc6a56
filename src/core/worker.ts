import type { BillingContext } from './context.js'
import { type Job, jobsOf } from './jobs.js'
import type { Lifetime } from './lifetime.js'
import type { HandledWebhook } from './operations/webhooks.js'

/** The background of a service: expiry, deliveries, and what webhooks left to be applied. */
export interface Worker {
  readonly lifetime: Lifetime
  /** With a signal the process is kept alive until it is aborted; without, this alone keeps no process alive. */
  run(signal?: AbortSignal): Promise<void>
  /** Says that there is something to deliver. */
  wake(): void
  /** Remembers the part of a webhook that goes on after its answer, so that closing waits for it. */
  track(handled: Promise<HandledWebhook>): Promise<HandledWebhook>
  /** Begins nothing new, gives what is under way a few seconds, then ends it. */
  stop(): Promise<void>
}

const pollMs = 1_000
const patienceMs = 5_000

export function createWorker(context: () => BillingContext): Worker {
  const stopping = new AbortController()
  const aborting = new AbortController()
  const background = new Set<Promise<unknown>>()
  const sleepers = new Set<() => void>()
  let wakes = 0

  function keep<T>(work: Promise<T>): Promise<T> {
    const settled = work.catch(() => {}).finally(() => background.delete(settled))
    background.add(settled)
    return work
  }

  function rouse(): void {
    for (const wakeUp of [...sleepers]) wakeUp()
  }

  function wake(): void {
    wakes += 1
    rouse()
  }

  /** Starts every job that is not under way, at each poll; those that deliver also whenever they are woken. */
  async function loop(signal: AbortSignal, keepsAlive: boolean): Promise<void> {
    const ctx = context()
    const lifetime = { stopping: signal, aborting: aborting.signal }
    const running = new Map<string, Promise<void>>()
    const start = async (job: Job): Promise<void> => {
      const seen = wakes
      const report = await job.run(lifetime).catch((error: unknown) => ctx.environment.onError(error, job.name))
      running.delete(job.name)
      // It may have missed what came while it was looking.
      if (report && (report.tried > 0 || wakes > seen)) rouse()
    }
    let isPoll = true
    while (!signal.aborted) {
      for (const job of jobsOf(ctx)) {
        if (running.has(job.name) || !(isPoll || job.delivers)) continue
        running.set(job.name, start(job))
      }
      isPoll = await sleep(signal, keepsAlive)
    }
    await Promise.all(running.values())
  }

  /** Waits for the next poll or until it is roused, and says which. Leaves neither a timer nor a listener behind. */
  function sleep(signal: AbortSignal, keepsAlive: boolean): Promise<boolean> {
    return new Promise((resolve) => {
      const end = (isPoll: boolean) => {
        clearTimeout(timer)
        signal.removeEventListener('abort', rousedOrAborted)
        sleepers.delete(rousedOrAborted)
        resolve(isPoll)
      }
      const rousedOrAborted = () => end(false)
      const timer: { unref?: () => void } & ReturnType<typeof setTimeout> = setTimeout(end, pollMs, true)
      if (!keepsAlive) timer.unref?.()
      signal.addEventListener('abort', rousedOrAborted)
      sleepers.add(rousedOrAborted)
    })
  }

  return {
    lifetime: { stopping: stopping.signal, aborting: aborting.signal },
    run(signal) {
      const until = signal ? AbortSignal.any([signal, stopping.signal]) : stopping.signal
      return keep(loop(until, signal !== undefined))
    },
    wake,
    async track(handled) {
      const result = await handled
      keep(result.applied)
      result.applied.catch((error: unknown) => context().environment.onError(error, 'webhook'))
      return result
    },
    async stop() {
      stopping.abort()
      const timer = setTimeout(() => aborting.abort(), patienceMs)
      await Promise.all(background)
      clearTimeout(timer)
    },
  }
}
