import { BillingError } from './errors.js'

/** How much of what comes in from outside is done at once. */
export interface IntakeLimits {
  /** Taken in at a time; more is refused, for whoever sends it comes again. */
  readonly taking: number
  /** Workers that do what was taken in. */
  readonly working: number
}

/** Takes something in durably, and sees that it is done soon. */
export interface Intake {
  /** Takes one in. @throws BillingError `overloaded` */
  take<T>(work: () => Promise<T>): Promise<T>
  /** Has everything done that is there now; resolves when that was tried. */
  drain(): Promise<void>
}

/**
 * A flood of webhooks must not become as many readers of the provider: a few workers empty the queue, and whoever comes while all are at
 * work shares one that begins when the next of them is done.
 */
export function createIntake({ taking, working }: IntakeLimits, empty: () => Promise<unknown>): Intake {
  let taken = 0
  let next: Promise<void> | null = null
  const workers = new Set<Promise<void>>()

  function work(): Promise<void> {
    const worker = empty().then(() => {})
    workers.add(worker)
    const done = () => workers.delete(worker)
    worker.then(done, done)
    return worker
  }

  return {
    async take(job) {
      if (taken >= taking)
        throw new BillingError('overloaded', `${taking} webhooks are being taken in already: send it again later.`)
      taken += 1
      try {
        return await job()
      } finally {
        taken -= 1
      }
    },
    drain() {
      if (workers.size < working) return work()
      next ??= Promise.race([...workers].map((worker) => worker.catch(() => {}))).then(() => {
        next = null
        return work()
      })
      return next
    },
  }
}
