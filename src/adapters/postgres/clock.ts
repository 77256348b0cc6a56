/** The store's time, as an SQL expression: the server's, so that all processes go by one clock, or one that was given. */
export type Clock = () => string

const server = '(extract(epoch FROM clock_timestamp()) * 1000)::bigint'

export function createClock(now: (() => number) | undefined): Clock {
  return now ? () => `${BigInt(Math.floor(now()))}::bigint` : () => server
}
