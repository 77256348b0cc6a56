import { z } from '@hono/zod-openapi'
import { money, time, timeOrNull } from './fields.js'

export const invoicePath = z.strictObject({
  invoice_id: z.string().openapi({ param: { name: 'invoice_id', in: 'path' }, example: 'in_1' }),
})

export const lineItem = z
  .object({
    description: z.string(),
    quantity: z.number().nullable(),
    amount: money,
    period_start: timeOrNull,
    period_end: timeOrNull,
    proration: z.boolean(),
    meter: z.string().nullable().openapi({ description: 'The meter whose usage it charges for, in Sparks.' }),
    unit_price: z.string().nullable().openapi({ description: 'What one costs, as exact decimal text.' }),
  })
  .openapi('LineItem')

/** Of S4; the last four fields are ours. */
export const invoice = z
  .object({
    id: z.string(),
    invoice_number: z.string().nullable(),
    billing_account_id: z.string(),
    ticket_id: z.string().nullable(),
    stripe_invoice_id: z.string().nullable(),
    status: z.string(),
    period_start: timeOrNull,
    period_end: timeOrNull,
    subtotal: money,
    tax_amount: money,
    discount_amount: money,
    total: money,
    credits_applied: money,
    amount_due: money,
    amount_paid: money,
    currency: z.string(),
    line_items: z.array(lineItem),
    description: z.string().nullable(),
    due_date: timeOrNull,
    finalized_at: timeOrNull,
    paid_at: timeOrNull,
    created_at: time,
    provider: z.string(),
    actions: z.array(z.string()),
    hosted_invoice_url: z.string().nullable(),
    next_attempt_at: timeOrNull,
  })
  .openapi('Invoice')

export const invoicePage = z
  .object({ results: z.array(invoice), next: z.string().nullable(), previous: z.null() })
  .openapi('InvoicePage')

export const payInvoiceRequest = z
  .strictObject({ payment_method_id: z.string().max(255).nullish() })
  .openapi('PayInvoiceRequest')

export const generateInvoiceRequest = z
  .strictObject({ description: z.string().max(500).optional(), of: z.enum(['waiting', 'debt']).optional() })
  .openapi('GenerateInvoiceRequest')
