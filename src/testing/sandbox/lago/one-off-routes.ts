import * as z from 'zod'
import { decimal, formatDecimal, multiplyDecimal } from '../../../core/domain/decimal.js'
import { customerOf, ensureCurrency } from './customers.js'
import { invalid, notFound } from './errors.js'
import { type InvoiceFee, unitsOfCurrency } from './invoice-fees.js'
import { invoiceFees } from './invoice-making.js'
import { shownInvoice } from './invoices.js'
import { noBody, route, wrapped } from './route.js'
import { roundHalfUp } from './usage.js'
import { isoTime, type LagoWorld, newLagoId, tableOf } from './world.js'

/** Something that is sold beside plans. */
interface AddOn {
  readonly lago_id: string
  readonly name: string
  readonly code: string
  readonly amount_cents: number
  readonly amount_currency: string
  readonly description: string | null
  readonly created_at: string
}

/** By code. */
const addOns = tableOf<AddOn>('add_ons')

const currency = z.string().regex(/^[A-Z]{3}$/)

const addOnShape = z.object({
  name: z.string().min(1),
  code: z.string().min(1),
  amount_cents: z.int().positive(),
  amount_currency: currency,
  description: z.string().nullish(),
})

const invoiceShape = z.object({
  external_customer_id: z.string().min(1),
  currency: currency.optional(),
  fees: z
    .array(
      z.object({
        add_on_code: z.string().min(1),
        invoice_display_name: z.string().optional(),
        unit_amount_cents: z.int().nonnegative().nullish(),
        units: z.union([z.string(), z.number()]).nullish(),
        description: z.string().nullish(),
      }),
    )
    .min(1),
  payment_method: z.object({ payment_method_type: z.enum(['provider', 'manual']).optional() }).optional(),
})

/** Invoices beside subscriptions, of add-ons. */
export const oneOffRoutes = [
  route('POST /add_ons', wrapped('add_on', addOnShape), ({ world, body: { add_on: given } }) => {
    if (addOns(world).has(given.code)) throw invalid({ code: ['value_already_exist'] })
    const { description } = given
    const addOn = { ...given, lago_id: newLagoId(), description: description ?? null, created_at: isoTime(world.now()) }
    addOns(world).put(addOn.code, addOn)
    return { add_on: shown(addOn) }
  }),
  route('GET /add_ons/:code', noBody, ({ world, path }) => ({ add_on: shown(addOnOf(world, path.code ?? '')) })),
  route('POST /invoices', wrapped('invoice', invoiceShape), ({ world, body: { invoice: given } }) => {
    const customer = customerOf(world, given.external_customer_id)
    const code = given.currency ?? customer.currency ?? 'USD'
    ensureCurrency(world, customer, code)
    const invoice = invoiceFees(world, customer, {
      type: 'one_off',
      currency: code,
      fees: given.fees.map((fee) => toFee(world, fee, code)),
      isCollected: given.payment_method?.payment_method_type !== 'manual',
    })
    return { invoice: shownInvoice(world, invoice) }
  }),
]

function toFee(
  world: LagoWorld,
  given: z.output<typeof invoiceShape>['fees'][number],
  invoiceCurrency: string,
): InvoiceFee {
  const addOn = addOnOf(world, given.add_on_code)
  const each = given.unit_amount_cents ?? addOn.amount_cents
  const units = decimal(String(given.units ?? '1'))
  return {
    lago_id: newLagoId(),
    type: 'add_on',
    itemId: addOn.lago_id,
    code: addOn.code,
    name: given.invoice_display_name ?? addOn.name,
    description: given.description ?? addOn.description,
    units: formatDecimal(units),
    unitAmount: unitsOfCurrency(each, invoiceCurrency),
    cents: Number(roundHalfUp(multiplyDecimal(units, decimal(String(each))), 0)),
    subscriptionId: null,
    chargeId: null,
    eventsCount: null,
    payInAdvance: false,
    fromMs: null,
    toMs: null,
  }
}

function addOnOf(world: LagoWorld, code: string): AddOn {
  const found = addOns(world).get(code)
  if (found === undefined) throw notFound('add_on')
  return found
}

function shown(addOn: AddOn) {
  return { ...addOn, invoice_display_name: null, taxes: [] }
}
