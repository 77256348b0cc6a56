import * as z from 'zod'
import type { Able } from '../config.js'
import type { BillingContext } from '../context.js'
import { type InvoiceStatus, invoiceStatuses } from '../domain/invoice.js'
import { BillingError } from '../errors.js'
import type { Invoice, InvoicePdf } from '../ports/capabilities/invoices.js'
import { requireMethod } from '../ports/provider.js'
import { customerOf, ensureCustomer, isCustomerOf } from './customers.js'
import { invoiceDebt, invoicedSale, settleInvoiced } from './debt-invoice.js'
import { accountId, accountSchema, idempotencyKey, idField, oneSchema, optionalText, parse } from './fields.js'
import { followSubscriptions } from './follow-subscriptions.js'
import { foundOrNull } from './found.js'
import {
  type InvoicePreviewView,
  type InvoiceView,
  invoiceView,
  type PaidInvoice,
  previewView,
} from './invoice-view.js'
import { namedProvider } from './named-provider.js'
import { type Page, type PageInput, pageFields, providerPage, providerPlace } from './paging.js'

/** Which invoices to list. */
export interface ListInvoicesInput extends PageInput {
  readonly accountId: string
  readonly status?: InvoiceStatus
  /** Whose, of those of `providers.invoices`; default the first. */
  readonly provider?: string
}

const listSchema = z.strictObject({
  accountId,
  ...pageFields,
  status: z.enum(invoiceStatuses).optional(),
  provider: z.string().optional(),
})

/** The invoices of an account, newest first, a page at a time. @throws BillingError `not_found`, `invalid_cursor` */
export async function listInvoices(ctx: BillingContext, input: ListInvoicesInput): Promise<Page<InvoiceView>> {
  const request = parse(listSchema, input)
  const { provider, customerId } = await keeperOf(ctx, request.accountId, request.provider)
  const { cursor: _, limit: __, ...asked } = request
  const list = { list: 'invoices', ...asked, provider: provider.id, customerId }
  const place = await providerPlace(ctx, list, request)
  if (customerId === null) return { items: [], nextCursor: null }
  const query = { customerId, ...place, ...(request.status ? { status: request.status } : {}) }
  const page = await provider.invoices.list(query, {})
  return providerPage(ctx, list, page, (invoice) => invoiceView(provider.id, invoice))
}

/** One of the account's invoices. */
export interface InvoiceInput {
  readonly accountId: string
  readonly id: string
}

/** @throws BillingError `not_found` */
export async function getInvoice(ctx: BillingContext, input: InvoiceInput): Promise<InvoiceView> {
  const { provider, invoice } = await requireInvoice(ctx, parse(oneSchema, input))
  return invoiceView(provider.id, invoice)
}

/**
 * Where an invoice's PDF is, or when to ask again; its bytes where the provider has none and `invoiceRenderer` is configured.
 *
 * @throws BillingError `not_found`, `invalid_state` (it is a draft), `capability_missing`, `option_unsupported` (no font has a character)
 */
export async function invoicePdf(ctx: BillingContext, input: InvoiceInput): Promise<InvoicePdf> {
  const { provider, invoice } = await requireInvoice(ctx, parse(oneSchema, input))
  const renderer = ctx.invoiceRenderer
  if (provider.invoices.pdf || renderer === null)
    return requireMethod(provider, 'invoices', 'pdf')(invoice.externalId, {})
  if (invoice.status === 'draft') throw new BillingError('invalid_state', `Invoice ${invoice.externalId} is a draft.`)
  return { status: 'rendered', bytes: await renderer.render(invoice) }
}

/** Which invoice to pay, and with what: by default the account's default payment method. */
export interface PayInvoiceInput extends InvoiceInput {
  readonly paymentMethodId?: string
}

const paySchema = oneSchema.extend({ paymentMethodId: idField('paymentMethodId').optional() })

/**
 * Tries to collect an invoice. A decline is an answer and no error. Paying one that is paid changes nothing.
 *
 * @throws BillingError `not_found`, `invalid_state` (a draft, or void), `outcome_unknown` (look at it again)
 */
export async function payInvoice(ctx: BillingContext, input: PayInvoiceInput): Promise<PaidInvoice> {
  const request = parse(paySchema, input)
  const { provider, invoice, customerId } = await requireInvoice(ctx, request)
  const paying = { externalId: invoice.externalId, paymentMethodId: request.paymentMethodId ?? null }
  const paid = await requireMethod(provider, 'invoices', 'pay')(paying, {})
  await followPurpose(ctx, provider, customerId, paid.invoice)
  return { invoice: invoiceView(provider.id, paid.invoice), payment: paid.payment }
}

