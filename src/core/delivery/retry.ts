import type { BillingContext } from '../context.js'

/** How long to wait before trying again: full jitter over a doubling time, a second to a quarter of an hour. */
export function retryDelay(ctx: BillingContext, attempts: number, atLeastMs = 0): number {
  const most = Math.min(900_000, 1_000 * 2 ** Math.min(attempts, 10))
  const [byte = 0] = ctx.environment.randomBytes(new Uint8Array(1))
  return Math.max(atLeastMs, Math.ceil((most * (byte + 1)) / 256))
}
