import type Stripe from 'stripe'
import * as z from 'zod'
import type { PaymentOutcome } from '../../core/domain/payment-outcome.js'
import { BillingError } from '../../core/errors.js'
import type { CallOptions } from '../../core/ports/call-options.js'
import type { Charged, ChargeRequest } from '../../core/ports/capabilities/payments.js'
import { withoutKey } from '../door/door.js'
import { toStripeAmount } from './amount.js'
import { parseAnswer, type StripeCall } from './call.js'
import { createOnce } from './create-once.js'
import { stripeName } from './errors.js'
import { everyRow } from './every-row.js'
import { isOfAnother } from './payment-methods.js'
import { actionUrl, nextActionSchema, outcomeOfIntent, paymentStateSchema } from './payment-outcome.js'
import { reference } from './reference.js'

const chargeableSchema = paymentStateSchema.extend({
  id: z.string().min(1),
  metadata: z.record(z.string(), z.string()).nullish(),
  next_action: nextActionSchema,
})
const methodsSchema = z.object({
  deleted: z.boolean().nullish(),
  invoice_settings: z.object({ default_payment_method: reference.nullish() }).nullish(),
})

type Chargeable = z.output<typeof chargeableSchema>

/** A clock of ours and Stripe's may differ by this much at most. */
const driftMs = 86_400_000

/**
 * Charges a saved payment method once for a sale, however often and however late it is asked to: a payment intent is made first, which
 * charges nothing, and confirmed then. Stripe takes the money of one intent once, and the intent is found again by the sale it names, so
 * that no answer that was lost, and no key that Stripe has forgotten, leads to a second charge.
 *
 * @see https://docs.stripe.com/payments/save-and-reuse#charge-saved-payment-method
 */
export async function chargeOnce(call: StripeCall, request: ChargeRequest, options: CallOptions): Promise<Charged> {
  const { customerId } = request
  const found = await findIntent(call, request, options)
  if (found) return settle(call, found, request, options)
  const method = request.paymentMethodId ?? (await defaultMethod(call, customerId, options))
  if (method === null) {
    const message = 'The customer has no default payment method.'
    return { externalId: null, outcome: { status: 'declined', reason: 'no_payment_method', message } }
  }
  if (request.paymentMethodId !== null && (await isOfAnother(call, customerId, method, options))) {
    const message = `The customer has no payment method ${method}.`
    return { externalId: null, outcome: { status: 'declined', reason: 'no_payment_method', message } }
  }
  const made = await createOnce(
    options,
    async (each) => parseAnswer(chargeableSchema, await create(call, request, method, each)),
    () => findIntent(call, request, options),
  )
  return settle(call, made, request, options)
}

function create(call: StripeCall, request: ChargeRequest, method: string, options: CallOptions) {
  const { currency, minor } = toStripeAmount(request.amount)
  const params: Stripe.PaymentIntentCreateParams = {
    amount: minor,
    currency,
    customer: request.customerId,
    payment_method: method,
    description: request.title,
    metadata: { billfold_intent_id: request.intentId, billfold_account_id: request.accountId },
  }
  return call.create(options, (client, each) => client.paymentIntents.create(params, each))
}

/** The list of payments has a new one at once; Stripe's search does not. */
async function findIntent(
  call: StripeCall,
  { customerId: customer, intentId, requestedAt }: ChargeRequest,
  options: CallOptions,
): Promise<Chargeable | undefined> {
  const created = { gte: Math.max(0, Math.floor((requestedAt - driftMs) / 1000)) }
  const rows = await everyRow(chargeableSchema, (start) =>
    call.read(options, (client, request) => client.paymentIntents.list({ customer, created, ...start }, request)),
  )
  // The oldest, so that all who look agree.
  return rows.findLast(({ metadata }) => metadata?.billfold_intent_id === intentId)
}

/** Confirms what was not confirmed yet, and says how it stands. A customer who is there is asked by the bank on a page. */
async function settle(
  call: StripeCall,
  made: Chargeable,
  { returnUrl }: ChargeRequest,
  options: CallOptions,
): Promise<Charged> {
  const before = await retrieve(call, made.id, options)
  if (before.status !== 'requires_confirmation') return charged(before)
  const terms = returnUrl === null ? { off_session: true } : { return_url: returnUrl }
  try {
    await call.write(withoutKey(options), (client, request) => client.paymentIntents.confirm(made.id, terms, request))
  } catch (error) {
    if (BillingError.is(error) && error.code === 'outcome_unknown') throw error
    // A decline, or somebody else has confirmed it in the meantime: the intent says which.
    const after = await retrieve(call, made.id, options)
    if (after.status === 'requires_confirmation') throw error
    return charged(after)
  }
  return charged(await retrieve(call, made.id, options))
}

async function retrieve(call: StripeCall, id: string, options: CallOptions): Promise<Chargeable> {
  const answer = await call.read(options, (client, request) => client.paymentIntents.retrieve(id, {}, request))
  return parseAnswer(chargeableSchema, answer)
}

function charged(intent: Chargeable): Charged {
  return { externalId: intent.id, outcome: awaited(outcomeOfIntent(intent, actionUrl(intent))) }
}

/** The bank wants to hear from the customer, who was not there. */
function awaited(outcome: PaymentOutcome): PaymentOutcome {
  const isAsked = outcome.status === 'declined' && outcome.reason === 'authentication_required'
  return isAsked ? { status: 'requires_action', url: null } : outcome
}

async function defaultMethod(call: StripeCall, customerId: string, options: CallOptions): Promise<string | null> {
  const answer = await call.read(options, (client, request) => client.customers.retrieve(customerId, {}, request))
  const { deleted, invoice_settings: settings } = parseAnswer(methodsSchema, answer)
  if (deleted)
    throw new BillingError('provider_rejected', `Stripe's customer ${customerId} was deleted.`, {
      details: { provider: stripeName.id },
    })
  return settings?.default_payment_method ?? null
}
