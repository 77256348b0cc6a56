import * as z from 'zod'
import { takeIn } from './balance-transactions.js'
import { customers } from './customers.js'
import { notFound } from './errors.js'
import { emit } from './events.js'
import { email, isWithin, mergeMetadata, metadata, paging, text, timeRange, tolerated } from './form.js'
import type { PaymentIntent } from './payment-intents.js'
import type { PaymentMethod } from './payment-methods.js'
import { listPage, noParameters, route } from './route.js'
import type { Decline, DeclineAdvice } from './test-cards.js'
import { newId, type StripeWorld, seconds, tableOf } from './world.js'

export type Charge = ReturnType<typeof newCharge>

export const charges = tableOf<Charge>('charges')

export interface ChargeRequest {
  readonly intent: PaymentIntent
  readonly method: PaymentMethod
  readonly status: 'succeeded' | 'pending' | 'failed'
  readonly captured: boolean
  readonly authenticated: boolean
  readonly decline?: Decline
}

/** One attempt to take money. */
export function createCharge(world: StripeWorld, request: ChargeRequest): Charge {
  const charge = newCharge(world, request)
  charges(world).put(charge.id, charge)
  emit(world, `charge.${request.status}`, charge)
  return charge
}

export function saveCharge(
  world: StripeWorld,
  charge: Charge,
  type?: string,
  previous?: Record<string, unknown>,
): Charge {
  charges(world).put(charge.id, charge)
  if (type !== undefined) emit(world, type, charge, previous)
  return charge
}

export const chargeRoutes = [
  route(
    'GET /v1/charges',
    z.strictObject({
      ...paging,
      customer: text.optional(),
      payment_intent: text.optional(),
      created: timeRange.optional(),
      ...tolerated('transfer_group'),
    }),
    ({ world, params }) =>
      listPage(
        '/v1/charges',
        [...charges(world).values()].filter(
          (charge) =>
            (params.customer === undefined || params.customer === charge.customer) &&
            (params.payment_intent === undefined || params.payment_intent === charge.payment_intent) &&
            isWithin(params.created, charge.created),
        ),
        params,
      ),
  ),
  route('GET /v1/charges/:id', noParameters, ({ world, path }) => requireCharge(world, path.id)),
  route(
    'POST /v1/charges/:id',
    z.strictObject({
      description: text.optional(),
      receipt_email: email.optional(),
      metadata,
      fraud_details: z.strictObject({ user_report: z.enum(['fraudulent', 'safe']) }).optional(),
    }),
    ({ world, path, params }) => {
      const before = requireCharge(world, path.id)
      const after: Charge = {
        ...before,
        description: params.description ?? before.description,
        receipt_email: params.receipt_email ?? before.receipt_email,
        metadata: mergeMetadata(before.metadata, params.metadata),
        fraud_details: params.fraud_details ?? before.fraud_details,
      }
      return saveCharge(world, after, 'charge.updated')
    },
  ),
]

function requireCharge(world: StripeWorld, id = ''): Charge {
  const charge = charges(world).get(id)
  if (charge === undefined) throw notFound('charge', id, 'charge')
  return charge
}

function newCharge(world: StripeWorld, request: ChargeRequest) {
  const { intent, method, status, captured, decline } = request
  const id = newId('ch_3', 23)
  const failed = status === 'failed'
  return {
    id,
    object: 'charge' as const,
    amount: intent.amount,
    amount_captured: captured && !failed ? intent.amount : 0,
    amount_refunded: 0,
    application: null,
    application_fee: null,
    application_fee_amount: null,
    balance_transaction:
      failed || !captured ? null : takeIn(world, { ...intent, id }, intent.amount, method.card !== undefined),
    billing_details: method.billing_details,
    calculated_statement_descriptor: world.merchantName.toUpperCase().slice(0, 22),
    captured: captured && !failed,
    created: seconds(world),
    currency: intent.currency,
    customer: intent.customer,
    description: intent.description,
    disputed: false,
    failure_balance_transaction: null as string | null,
    failure_code: (decline?.code ?? null) as string | null,
    failure_message: (decline?.message ?? null) as string | null,
    fraud_details: {} as { readonly user_report?: string; readonly stripe_report?: string },
    livemode: false as const,
    metadata: intent.metadata,
    on_behalf_of: null,
    outcome: failed ? declinedOutcome(decline) : approved,
    paid: status === 'succeeded',
    payment_intent: intent.id,
    payment_method: method.id,
    payment_method_details: detailsOf(world, request),
    radar_options: {},
    receipt_email: intent.receipt_email,
    receipt_number: null,
    receipt_url: failed ? null : world.pageUrl(`/receipt/${id}`),
    refunded: false,
    review: null,
    shipping: null,
    source: null,
    source_transfer: null,
    statement_descriptor: null,
    statement_descriptor_suffix: null,
    status: status as 'succeeded' | 'pending' | 'failed',
    transfer_data: null,
    transfer_group: null,
  }
}

