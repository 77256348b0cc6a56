import * as z from 'zod'
import type { BillingContext } from '../context.js'
import { BillingError } from '../errors.js'
import type { MethodUse, OfferedMethod, PaymentMethod } from '../ports/capabilities/payment-methods.js'
import { customerOf, ensureCustomer } from './customers.js'
import { accountId, accountSchema, oneSchema, parse, text } from './fields.js'
import { foundOrNull } from './found.js'

/** What an account pays with, as callers see it: never a number. */
export interface PaymentMethodView {
  readonly id: string
  readonly provider: string
  /** The provider's word: `card`, `us_bank_account`, `sepa_debit`. */
  readonly type: string
  /** `visa`; for an account the bank. */
  readonly brand: string | null
  readonly last4: string | null
  readonly expiryMonth: number | null
  readonly expiryYear: number | null
  readonly name: string | null
  readonly email: string | null
  /** ISO 3166-1 alpha-2. */
  readonly country: string | null
  readonly isDefault: boolean
  readonly createdAt: Date
}

/** One of the account's payment methods. */
export interface PaymentMethodInput {
  readonly accountId: string
  readonly id: string
}

/** What the account can pay with, newest first; at most one is the default. @throws BillingError `not_found` */
export async function listPaymentMethods(
  ctx: BillingContext,
  input: { readonly accountId: string },
): Promise<readonly PaymentMethodView[]> {
  const request = parse(accountSchema, input)
  const { provider, customerId } = await holderOf(ctx, request.accountId)
  const methods = customerId === null ? [] : await provider['payment-methods'].list(customerId, {})
  return methods.map((method) => methodView(provider.id, method))
}

/** What is to be paid with it, and where. */
export interface AvailableMethodsInput {
  readonly accountId: string
  /** Only what can be used so. */
  readonly use?: MethodUse
  /** Only what is offered there: ISO 3166-1 alpha-2, such as `DE`. */
  readonly country?: string
}

/** A kind of payment method on offer, as callers see it. */
export interface OfferedMethodView extends Omit<OfferedMethod, 'currencies'> {
  readonly provider: string
}

const availableSchema = z.strictObject({
  accountId,
  use: z.enum(['payment', 'subscription', 'off_session']).optional(),
  country: z
    .string()
    .regex(/^[A-Za-z]{2}$/, 'must be two letters, such as DE')
    .transform((country) => country.toUpperCase())
    .optional(),
})

/**
 * The kinds of payment method that the provider is set to offer, for payments in the catalog's currency.
 *
 * @throws BillingError `not_found`, `capability_missing`
 */
export async function availablePaymentMethods(
  ctx: BillingContext,
  input: AvailableMethodsInput,
): Promise<readonly OfferedMethodView[]> {
  const { use, country, ...request } = parse(availableSchema, input)
  const { provider } = await holderOf(ctx, request.accountId)
  const methods = provider['payment-methods']
  if (!methods.available)
    throw new BillingError('capability_missing', `Provider ${provider.id} does not say what it offers.`)
  const offered = await methods.available({})
  return offered
    .filter(({ currencies }) => currencies?.includes(ctx.catalog.currency) ?? true)
    .filter(({ uses }) => use === undefined || uses.includes(use))
    .filter(({ countries }) => country === undefined || (countries?.includes(country) ?? true))
    .map(({ type, uses, countries }) => ({ provider: provider.id, type, uses, countries }))
}

/** One of the account's payment methods. @throws BillingError `not_found` */
export async function getPaymentMethod(ctx: BillingContext, input: PaymentMethodInput): Promise<PaymentMethodView> {
  const { provider, method } = await requireMethod(ctx, parse(oneSchema, input))
  return methodView(provider.id, method)
}

/** A payment method that the provider's own form made. */
export interface AttachPaymentMethodInput extends PaymentMethodInput {
  /** Whether it is charged from now on. Default: when it is the account's first. */
  readonly setAsDefault?: boolean
}

