/** How long something in the background may go on. */
export interface Lifetime {
  /** Aborted: nothing new is begun, what is under way is finished. */
  readonly stopping: AbortSignal
  /** Aborted: what is under way ends as soon as it can. */
  readonly aborting: AbortSignal
}

/** How long work may take to end after it was told to. */
const graceMs = 500

/**
 * Gives work until `ms` are over or the lifetime ends, then aborts its signal and waits a moment more. Whoever does not listen to
 * the signal is left behind: nobody outside may hold up the rest.
 *
 * @returns what the work answered, or `undefined` when it did not in time
 */
export async function inTime<T>(
  { aborting }: Pick<Lifetime, 'aborting'>,
  ms: number,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T | undefined> {
  const controller = new AbortController()
  let giveUp: (late: undefined) => void = () => {}
  const late = new Promise<undefined>((resolve) => {
    giveUp = resolve
  })
  let grace: unknown
  const stop = () => {
    controller.abort()
    grace ??= setTimeout(giveUp, graceMs)
  }
  const timer = setTimeout(stop, ms)
  aborting.addEventListener('abort', stop)
  if (aborting.aborted) stop()
  try {
    return await Promise.race([work(controller.signal), late])
  } finally {
    clearTimeout(timer)
    clearTimeout(grace as Parameters<typeof clearTimeout>[0])
    aborting.removeEventListener('abort', stop)
  }
}
