/** Runs work with the same key one after the other, and at most `limit` pieces of work at the same time. */
export type Turns = <Result>(key: string, work: () => Promise<Result>) => Promise<Result>

export function takeTurns(limit: number): Turns {
  const last = new Map<string, Promise<unknown>>()
  const waiting: (() => void)[] = []
  let running = 0

  const enter = async () => {
    if (running < limit) running += 1
    else await new Promise<void>((resolve) => waiting.push(resolve))
  }
  // Whoever waits takes over the place, so that nobody can slip in between.
  const leave = () => {
    const next = waiting.shift()
    if (next === undefined) running -= 1
    else next()
  }

  return (key, work) => {
    const turn = (last.get(key) ?? Promise.resolve()).then(async () => {
      await enter()
      try {
        return await work()
      } finally {
        leave()
      }
    })
    const over = turn.then(
      () => {},
      () => {},
    )
    last.set(key, over)
    void over.then(() => {
      if (last.get(key) === over) last.delete(key)
    })
    return turn
  }
}
