import { type BalanceTransaction, move } from './balance-transactions.js'
import { type Charge, charges, saveCharge } from './charges.js'
import { customers } from './customers.js'
import { emit } from './events.js'
import { newId, type StripeWorld, seconds, tableOf } from './world.js'

export type Dispute = ReturnType<typeof newDispute>
type DisputeStatus =
  | 'needs_response'
  | 'under_review'
  | 'won'
  | 'lost'
  | 'warning_needs_response'
  | 'warning_under_review'
  | 'warning_closed'

export const disputes = tableOf<Dispute>('disputes')

export type DisputeKind = 'fraudulent' | 'product_not_received' | 'inquiry'

const daysToRespond = 7
const feeMinor = 1500

/** The holder's bank takes the money back, or (an inquiry) only asks. */
export function openDispute(world: StripeWorld, charge: Charge, kind: DisputeKind, amount = charge.amount): Dispute {
  const dispute = newDispute(world, charge, kind, amount)
  disputes(world).put(dispute.id, dispute)
  const disputed = charges(world).get(charge.id) ?? charge
  saveCharge(world, { ...disputed, disputed: true })
  emit(world, 'charge.dispute.created', dispute)
  return kind === 'inquiry' ? dispute : withdraw(world, dispute)
}

/** An issuer's early warning; no money moves. */
export function warnOfFraud(world: StripeWorld, charge: Charge): void {
  emit(world, 'radar.early_fraud_warning.created', {
    id: newId('issfr_', 24),
    object: 'radar.early_fraud_warning',
    actionable: true,
    charge: charge.id,
    created: seconds(world),
    fraud_type: 'misc',
    livemode: false,
    payment_intent: charge.payment_intent,
  })
}

export function saveDispute(world: StripeWorld, dispute: Dispute, type: string): Dispute {
  disputes(world).put(dispute.id, dispute)
  emit(world, type, dispute)
  return dispute
}

/** Money leaves the balance for the time of the dispute, and a fee with it. */
export function withdraw(world: StripeWorld, dispute: Dispute): Dispute {
  const after: Dispute = {
    ...dispute,
    balance_transactions: [...dispute.balance_transactions, movement(world, dispute, -dispute.amount, feeMinor)],
  }
  return saveDispute(world, after, 'charge.dispute.funds_withdrawn')
}

export function closeDispute(world: StripeWorld, dispute: Dispute, status: 'won' | 'lost' | 'warning_closed'): Dispute {
  const back = status === 'won' ? [movement(world, dispute, dispute.amount, 0)] : []
  const closed: Dispute = {
    ...dispute,
    status,
    is_charge_refundable: status !== 'lost',
    balance_transactions: [...dispute.balance_transactions, ...back],
  }
  saveDispute(world, closed, 'charge.dispute.closed')
  if (status === 'won') emit(world, 'charge.dispute.funds_reinstated', closed)
  return closed
}

function movement(
  world: StripeWorld,
  dispute: { readonly id: string; readonly charge: string; readonly currency: string },
  amount: number,
  fee: number,
): BalanceTransaction {
  const reason = amount < 0 ? 'withdrawal' : 'reversal'
  return move(world, {
    amount,
    currency: dispute.currency,
    description: `Chargeback ${reason} for ${dispute.charge}`,
    source: dispute.id,
    type: 'adjustment',
    category: amount < 0 ? 'dispute' : 'dispute_reversal',
    ...(fee === 0 ? {} : { fee: { amount: fee, description: 'Dispute fee' } }),
  })
}

export const noEvidence = {
  access_activity_log: null as string | null,
  billing_address: null as string | null,
  cancellation_policy: null as string | null,
  cancellation_policy_disclosure: null as string | null,
  cancellation_rebuttal: null as string | null,
  customer_communication: null as string | null,
  customer_email_address: null as string | null,
  customer_name: null as string | null,
  customer_purchase_ip: null as string | null,
  customer_signature: null as string | null,
  duplicate_charge_documentation: null as string | null,
  duplicate_charge_explanation: null as string | null,
  duplicate_charge_id: null as string | null,
  enhanced_evidence: {},
  product_description: null as string | null,
  receipt: null as string | null,
  refund_policy: null as string | null,
  refund_policy_disclosure: null as string | null,
  refund_refusal_explanation: null as string | null,
  service_date: null as string | null,
  service_documentation: null as string | null,
  shipping_address: null as string | null,
  shipping_carrier: null as string | null,
  shipping_date: null as string | null,
  shipping_documentation: null as string | null,
  shipping_tracking_number: null as string | null,
  uncategorized_file: null as string | null,
  uncategorized_text: null as string | null,
}

function newDispute(world: StripeWorld, charge: Charge, kind: DisputeKind, amount: number) {
  const now = seconds(world)
  const inquiry = kind === 'inquiry'
  const customer = charge.customer === null ? undefined : customers(world).get(charge.customer)
  const reason: string = inquiry ? 'general' : kind
  return {
    id: newId('du_1', 23),
    object: 'dispute' as const,
    amount,
    balance_transactions: [] as readonly BalanceTransaction[],
    charge: charge.id,
    created: now,
    currency: charge.currency,
    enhanced_eligibility_types: [],
    evidence: {
      ...noEvidence,
      customer_email_address: customer?.email ?? charge.billing_details.email,
      customer_name: customer?.name ?? charge.billing_details.name,
    },
    evidence_details: {
      due_by: now + daysToRespond * 86_400,
      enhanced_eligibility: {},
      has_evidence: false,
      past_due: false,
      submission_count: 0,
      submission_method: 'not_submitted',
    },
    intended_submission_method: null,
    is_charge_refundable: inquiry,
    livemode: false as const,
    metadata: {} as Readonly<Record<string, string>>,
    network_reason_code: kind === 'fraudulent' ? '10.4' : kind === 'product_not_received' ? '13.1' : null,
    payment_intent: charge.payment_intent,
    payment_method_details: {
      card: {
        brand: 'visa',
        case_type: inquiry ? 'inquiry' : 'chargeback',
        network: 'visa',
        network_reason_code: kind === 'fraudulent' ? '104' : null,
      },
      type: 'card',
    },
    reason,
    status: (inquiry ? 'warning_needs_response' : 'needs_response') as DisputeStatus,
  }
}