const attachSchema = oneSchema.extend({ setAsDefault: z.boolean().optional() })

/**
 * Adds a payment method to the account. Harmless to repeat.
 *
 * @throws BillingError `not_found` (also for another account's), `payment_method_declined` (by the bank; `details.reason` is a
 * `DeclineReason`), `capability_missing`
 */
export async function attachPaymentMethod(
  ctx: BillingContext,
  input: AttachPaymentMethodInput,
): Promise<PaymentMethodView> {
  const request = parse(attachSchema, input)
  const { provider } = await holderOf(ctx, request.accountId)
  const methods = provider['payment-methods']
  if (!methods.attach)
    throw new BillingError('capability_missing', `Provider ${provider.id} attaches no payment methods.`)
  const customerId = await ensureCustomer(ctx, provider, request.accountId)
  const attached = await methods.attach(customerId, request.id, {})
  const isFirst = request.setAsDefault ?? !(await methods.list(customerId, {})).some(({ isDefault }) => isDefault)
  const method = isFirst ? await methods.setDefault(customerId, attached.externalId, {}) : attached
  return methodView(provider.id, method)
}

/** What of a payment method to change; what is not given stays. */
export interface UpdatePaymentMethodInput extends PaymentMethodInput {
  readonly name?: string
  readonly email?: string
  readonly expiryMonth?: number
  readonly expiryYear?: number
}

const updateSchema = oneSchema.extend({
  name: text(200).optional(),
  email: z.email().max(254).optional(),
  expiryMonth: z.int().min(1).max(12).optional(),
  expiryYear: z.int().min(2000).max(2200).optional(),
})

/** Changes name, e-mail or expiry. @throws BillingError `not_found`, `option_unsupported`, `capability_missing` */
export async function updatePaymentMethod(
  ctx: BillingContext,
  input: UpdatePaymentMethodInput,
): Promise<PaymentMethodView> {
  const { accountId: account, id, ...given } = parse(updateSchema, input)
  const { provider, method } = await requireMethod(ctx, { accountId: account, id })
  const methods = provider['payment-methods']
  if (!methods.update)
    throw new BillingError('capability_missing', `Provider ${provider.id} changes no payment methods.`)
  const change = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
  return methodView(provider.id, await methods.update(method.customerId, id, change, {}))
}

/** Makes it the one that is charged when none is named. @throws BillingError `not_found` */
export async function setDefaultPaymentMethod(
  ctx: BillingContext,
  input: PaymentMethodInput,
): Promise<PaymentMethodView> {
  const request = parse(oneSchema, input)
  const { provider, method } = await requireMethod(ctx, request)
  return methodView(provider.id, await provider['payment-methods'].setDefault(method.customerId, request.id, {}))
}

/** Takes a payment method away. @throws BillingError `not_found` */
export async function removePaymentMethod(ctx: BillingContext, input: PaymentMethodInput): Promise<void> {
  const request = parse(oneSchema, input)
  const { provider, method } = await requireMethod(ctx, request)
  await provider['payment-methods'].remove(method.customerId, request.id, {})
}

async function holderOf(ctx: BillingContext, account: string) {
  const provider = ctx.roles.paymentMethods
  if (!provider) throw new BillingError('capability_missing', 'No provider plays the part of payment methods.')
  return { provider, customerId: await customerOf(ctx, provider, account) }
}

/** A payment method of this account: another one's is not there. */
async function requireMethod(ctx: BillingContext, request: PaymentMethodInput) {
  const { provider, customerId } = await holderOf(ctx, request.accountId)
  const method =
    customerId === null ? null : await foundOrNull(provider['payment-methods'].get(customerId, request.id, {}))
  if (method) return { provider, method }
  throw new BillingError('not_found', `No payment method ${request.id} on account ${request.accountId}.`)
}

function methodView(provider: string, method: PaymentMethod): PaymentMethodView {
  const { externalId, customerId: _, createdAt, ...shown } = method
  return { id: externalId, provider, ...shown, createdAt: new Date(createdAt) }
}
