import type { BillingContext } from '../context.js'
import { divide } from '../domain/decimal.js'
import { balanceOf } from '../domain/ledger/draft.js'
import { allocate, fromMinor, type Money, nanosPerUnit, toMinor } from '../domain/money.js'
import { formatSparks, type MicroSparks, microPerUnit } from '../domain/sparks.js'
import { BillingError } from '../errors.js'
import type { CheckoutSession } from '../ports/capabilities/checkout.js'
import type { BillLine, Invoice } from '../ports/capabilities/invoices.js'
import { type AnyProvider, requireCapability, requireMethod } from '../ports/provider.js'
import type { CheckoutIntent } from '../ports/store.js'
import { ensureCustomer } from './customers.js'
import { settleCheckout } from './fulfilment.js'
import { requireSnapshot } from './steps.js'

/** What the sales behind invoices of debt have in common. */
const mark = 'debt_invoice'
/** How many rows of usage are looked at for the lines; what is older is one line. */
const rowsRead = 1_000

/** Whether a sale is paid by an invoice of ours. */
export function isInvoiced({ fingerprint }: CheckoutIntent): boolean {
  return fingerprint === mark
}

/** What to invoice, and under which key. */
export interface DebtInvoiceRequest {
  readonly accountId: string
  readonly description: string | null
  readonly finalize: boolean
  readonly idempotencyKey: string
}

/**
 * An invoice of what the account owes, which paying it repays: a sale of as many credits is written first, under the caller's key, and
 * the invoice names it. Another one is not made while one is open, or the same debt would be asked for twice.
 *
 * @returns `null` when nothing is owed
 * @throws BillingError `invalid_state` (one is open: its id is in the details), `idempotency_conflict`, `outcome_unknown`
 */
export async function invoiceDebt(
  ctx: BillingContext,
  provider: AnyProvider,
  request: DebtInvoiceRequest,
): Promise<Invoice | null> {
  const intent = await debtSale(ctx, provider, request)
  if (!intent) return null
  const { accountId, id: intentId, createdAt: requestedAt, externalId } = intent
  if (externalId === null && intent.status !== 'open')
    throw new BillingError('invalid_state', 'Nothing came of this key: use another one for another invoice.')
  const invoices = requireCapability(provider, 'invoices')
  let invoice: Invoice
  if (externalId !== null) invoice = await invoices.get(externalId, {})
  else {
    const customerId = await ensureCustomer(ctx, provider, accountId)
    const total = { currency: intent.currency, nanos: intent.amountNanos }
    const lines = await linesOf(ctx, intent, total)
    const { description } = request
    const asked = { intentId, accountId, customerId, description, total, lines, requestedAt }
    invoice = await requireMethod(provider, 'invoices', 'bill')(asked, { idempotencyKey: `${intentId}:${customerId}` })
  }
  if (request.finalize && invoice.status === 'draft')
    invoice = await requireMethod(provider, 'invoices', 'finalize')(invoice.externalId, {})
  await settleInvoiced(ctx, provider, intent, invoice)
  return invoice
}

/** Follows the invoice of a sale: paying it gives the credits, which repay what is owed, once. */
export async function settleInvoiced(
  ctx: BillingContext,
  provider: AnyProvider,
  intent: CheckoutIntent,
  invoice: Invoice,
): Promise<void> {
  const { accountId, id } = intent
  const { externalId } = invoice
  if (invoice.status === 'paid') await settleCheckout(ctx, provider, intent, sessionOfInvoice(invoice))
  else if (invoice.status === 'void') await ctx.store.intents.update(accountId, id, { status: 'expired', externalId })
  else await ctx.store.intents.update(accountId, id, { status: 'pending', externalId })
}

/** The sale that an invoice is for, where it is one of debt. */
export async function invoicedSale(
  ctx: BillingContext,
  provider: AnyProvider,
  { intentId }: Invoice,
): Promise<CheckoutIntent | null> {
  const intent = intentId === null ? null : await ctx.store.directory.intentById(intentId)
  return intent?.provider === provider.id && isInvoiced(intent) ? intent : null
}