/** What to put on an invoice of its own. */
export interface GenerateInvoiceInput {
  readonly accountId: string
  /**
   * `waiting` (default): everything that waits at the provider and is on no invoice yet. `debt`: what the account owes for usage that
   * nothing covered, at the price of a Spark; paying it repays the debt.
   */
  readonly of?: 'waiting' | 'debt'
  /** What it is for, for people; at most 500 characters. */
  readonly description?: string
  /** Whether to make it final at once; otherwise it is a draft. Default true. */
  readonly finalize?: boolean
  readonly idempotencyKey: string
}

const generateSchema = z.strictObject({
  accountId,
  of: z.enum(['waiting', 'debt']).default('waiting'),
  description: optionalText(500).optional(),
  finalize: z.boolean().default(true),
  idempotencyKey,
})

/**
 * Makes an invoice of everything that waits at the provider and is on none yet, or of what the account owes. Idempotent by
 * `idempotencyKey`.
 *
 * @returns the invoice, or `null` when nothing waits or is owed
 * @throws BillingError `not_found`, `capability_missing`, `invalid_state` (of debt: an earlier one is not paid yet), `outcome_unknown`
 * (call again with the same key)
 */
export async function generateInvoice(ctx: BillingContext, input: GenerateInvoiceInput): Promise<InvoiceView | null> {
  const request = parse(generateSchema, input)
  const { provider } = await keeperOf(ctx, request.accountId)
  if (request.of === 'debt') {
    const owed = await invoiceDebt(ctx, provider, { ...request, description: request.description ?? null })
    return owed && invoiceView(provider.id, owed)
  }
  const generate = requireMethod(provider, 'invoices', 'generate')
  const customerId = await ensureCustomer(ctx, provider, request.accountId)
  const key = `invoice:${request.accountId}:${request.idempotencyKey}`
  const asked = { customerId, description: request.description ?? null }
  const draft = await generate(asked, { idempotencyKey: key })
  if (draft === null) return null
  const isFinal = !request.finalize || draft.status !== 'draft'
  const invoice = isFinal ? draft : await requireMethod(provider, 'invoices', 'finalize')(draft.externalId, {})
  return invoiceView(provider.id, invoice)
}

/** What the account's next invoice would be, or `null` when nothing is to come. @throws BillingError `not_found`, `capability_missing` */
export async function upcomingInvoice(
  ctx: BillingContext,
  input: { readonly accountId: string },
): Promise<InvoicePreviewView | null> {
  const request = parse(accountSchema, input)
  const { provider, customerId } = await keeperOf(ctx, request.accountId)
  const preview = customerId === null ? null : await requireMethod(provider, 'invoices', 'upcoming')({ customerId }, {})
  return preview && previewView(preview)
}

/** Makes a draft final, or takes an invoice back, or gives it up. Harmless to repeat. @throws BillingError `not_found`, `invalid_state` */
export async function settleInvoice(
  ctx: BillingContext,
  step: 'finalize' | 'void' | 'markUncollectible',
  input: InvoiceInput,
): Promise<InvoiceView> {
  const { provider, invoice, customerId } = await requireInvoice(ctx, parse(oneSchema, input))
  const after = await requireMethod(provider, 'invoices', step)(invoice.externalId, {})
  await followPurpose(ctx, provider, customerId, after)
  return invoiceView(provider.id, after)
}

interface Keeper {
  readonly provider: Able<'invoices'>
  /** `null` while the provider does not know the account. */
  readonly customerId: string | null
}

async function keeperOf(ctx: BillingContext, account: string, name?: string): Promise<Keeper> {
  const provider = namedProvider(ctx.roles.invoicers, name, 'invoices')
  return { provider, customerId: await customerOf(ctx, provider, account) }
}

/** An invoice of this account, wherever it is: another account's is not there. */
async function requireInvoice(ctx: BillingContext, request: InvoiceInput) {
  await keeperOf(ctx, request.accountId)
  for (const provider of ctx.roles.invoicers) {
    const invoice = await foundOrNull(provider.invoices.get(request.id, {}))
    if (invoice !== null && (await isCustomerOf(ctx, provider, request.accountId, invoice.customerId)))
      return { provider, invoice, customerId: invoice.customerId }
  }
  throw new BillingError('not_found', `No invoice ${request.id} on account ${request.accountId}.`)
}

/** Follows what an invoice is for: a subscription, or the debt that it repays. */
async function followPurpose(
  ctx: BillingContext,
  provider: Able<'invoices'>,
  customerId: string,
  invoice: Invoice,
): Promise<void> {
  const sale = await invoicedSale(ctx, provider, invoice)
  if (sale) await settleInvoiced(ctx, provider, sale, invoice)
  const { externalId, subscriptionId } = invoice
  if (subscriptionId === null || !provider.subscriptions) return
  await followSubscriptions(ctx, provider, customerId, `invoice:${externalId}`)
}
