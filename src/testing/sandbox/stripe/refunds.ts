import { formatMoney } from '../page.js'
import { move } from './balance-transactions.js'
import { type Charge, charges, saveCharge } from './charges.js'
import { changed } from './customers.js'
import { disputes } from './disputes.js'
import { schedule, unschedule } from './due.js'
import { invalidRequest } from './errors.js'
import { emit } from './events.js'
import { paymentMethods, testCardOf } from './payment-methods.js'
import { newId, type StripeWorld, seconds, tableOf } from './world.js'

export type Refund = ReturnType<typeof newRefund>
export type RefundStatus = 'pending' | 'requires_action' | 'succeeded' | 'failed' | 'canceled'

export const refunds = tableOf<Refund>('refunds')

/** How long the refunds take that do not end at once. */
const refundMs = 60_000

export interface RefundRequest {
  readonly amount?: number | undefined
  readonly reason: string | null
  readonly metadata: Readonly<Record<string, string>>
}

/** Gives money back. Most refunds succeed at once; the test cards for it end otherwise later. */
export function createRefund(world: StripeWorld, charge: Charge, request: RefundRequest): Refund {
  checkRefundable(world, charge)
  const left = charge.amount_captured - refundedOf(world, charge)
  if (left <= 0) {
    throw invalidRequest(`Charge ${charge.id} has already been refunded.`, { code: 'charge_already_refunded' })
  }
  const amount = request.amount ?? left
  if (amount < 1) {
    throw invalidRequest('This value must be greater than or equal to 1.', {
      code: 'parameter_invalid_integer',
      param: 'amount',
    })
  }
  if (amount > left) {
    const money = (value: number) => formatMoney(value, charge.currency)
    throw invalidRequest(
      `Refund amount (${money(amount)}) is greater than unrefunded amount on charge (${money(left)})`,
      { param: 'amount' },
    )
  }
  const method = paymentMethods(world).get(charge.payment_method)
  const card = method === undefined ? undefined : testCardOf(world, method)
  const pending = card?.refund === 'pending_first' || card?.settles !== undefined
  const refund = newRefund(world, charge, amount, request, pending ? 'pending' : 'succeeded')
  refunds(world).put(refund.id, refund)
  emit(world, 'refund.created', refund)
  if (!pending) countRefund(world, charge, amount)
  if (pending || card?.refund === 'fails_later') {
    const succeeds = card?.refund !== 'fails_later'
    schedule(world, { kind: 'settle_refund', target: refund.id, succeeds, dueAtMs: world.now() + refundMs })
  }
  return refund
}

/** A refund ends: the money arrived, or came back. */
export function settleRefund(world: StripeWorld, id: string, succeeds: boolean): void {
  const before = refunds(world).get(id)
  const charge = before === undefined ? undefined : charges(world).get(before.charge)
  if (before === undefined || charge === undefined) return
  if (!['pending', 'requires_action', 'succeeded'].includes(before.status)) return
  if (succeeds) {
    if (before.status === 'succeeded') return
    updateRefund(world, before, { status: 'succeeded', balance_transaction: moveBack(world, before, -before.amount) })
    countRefund(world, charge, before.amount)
    return
  }
  const wasCounted = before.status === 'succeeded'
  const failed = updateRefund(world, before, {
    status: 'failed',
    failure_reason: 'expired_or_canceled_card',
    failure_balance_transaction: moveBack(world, before, before.amount),
  })
  if (wasCounted) countRefund(world, charge, -before.amount)
  emit(world, 'refund.failed', failed)
}

export function cancelRefund(world: StripeWorld, before: Refund): Refund {
  if (before.status !== 'pending' && before.status !== 'requires_action') {
    throw invalidRequest('Canceling this refund is unsupported.')
  }
  unschedule(world, 'settle_refund', before.id)
  return updateRefund(world, before, { status: 'canceled' })
}

