const second = 1_000
const minute = 60 * second
const hour = 60 * minute

/**
 * How long is waited after each failed attempt, in milliseconds: ten attempts within about three days, after which a delivery is given up.
 *
 * @see https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md#deliverability-and-reliability
 */
export const retryDelaysMs: readonly number[] = [
  5 * second,
  5 * minute,
  30 * minute,
  2 * hour,
  5 * hour,
  10 * hour,
  14 * hour,
  20 * hour,
  24 * hour,
]

/** Up to a tenth more, so that what failed together does not come back together. */
export function retryDelay(attempt: number, random: number): number | null {
  const delay = retryDelaysMs[attempt - 1]
  return delay === undefined ? null : Math.round(delay * (1 + random / 10))
}
