import type { LoadKey } from '../../core/domain/ledger/state.js'

/** Moments of one meter of one account, the lowest and the highest; `null` for now, which is a range of its own. */
export interface CounterRange {
  readonly accountId: string
  readonly meter: string
  low: number | null
  high: number | null
}

/** The moments at which counters are asked for, each account's together. */
export function counterRanges(keys: readonly Extract<LoadKey, { kind: 'counter' }>[]): readonly CounterRange[] {
  const ranges = new Map<string, CounterRange>()
  for (const { accountId, meter, at } of keys) {
    const id = `${accountId}|${at === null}|${meter}`
    const range = ranges.get(id)
    if (range) widen(range, at)
    else ranges.set(id, { accountId, meter, low: at, high: at })
  }
  return [...ranges.values()]
}

/** Makes a range reach to another moment; one of now stays as it is. */
export function widen(range: CounterRange, at: number | null): void {
  if (at === null) return
  if (at < (range.low ?? at)) range.low = at
  if (at > (range.high ?? at)) range.high = at
}
