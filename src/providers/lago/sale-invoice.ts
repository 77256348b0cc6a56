import * as z from 'zod'
import type { Money } from '../../core/domain/money.js'
import { BillingError } from '../../core/errors.js'
import type { CallOptions } from '../../core/ports/call-options.js'
import { withoutKey } from '../door/door.js'
import { takeTurns } from '../door/turns.js'
import { toLagoAmount } from './amount.js'
import { type LagoCall, parseAnswer, part } from './call.js'
import { isTaken } from './errors.js'
import { intentKey, intentOf, invoiceSchema, type LagoInvoice } from './invoice.js'
import { readInvoice } from './invoices.js'
import { oldestFirst } from './oldest-first.js'

/** What is sold on an invoice of its own. */
export interface InvoicedSale {
  readonly intentId: string
  readonly customerId: string
  readonly title: string
  readonly amount: Money
}

const answerSchema = z.object({ invoice: invoiceSchema })
const pageSchema = z.object({ invoices: z.array(invoiceSchema) })

/** What Lago's one-off invoices are made of; amount and name come with each. */
const addOnCode = 'billfold_sale'

type Currency = NonNullable<
  Parameters<Parameters<Parameters<LagoCall['write']>[1]>[0]['invoices']['createInvoice']>[0]['invoice']['currency']
>

const inTurn = takeTurns(100)

/**
 * A one-off invoice for a sale, which the customer pays by hand. Lago has no keys: its line carries the sale's id, by which it is looked
 * for before it is made and afterwards. Of two that were made at once the later one is voided by whoever made it; nobody had its address.
 */
export function invoiceSale(call: LagoCall, sale: InvoicedSale, options: CallOptions): Promise<LagoInvoice> {
  const free = withoutKey(options)
  return inTurn(sale.intentId, async () => {
    const [known] = await invoicesOfSale(call, sale, free)
    if (known) return named(call, known, sale, free)
    const made = await create(call, sale, free)
    const [first = made] = await invoicesOfSale(call, sale, free)
    if (first.lago_id !== made.lago_id)
      await call.write(free, (client, request) => client.invoices.voidInvoice(part(made.lago_id), {}, request))
    return named(call, first, sale, free)
  })
}

/** Those of the sale that are not void, oldest first. */
async function invoicesOfSale(
  call: LagoCall,
  { intentId, customerId }: InvoicedSale,
  options: CallOptions,
): Promise<readonly LagoInvoice[]> {
  const query = { external_customer_id: customerId, invoice_type: 'one_off' as const, per_page: 20 }
  const answer = await call.read(options, (client, request) =>
    client.invoices.findAllInvoices({ ...query, 'statuses[]': ['finalized'] }, request),
  )
  const rows = parseAnswer(pageSchema, answer).invoices
  // The line says it from the beginning, the metadata a moment later; a list has no lines.
  const whole = await Promise.all(
    rows.map((row) => (intentOf(row) === null ? readInvoice(call, row.lago_id, options) : row)),
  )
  const isOfSale = (row: LagoInvoice) =>
    intentOf(row) === intentId || row.fees?.some(({ description }) => description === intentId)
  return oldestFirst(whole.filter(isOfSale))
}

async function create(call: LagoCall, sale: InvoicedSale, options: CallOptions): Promise<LagoInvoice> {
  const { currency, cents } = toLagoAmount(sale.amount)
  await ensureAddOn(call, currency as Currency, options)
  const answer = await call.write(options, (client, request) =>
    client.invoices.createInvoice(
      {
        invoice: {
          external_customer_id: sale.customerId,
          currency: currency as Currency,
          fees: [
            {
              add_on_code: addOnCode,
              invoice_display_name: sale.title,
              description: sale.intentId,
              unit_amount_cents: cents,
              units: '1',
            },
          ],
          // Whoever is on the way to a page is not charged meanwhile.
          payment_method: { payment_method_type: 'manual' },
        },
      },
      request,
    ),
  )
  return parseAnswer(answerSchema, answer).invoice
}

async function ensureAddOn(call: LagoCall, currency: Currency, options: CallOptions): Promise<void> {
  try {
    await call.read(options, (client, request) => client.addOns.findAddOn(addOnCode, request))
  } catch (error) {
    if (!BillingError.is(error) || error.code !== 'not_found') throw error
    await createAddOn(call, currency, options)
  }
}

async function createAddOn(call: LagoCall, currency: Currency, options: CallOptions): Promise<void> {
  try {
    await call.write(options, (client, request) =>
      client.addOns.createAddOn(
        { add_on: { name: 'Purchase', code: addOnCode, amount_cents: 100, amount_currency: currency } },
        request,
      ),
    )
  } catch (error) {
    // Someone else made it in the meantime.
    if (!isTaken(error)) throw error
  }
}

/** With the sale in its metadata, where payments of it find it. */
async function named(
  call: LagoCall,
  invoice: LagoInvoice,
  { intentId }: InvoicedSale,
  options: CallOptions,
): Promise<LagoInvoice> {
  if (intentOf(invoice) === intentId) return invoice
  const metadata = [{ key: intentKey, value: intentId }]
  const answer = await call.write(options, (client, request) =>
    client.invoices.updateInvoice(part(invoice.lago_id), { invoice: { metadata } }, request),
  )
  return parseAnswer(answerSchema, answer).invoice
}
