import { minorDigits } from './currencies.js'
import { newId, type StripeWorld, seconds, tableOf } from './world.js'

export type BalanceTransaction = ReturnType<typeof newBalanceTransaction>

/** Every movement of the account's own balance. */
export const balanceTransactions = tableOf<BalanceTransaction>('balance_transactions')

export interface Movement {
  /** Below zero where money leaves. */
  readonly amount: number
  readonly currency: string
  readonly description: string | null
  readonly source: string
  readonly type: 'adjustment' | 'charge' | 'payment' | 'payment_failure_refund' | 'refund' | 'refund_failure'
  readonly category: 'charge' | 'charge_failure' | 'dispute' | 'dispute_reversal' | 'refund' | 'refund_failure'
  readonly fee?: { readonly amount: number; readonly description: string }
}

/** Puts down a movement. Everything is settled in the currency of the payment. */
export function move(world: StripeWorld, movement: Movement): BalanceTransaction {
  const made = newBalanceTransaction(world, movement)
  balanceTransactions(world).put(made.id, made)
  return made
}

/** Money that was taken comes in, less 2.9 % and, where there are cents, 30 of them. */
export function takeIn(
  world: StripeWorld,
  charge: { readonly id: string; readonly currency: string; readonly description: string | null },
  amount: number,
  byCard: boolean,
): string {
  const fee = Math.round(amount * 0.029) + (minorDigits(charge.currency) === 2 ? 30 : 0)
  return move(world, {
    amount,
    currency: charge.currency,
    description: charge.description,
    source: charge.id,
    type: byCard ? 'charge' : 'payment',
    category: 'charge',
    fee: { amount: fee, description: 'Stripe processing fees' },
  }).id
}

const daysUntilAvailable = 2

function newBalanceTransaction(world: StripeWorld, movement: Movement) {
  const { amount, currency, fee } = movement
  const now = seconds(world)
  const comesIn = movement.category === 'charge'
  return {
    id: newId('txn_1', 23),
    object: 'balance_transaction' as const,
    amount,
    available_on: comesIn ? now + daysUntilAvailable * 86_400 : now,
    balance_type: 'payments' as const,
    created: now,
    currency,
    description: movement.description,
    exchange_rate: null,
    fee: fee?.amount ?? 0,
    fee_details:
      fee === undefined
        ? []
        : [{ amount: fee.amount, application: null, currency, description: fee.description, type: 'stripe_fee' }],
    net: amount - (fee?.amount ?? 0),
    reporting_category: movement.category,
    source: movement.source,
    status: (comesIn ? 'pending' : 'available') as 'available' | 'pending',
    type: movement.type,
  }
}
