import type { PaymentRecovery, StripeWorld } from './world.js'

/** Eight tries within two weeks, as Stripe recommends; it picks the hours itself, the sandbox does not. */
export const usualRecovery: PaymentRecovery = { retryDays: [1, 3, 5, 7, 9, 11, 14], afterwards: 'cancel' }

/** When an invoice is tried again that has been tried so often, in seconds; nothing when it is given up. */
export function nextAttempt(world: StripeWorld, attempts: number): number | null {
  const { retryDays } = world.recovery
  const next = retryDays[attempts - 1]
  return next === undefined ? null : Math.floor(world.now() / 1000) + (next - (retryDays[attempts - 2] ?? 0)) * 86_400
}
