/** What is to be stopped with each signal. */
const stopsOf = new WeakMap<AbortSignal, Set<() => void>>()

/**
 * An answer, unless the signal is aborted before it comes. However many calls share a signal, it has one listener: Node warns of more than
 * ten, and a signal for each call costs more than the rest of the wait.
 */
export function untilAborted<Answer>(answer: Promise<Answer>, signal: AbortSignal | undefined): Promise<Answer> {
  if (signal === undefined) return answer
  const stops = stopsOf.get(signal) ?? listenTo(signal)
  return new Promise((resolve, reject) => {
    const stop = () => reject(new Error('The call was aborted.', { cause: signal.reason }))
    stops.add(stop)
    answer.then(resolve, reject).finally(() => stops.delete(stop))
  })
}

function listenTo(signal: AbortSignal): Set<() => void> {
  const stops = new Set<() => void>()
  stopsOf.set(signal, stops)
  signal.addEventListener('abort', () => {
    for (const stop of stops) stop()
  })
  return stops
}