interface Outcome {
  readonly advice_code: DeclineAdvice | null
  readonly network_advice_code: null
  readonly network_decline_code: string | null
  readonly network_status: string
  readonly reason: string | null
  readonly risk_level: string
  readonly risk_score: number
  readonly seller_message: string
  readonly type: string
}

const approved: Outcome = {
  advice_code: null,
  network_advice_code: null,
  network_decline_code: null,
  network_status: 'approved_by_network',
  reason: null,
  risk_level: 'normal',
  risk_score: 12,
  seller_message: 'Payment complete.',
  type: 'authorized',
}

/** Stripe's own Radar says no; no bank is asked. */
const blocked: Outcome = {
  ...approved,
  network_status: 'not_sent_to_network',
  reason: 'highest_risk_level',
  risk_level: 'highest',
  risk_score: 100,
  seller_message: 'Stripe blocked this payment as too risky.',
  type: 'blocked',
}

function declinedOutcome(decline: Decline | undefined): Outcome {
  const reason = decline?.declineCode ?? decline?.code ?? 'generic_decline'
  if (reason === 'fraudulent') return blocked
  return {
    ...approved,
    advice_code: decline?.advice ?? null,
    network_decline_code: '05',
    network_status: 'declined_by_network',
    reason,
    seller_message: `The bank returned the decline code \`${reason}\`.`,
    type: 'issuer_declined',
  }
}

const daysUntilHoldEnds = 7

function detailsOf(world: StripeWorld, { method, intent, captured, status, authenticated }: ChargeRequest) {
  if (method.us_bank_account !== undefined) {
    const { account_holder_type, account_type, bank_name, fingerprint, last4, routing_number } = method.us_bank_account
    const bank = {
      account_holder_type,
      account_type,
      bank_name,
      fingerprint,
      last4,
      payment_reference: null,
      routing_number,
    }
    return { type: 'us_bank_account' as const, us_bank_account: bank }
  }
  if (method.sepa_debit !== undefined) {
    const { bank_code, branch_code, country, fingerprint, last4 } = method.sepa_debit
    return {
      type: 'sepa_debit' as const,
      sepa_debit: { bank_code, branch_code, country, fingerprint, last4, mandate: null },
    }
  }
  const { card } = method
  const hold = captured || status === 'failed' ? {} : { capture_before: seconds(world) + daysUntilHoldEnds * 86_400 }
  return {
    type: 'card' as const,
    card: {
      amount_authorized: status === 'failed' ? null : intent.amount,
      authorization_code: null,
      brand: card?.brand ?? null,
      checks: card?.checks ?? null,
      country: card?.country ?? null,
      electronic_commerce_indicator: null,
      exp_month: card?.exp_month ?? 1,
      exp_year: card?.exp_year ?? 2030,
      fingerprint: card?.fingerprint ?? null,
      funding: card?.funding ?? null,
      installments: null,
      last4: card?.last4 ?? null,
      mandate: null,
      ...hold,
      network: card?.brand ?? null,
      network_transaction_id: null,
      regulated_status: card?.regulated_status ?? null,
      three_d_secure: authenticated ? proven : null,
      transaction_link_id: null,
      wallet: null,
    },
  }
}

const proven = {
  authentication_flow: 'challenge' as const,
  electronic_commerce_indicator: '05' as const,
  exemption_indicator: null,
  result: 'authenticated' as const,
  result_reason: null,
  transaction_id: null,
  version: '2.2.0' as const,
}

/** Whom a charge is shown to on its receipt. */
export function payerOf(world: StripeWorld, charge: Charge): string | null {
  const customer = charge.customer === null ? undefined : customers(world).get(charge.customer)
  return charge.receipt_email ?? charge.billing_details.email ?? customer?.email ?? null
}