export function updateRefund(world: StripeWorld, before: Refund, change: Partial<Refund>): Refund {
  const after: Refund = { ...before, ...change }
  refunds(world).put(after.id, after)
  const previous = changed(before, after)
  emit(world, 'refund.updated', after, previous)
  // The same news under its older name, which many endpoints still ask for.
  emit(world, 'charge.refund.updated', after, previous)
  return after
}

export function refundsOf(world: StripeWorld, charge: string): Refund[] {
  return [...refunds(world).values()].filter((refund) => refund.charge === charge)
}

/** A refund leaves the account's balance, or comes back to it. */
function moveBack(
  world: StripeWorld,
  refund: { readonly id: string; readonly currency: string },
  amount: number,
): string {
  return move(world, {
    amount,
    currency: refund.currency,
    description: amount < 0 ? 'REFUND FOR CHARGE' : 'REFUND FAILURE',
    source: refund.id,
    type: amount < 0 ? 'refund' : 'refund_failure',
    category: amount < 0 ? 'refund' : 'refund_failure',
  }).id
}

/** What has been given back or is on its way back. */
function refundedOf(world: StripeWorld, charge: Charge): number {
  return refundsOf(world, charge.id)
    .filter(({ status }) => status !== 'failed' && status !== 'canceled')
    .reduce((sum, { amount }) => sum + amount, 0)
}

function countRefund(world: StripeWorld, { id }: Charge, amount: number): void {
  const charge = charges(world).get(id)
  if (charge === undefined) return
  const amount_refunded = charge.amount_refunded + amount
  const after: Charge = { ...charge, amount_refunded, refunded: amount_refunded >= charge.amount }
  const previous = { amount_refunded: charge.amount_refunded, refunded: charge.refunded }
  if (amount > 0) saveCharge(world, after, 'charge.refunded', previous)
  else saveCharge(world, after, 'charge.updated', previous)
}

function checkRefundable(world: StripeWorld, charge: Charge): void {
  if (charge.status !== 'succeeded') {
    throw invalidRequest(`This PaymentIntent (${charge.payment_intent}) does not have a successful charge to refund.`)
  }
  if (!charge.captured) {
    throw invalidRequest(
      `This uncaptured Charge was created by a PaymentIntent (${charge.payment_intent}). You must cancel the PaymentIntent to reverse the authorization instead of refunding the Charge directly. For more information, see https://stripe.com/docs/payments/place-a-hold-on-a-payment-method`,
    )
  }
  if ([...disputes(world).values()].some((each) => each.charge === charge.id && !each.is_charge_refundable)) {
    throw invalidRequest(`Charge ${charge.id} has been charged back; cannot issue a refund.`, {
      code: 'charge_disputed',
    })
  }
}

function newRefund(
  world: StripeWorld,
  charge: Charge,
  amount: number,
  request: RefundRequest,
  status: 'pending' | 'succeeded',
) {
  const byCard = charge.payment_method_details.type === 'card'
  const id = newId('re_3', 23)
  const { currency } = charge
  const base = {
    id,
    object: 'refund' as const,
    amount,
    balance_transaction: (status === 'succeeded' ? moveBack(world, { id, currency }, -amount) : null) as string | null,
    charge: charge.id,
    created: seconds(world),
    currency,
    customer: charge.customer,
    customer_account: null,
    ...(byCard ? { destination_details: toCard } : {}),
    metadata: request.metadata,
    payment_intent: charge.payment_intent,
    payment_method: charge.payment_method,
    reason: request.reason,
    receipt_number: null,
    source_transfer_reversal: null,
    status: status as RefundStatus,
    transfer_reversal: null,
  }
  const refund: typeof base & { readonly failure_reason?: string; readonly failure_balance_transaction?: string } =
    status === 'pending' ? { ...base, ...{ pending_reason: 'processing' as const } } : base
  return refund
}

const toCard = {
  card: {
    reference_status: 'pending' as const,
    reference_type: 'acquirer_reference_number' as const,
    type: 'refund' as const,
  },
  type: 'card' as const,
}
