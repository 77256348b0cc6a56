import * as z from 'zod'
import type { BillingContext } from '../context.js'
import { formatMoney } from '../domain/money.js'
import { BillingError } from '../errors.js'
import type { InvoiceCredit } from '../ports/capabilities/invoice-credits.js'
import { requireCapability } from '../ports/provider.js'
import { customerOf, ensureCustomer } from './customers.js'
import { dateOf } from './date.js'
import {
  accountId,
  accountSchema,
  given,
  idempotencyKey,
  oneSchema,
  parse,
  readMoney,
  readTime,
  type TimeInput,
  text,
} from './fields.js'
import { foundOrNull } from './found.js'

/** Money for the next invoices of an account. */
export interface GrantInvoiceCreditInput {
  readonly accountId: string
  /** Decimal text in the catalog's currency, above zero. */
  readonly amount: string
  /** What the customer reads on the invoice; at most 100 characters. */
  readonly name: string
  /** Default `promotional`. */
  readonly kind?: 'paid' | 'promotional'
  /** From when on it is worth nothing; default never. */
  readonly expiresAt?: TimeInput
  readonly idempotencyKey: string
}

/** Money for invoices, as callers see it. */
export interface InvoiceCreditView {
  readonly id: string
  readonly provider: string
  readonly currency: string
  /** What was given; `balance` says what is left of all of them. */
  readonly amount: string
  readonly kind: 'paid' | 'promotional'
  readonly name: string | null
  readonly createdAt: Date
  readonly expiresAt: Date | null
  readonly isVoid: boolean
}

const grantSchema = z.strictObject({
  accountId,
  amount: given('amount'),
  name: text(100),
  kind: z.enum(['paid', 'promotional']).default('promotional'),
  expiresAt: z.unknown().optional(),
  idempotencyKey,
})

/**
 * Gives an account money that the provider of its invoices takes off what it charges for usage. It is no credit of the ledger: no Spark
 * comes of it, and nothing that is refused for want of credits is allowed by it. A repeat with the same key answers what was given.
 *
 * @throws BillingError `not_found`, `invalid_amount`, `invalid_timestamp`, `timestamp_out_of_range`, `idempotency_conflict`,
 * `capability_missing`, `outcome_unknown` (call again with the same key)
 */
export async function grantInvoiceCredit(
  ctx: BillingContext,
  input: GrantInvoiceCreditInput,
): Promise<InvoiceCreditView> {
  const request = parse(grantSchema, input)
  const { currency } = ctx.catalog
  const amount = readMoney(request.amount, currency)
  const expiresAt = request.expiresAt === undefined ? null : readTime(request.expiresAt, 'expiresAt')
  if (expiresAt !== null && expiresAt <= ctx.environment.now())
    throw new BillingError('timestamp_out_of_range', 'expiresAt must lie ahead.')
  const { provider, credits } = giverOf(ctx)
  const customerId = await ensureCustomer(ctx, provider, request.accountId)
  const { name, kind } = request
  const key = `invoice_credit:${request.accountId}:${request.idempotencyKey}`
  const made = await credits.grant({ customerId, amount, kind, name, expiresAt }, { idempotencyKey: key })
  const isSame = made.amount.nanos === amount.nanos && made.amount.currency === currency && made.kind === kind
  if (isSame && made.customerId === customerId) return creditView(provider.id, made)
  const message = `Key ${request.idempotencyKey} was used before for another invoice credit.`
  throw new BillingError('idempotency_conflict', message)
}

/** The account's, newest first. @throws BillingError `not_found`, `capability_missing` */
export async function listInvoiceCredits(
  ctx: BillingContext,
  input: { readonly accountId: string },
): Promise<readonly InvoiceCreditView[]> {
  const request = parse(accountSchema, input)
  const { provider, credits } = giverOf(ctx)
  const customerId = await customerOf(ctx, provider, request.accountId)
  const found = customerId === null ? [] : await credits.list(customerId, {})
  return found.map((credit) => creditView(provider.id, credit))
}

/** What is left of them, by currency, as decimal text. @throws BillingError `not_found`, `capability_missing` */
export async function invoiceCreditBalance(
  ctx: BillingContext,
  input: { readonly accountId: string },
): Promise<readonly { readonly currency: string; readonly amount: string }[]> {
  const request = parse(accountSchema, input)
  const { provider, credits } = giverOf(ctx)
  const customerId = await customerOf(ctx, provider, request.accountId)
  const balances = customerId === null ? [] : await credits.balance(customerId, {})
  return balances.map((money) => ({ currency: money.currency, amount: formatMoney(money) }))
}

/** Takes back what is left of one; harmless to repeat. @throws BillingError `not_found`, `capability_missing` */
export async function endInvoiceCredit(
  ctx: BillingContext,
  input: { readonly accountId: string; readonly id: string },
): Promise<InvoiceCreditView> {
  const request = parse(oneSchema, input)
  const { provider, credits } = giverOf(ctx)
  const customerId = await customerOf(ctx, provider, request.accountId)
  const own = customerId === null ? null : await foundOrNull(credits.list(customerId, {}))
  if (!own?.some(({ externalId }) => externalId === request.id))
    throw new BillingError('not_found', `No invoice credit ${request.id} on account ${request.accountId}.`)
  return creditView(provider.id, await credits.end(request.id, {}))
}

function giverOf(ctx: BillingContext) {
  const provider = ctx.roles.invoices
  if (!provider) throw new BillingError('capability_missing', 'No provider plays the part of invoices.')
  return { provider, credits: requireCapability(provider, 'invoice-credits') }
}

function creditView(provider: string, credit: InvoiceCredit): InvoiceCreditView {
  const { externalId: id, amount, kind, name, createdAt, expiresAt, isVoid } = credit
  const { currency } = amount
  const dates = { createdAt: new Date(createdAt), expiresAt: dateOf(expiresAt) }
  return { id, provider, currency, amount: formatMoney(amount), kind, name, ...dates, isVoid }
}
