import type Stripe from 'stripe'
import * as z from 'zod'
import { BillingError } from '../../core/errors.js'
import type { CallOptions } from '../../core/ports/call-options.js'
import type { PaymentMethod, PaymentMethodsCapability } from '../../core/ports/capabilities/payment-methods.js'
import { withoutKey } from '../door/door.js'
import { parseAnswer, type StripeCall } from './call.js'
import { stripeFault, stripeName } from './errors.js'
import { everyRow } from './every-row.js'
import { type MethodCountries, offeredMethods } from './offered-methods.js'
import { declined } from './payment-outcome.js'
import { reference } from './reference.js'

const accountSchema = z
  .object({ bank_name: z.string().nullish(), bank_code: z.string().nullish(), last4: z.string().nullish() })
  .nullish()

const methodSchema = z.object({
  id: z.string().min(1),
  type: z.string(),
  customer: reference.nullish(),
  created: z.number(),
  billing_details: z
    .object({
      name: z.string().nullish(),
      email: z.string().nullish(),
      address: z.object({ country: z.string().nullish() }).nullish(),
    })
    .nullish(),
  card: z
    .object({
      brand: z.string().nullish(),
      last4: z.string().nullish(),
      exp_month: z.number().nullish(),
      exp_year: z.number().nullish(),
      country: z.string().nullish(),
    })
    .nullish(),
  us_bank_account: accountSchema,
  sepa_debit: accountSchema,
  bacs_debit: accountSchema,
  au_becs_debit: accountSchema,
})

const ownMethodSchema = z.object({ id: z.string().min(1), default_payment_method: reference.nullish() })

const customerSchema = z.object({
  invoice_settings: z.object({ default_payment_method: reference.nullish() }).nullish(),
})

/**
 * What customers pay with. Stripe's own forms make payment methods; numbers never come here.
 *
 * @see https://docs.stripe.com/api/payment_methods
 */
export function stripePaymentMethods(
  call: StripeCall,
  countriesOf: MethodCountries = {},
): Required<PaymentMethodsCapability> {
  const defaultOf = async (customerId: string, options: CallOptions): Promise<string | null> => {
    const answer = await call.read(options, (client, request) => client.customers.retrieve(customerId, {}, request))
    return parseAnswer(customerSchema, answer).invoice_settings?.default_payment_method ?? null
  }

  const get = async (customerId: string, externalId: string, options: CallOptions): Promise<PaymentMethod> => {
    if (externalId === '') throw new BillingError('not_found', 'A payment method has an id.')
    const [answer, standard] = await Promise.all([
      call.read(options, (client, request) => client.paymentMethods.retrieve(externalId, {}, request)),
      defaultOf(customerId, options),
    ])
    const method = parseAnswer(methodSchema, answer)
    if (method.customer === customerId) return toMethod(method, standard)
    throw new BillingError('not_found', `No payment method ${externalId} on customer ${customerId}.`)
  }

  return {
    available: (options) => offeredMethods(call, countriesOf, options),
    get,
    async list(customer, options) {
      const [rows, standard] = await Promise.all([
        everyRow(methodSchema, (start) =>
          call.read(options, (client, request) => client.paymentMethods.list({ customer, ...start }, request)),
        ),
        defaultOf(customer, options),
      ])
      return [...rows].sort((left, right) => right.created - left.created).map((row) => toMethod(row, standard))
    },
    async attach(customer, externalId, options) {
      // Attaching it to the customer it is with already is answered like the first time. A test name becomes one with an id of its own.
      try {
        const answer = await call.write(options, (client, request) =>
          client.paymentMethods.attach(externalId, { customer }, request),
        )
        return await get(customer, parseAnswer(methodSchema, answer).id, options)
      } catch (error) {
        if (!BillingError.is(error) || !['not_found', 'provider_rejected'].includes(error.code)) throw error
        const { code, declineCode, message } = stripeFault(error.cause)
        if (code === 'card_declined' || declineCode !== undefined)
          throw methodDeclined({ code, decline_code: declineCode, message })
        if (error.code === 'provider_rejected' && !(await isOfAnother(call, customer, externalId, options))) throw error
        // Another account's is answered like one that does not exist.
        throw new BillingError('not_found', `No payment method ${externalId}.`)
      }
    },
    async update(customer, externalId, change, options) {
      const before = await get(customer, externalId, options)
      const { name, email, expiryMonth, expiryYear } = change
      const isExpiry = expiryMonth !== undefined || expiryYear !== undefined
      if (isExpiry && before.type !== 'card')
        throw new BillingError('option_unsupported', `Payment method ${externalId} is no card: it does not expire.`)
      const params: Stripe.PaymentMethodUpdateParams = {
        ...(name === undefined && email === undefined
          ? {}
          : {
              billing_details: { ...(name === undefined ? {} : { name }), ...(email === undefined ? {} : { email }) },
            }),
        ...(isExpiry
          ? {
              card: {
                ...(expiryMonth === undefined ? {} : { exp_month: expiryMonth }),
                ...(expiryYear === undefined ? {} : { exp_year: expiryYear }),
              },
            }
          : {}),
      }
      await call.write(options, (client, request) => client.paymentMethods.update(externalId, params, request))
      return get(customer, externalId, options)
    },
    async setDefault(customer, externalId, options) {
      await get(customer, externalId, options)
      await call.write(options, (client, request) =>
        client.customers.update(customer, { invoice_settings: { default_payment_method: externalId } }, request),
      )
      await chargeSubscriptions(call, customer, externalId, options)
      return get(customer, externalId, options)
    },
    async remove(customer, externalId, options) {
      await get(customer, externalId, options)
      await call.write(options, (client, request) => client.paymentMethods.detach(externalId, {}, request))
    },
  }
}