async function debtSale(
  ctx: BillingContext,
  provider: AnyProvider,
  { accountId, idempotencyKey }: DebtInvoiceRequest,
): Promise<CheckoutIntent | null> {
  const key = `key:invoice:${idempotencyKey}`
  const latest = await ctx.store.intents.latest(accountId, mark)
  if (latest?.key === key) return latest
  const isOpen = latest?.status === 'open' || latest?.status === 'pending'
  if (latest && isOpen && (await staysOpen(ctx, latest))) throw stillOpen(latest)
  const { account } = await requireSnapshot(ctx, accountId)
  const { debt } = balanceOf(account)
  if (debt === 0n) return null
  const amount = priceOfDebt(ctx, debt)
  const { intent } = await ctx.store.intents.open({
    id: ctx.newId('chk'),
    accountId,
    provider: provider.id,
    kind: 'credits',
    sparks: debt,
    plan: null,
    package: null,
    currency: amount.currency,
    amountNanos: amount.nanos,
    successUrl: '',
    cancelUrl: '',
    key,
    fingerprint: mark,
  })
  await refuseSecond(ctx, intent)
  return intent
}

/** Of several that were begun at once the first goes on. @throws BillingError `invalid_state` */
async function refuseSecond(ctx: BillingContext, intent: CheckoutIntent): Promise<void> {
  const { accountId, id } = intent
  const sales = (await ctx.store.intents.since(accountId, intent.createdAt)).filter(isInvoiced)
  const first = sales.find(({ status }) => status === 'open' || status === 'pending')
  if (first === undefined || first.id === id) return
  await ctx.store.intents.update(accountId, id, { status: 'expired' })
  throw stillOpen(first)
}

/** Reads the open one again: it may have been paid or voided meanwhile. @returns whether it is still open */
async function staysOpen(ctx: BillingContext, latest: CheckoutIntent): Promise<boolean> {
  const provider = ctx.roles.all.get(latest.provider)
  if (!provider?.invoices || latest.externalId === null) return true
  await settleInvoiced(ctx, provider, latest, await provider.invoices.get(latest.externalId, {}))
  const after = await ctx.store.intents.get(latest.accountId, latest.id)
  return after?.status === 'open' || after?.status === 'pending'
}

function stillOpen({ id, externalId, key }: CheckoutIntent): BillingError {
  const message = 'The account has an invoice of its debt that is not paid yet: pay it or void it first.'
  const details = { checkoutId: id, invoiceId: externalId, idempotencyKey: key.slice('key:invoice:'.length) }
  return new BillingError('invalid_state', message, { details })
}

/** What Sparks cost, in whole minor units and never less than they are worth. */
function priceOfDebt({ catalog }: BillingContext, sparks: MicroSparks): Money {
  const { coefficient, scale } = catalog.spark.price
  const nanos = divide(sparks * coefficient * nanosPerUnit, microPerUnit * 10n ** BigInt(scale), 'ceiling')
  return fromMinor(toMinor({ currency: catalog.currency, nanos }, 'ceiling'), catalog.currency)
}

/**
 * Debt is repaid oldest first, so what is left of it is that of the newest usage, as of the sale: whoever asks again, or at the same
 * time, must get the same lines.
 */
async function linesOf(
  ctx: BillingContext,
  { accountId, sparks, createdAt }: CheckoutIntent,
  total: Money,
): Promise<readonly BillLine[]> {
  const usage = { recordedTo: createdAt + 1 }
  const byMeter = new Map<string, MicroSparks>()
  let left = sparks
  let before: string | undefined
  for (let read = 0; left > 0n && read < rowsRead; read += 100) {
    const rows = await ctx.store.ledger.entries(accountId, { limit: 100, usage, ...(before ? { before } : {}) })
    for (const { usage: used } of rows) {
      const owed = used?.settledBy.debt ?? 0n
      if (!used || owed <= 0n || left === 0n) continue
      const taken = owed < left ? owed : left
      byMeter.set(used.meter, (byMeter.get(used.meter) ?? 0n) + taken)
      left -= taken
    }
    before = rows.at(-1)?.cursor
    if (rows.length < 100) break
  }
  const parts = [...byMeter].map(([meter, owed]) => ({ name: `Usage of ${meter || 'credits'}`, owed }))
  if (left > 0n) parts.push({ name: 'Credits owed', owed: left })
  const amounts = allocate(
    toMinor(total, 'floor'),
    parts.map(({ owed }) => owed),
  )
  return parts
    .map(({ name, owed }, place) => ({
      description: `${name}: ${formatSparks(owed)} Sparks`,
      amount: fromMinor(amounts[place] ?? 0n, total.currency),
    }))
    .filter(({ amount }) => amount.nanos > 0n)
}

/** An invoice as what a page would have led to. */
export function sessionOfInvoice({
  externalId,
  intentId,
  customerId,
  status,
  subtotal,
  total,
}: Invoice): CheckoutSession {
  const none = { url: null, expiresAt: null, subscriptionId: null, paymentMethodId: null }
  const standing = status === 'paid' ? 'paid' : status === 'void' ? 'expired' : 'open'
  return { ...none, externalId, intentId, customerId, status: standing, subtotal, amount: total }
}
