import type { BillingContext } from './context.js'
import { runOnce } from './operations/sync.js'
import type { HandledWebhook } from './operations/webhooks.js'

/** The background of a service: the delivery loop, and what webhooks left to be applied. */
export interface Worker {
  run(signal?: AbortSignal): Promise<void>
  wake(): void
  /** Remembers the part of a webhook that goes on after its answer, so that closing waits for it. */
  track(handled: Promise<HandledWebhook>): Promise<HandledWebhook>
  stop(): Promise<void>
}

const pollMs = 1_000

export function createWorker(context: () => BillingContext): Worker {
  const stopping = new AbortController()
  const background = new Set<Promise<unknown>>()
  let wakeUp: () => void = () => {}

  function keep<T>(work: Promise<T>): Promise<T> {
    const settled = work.catch(() => {}).finally(() => background.delete(settled))
    background.add(settled)
    return work
  }

  async function loop(signal: AbortSignal): Promise<void> {
    const ctx = context()
    while (!signal.aborted) {
      const woken = new Promise<void>((resolve) => {
        wakeUp = resolve
      })
      const idle = await runOnce(ctx).then(
        (report) => report.idle,
        (error: unknown) => {
          ctx.environment.onError(error, 'sync')
          return true
        },
      )
      if (idle) await pause(signal, woken)
    }
  }

  return {
    run(signal) {
      return keep(loop(signal ? AbortSignal.any([signal, stopping.signal]) : stopping.signal))
    },
    wake: () => wakeUp(),
    async track(handled) {
      const result = await handled
      keep(result.applied)
      result.applied.catch((error: unknown) => context().environment.onError(error, 'webhook'))
      return result
    },
    async stop() {
      stopping.abort()
      await Promise.all(background)
    },
  }
}

/** Waits for the next look, or until there is something to do. Leaves neither a timer nor a listener behind. */
function pause(signal: AbortSignal, woken: Promise<void>): Promise<void> {
  return new Promise((resolve) => {
    // It may have been stopped during the turn before, and says so only once.
    if (signal.aborted) return resolve()
    const end = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, pollMs)
    signal.addEventListener('abort', end)
    void woken.then(end)
  })
}