/** Whether a payment method is not there, or on another customer. */
export async function isOfAnother(
  call: StripeCall,
  customer: string,
  externalId: string,
  options: CallOptions,
): Promise<boolean> {
  try {
    const answer = await call.read(withoutKey(options), (client, request) =>
      client.paymentMethods.retrieve(externalId, {}, request),
    )
    const owner = parseAnswer(methodSchema, answer).customer ?? null
    return owner !== null && owner !== customer
  } catch (error) {
    if (BillingError.is(error) && error.code === 'not_found') return true
    throw error
  }
}

/**
 * Checkout puts the card it was paid with on the subscription, where it goes before the customer's default. It cannot be taken off
 * again, only be replaced.
 *
 * @see https://docs.stripe.com/api/subscriptions/object#subscription_object-default_payment_method
 */
async function chargeSubscriptions(
  call: StripeCall,
  customer: string,
  method: string,
  options: CallOptions,
): Promise<void> {
  const rows = await everyRow(ownMethodSchema, (start) =>
    call.read(options, (client, request) => client.subscriptions.list({ customer, ...start }, request)),
  )
  for (const { id, default_payment_method: own } of rows) {
    if (own == null || own === method) continue
    await call.write(withoutKey(options), (client, request) =>
      client.subscriptions.update(id, { default_payment_method: method }, request),
    )
  }
}

function toMethod(method: z.output<typeof methodSchema>, standard: string | null): PaymentMethod {
  const { card, billing_details: details } = method
  const account = method.us_bank_account ?? method.sepa_debit ?? method.bacs_debit ?? method.au_becs_debit
  return {
    externalId: method.id,
    customerId: method.customer ?? '',
    type: method.type,
    brand: card?.brand ?? account?.bank_name ?? account?.bank_code ?? null,
    last4: card?.last4 ?? account?.last4 ?? null,
    expiryMonth: card?.exp_month ?? null,
    expiryYear: card?.exp_year ?? null,
    name: details?.name ?? null,
    email: details?.email ?? null,
    country: card?.country ?? details?.address?.country ?? null,
    isDefault: method.id === standard,
    createdAt: method.created * 1000,
  }
}

function methodDeclined(error: Parameters<typeof declined>[0]): BillingError {
  const { reason, message } = declined(error)
  return new BillingError('payment_method_declined', message, { details: { provider: stripeName.id, reason } })
}
