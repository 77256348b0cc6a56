/** Lets calls through at a steady rate: at once while there is room, otherwise in the order they came. */
export interface Pace {
  /** A place at once, or the wait for one: `false` when the call was given up meanwhile. */
  take(signal: AbortSignal | undefined): true | Promise<boolean>
}

/** What time is to the door: a test may bring its own. */
export interface DoorClock {
  readonly now: () => number
  readonly sleep: (ms: number, signal: AbortSignal | undefined) => Promise<void>
  /** From 0 to 1. */
  readonly random: () => number
}

/** A bucket that holds one second's calls and is filled at `perSecond`. */
export function createPace(perSecond: number, { now, sleep }: DoorClock): Pace {
  let room = perSecond
  let filledAt = now()
  let turn: Promise<unknown> = Promise.resolve()
  let waiting = 0

  const fill = () => {
    const at = now()
    room = Math.min(perSecond, room + (Math.max(0, at - filledAt) * perSecond) / 1000)
    filledAt = at
  }

  const wait = async (signal: AbortSignal | undefined): Promise<boolean> => {
    for (fill(); room < 1; fill()) {
      if (signal?.aborted) return false
      await sleep(Math.ceil(((1 - room) * 1000) / perSecond), signal)
    }
    if (signal?.aborted) return false
    room -= 1
    return true
  }

  return {
    take(signal) {
      fill()
      if (waiting === 0 && room >= 1 && !signal?.aborted) {
        room -= 1
        return true
      }
      waiting += 1
      const mine = turn
        .then(() => wait(signal))
        .finally(() => {
          waiting -= 1
        })
      turn = mine.catch(() => {})
      return mine
    },
  }
}

/** The process's own clock. A wait ends early when its call is given up, and keeps no process alive by itself. */
export const systemClock: DoorClock = {
  now: () => performance.now(),
  random: () => Math.random(),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', end)
        resolve()
      }
      const timer = setTimeout(end, ms)
      signal?.addEventListener('abort', end, { once: true })
    }),
}
