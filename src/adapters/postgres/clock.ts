import type { Setting } from './planner.js'

/**
 * The store's time, as an SQL expression: the server's, so that all processes go by one clock, or one that was given. It stays the same
 * within a statement.
 */
export type Clock = () => string

export function createClock(now: (() => number) | undefined): Clock {
  return now
    ? () => "current_setting('billfold.now')::bigint"
    : () => '(extract(epoch FROM statement_timestamp()) * 1000)::bigint'
}

/** Tells a transaction the time of a clock that was given; the texts of its statements stay the same. */
export function tellTime(now: (() => number) | undefined): () => readonly Setting[] {
  return now ? () => [['billfold.now', String(BigInt(Math.floor(now())))]] : () => []
}
