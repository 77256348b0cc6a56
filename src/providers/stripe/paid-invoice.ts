import * as z from 'zod'
import type { CallOptions } from '../../core/ports/call-options.js'
import { parseAnswer, type StripeCall } from './call.js'
import { reference } from './reference.js'

const invoiceSchema = z.object({
  id: z.string().min(1),
  metadata: z.record(z.string(), z.string()).nullish(),
})
const ofIntentSchema = z.object({ data: z.array(z.object({ invoice: invoiceSchema })) })
const paymentSchema = z.object({ payment: z.object({ payment_intent: reference.nullish() }) })
const pageSchema = z.object({
  data: z.array(invoiceSchema.extend({ payments: z.object({ data: z.array(paymentSchema) }).nullish() })),
  has_more: z.boolean(),
})

/** An invoice, as far as the payment of it needs to know. */
export type PaidInvoice = z.output<typeof invoiceSchema>

/** An intent does not say which invoice it pays since the API of 2025-03-31: the invoice's payments do. */
export async function invoiceOf(call: StripeCall, intentId: string, options: CallOptions): Promise<PaidInvoice | null> {
  const payment = { type: 'payment_intent', payment_intent: intentId } as const
  const answer = await call.read(options, (client, request) =>
    client.invoicePayments.list({ payment, limit: 1, expand: ['data.invoice'] }, request),
  )
  return parseAnswer(ofIntentSchema, answer).data[0]?.invoice ?? null
}

/** The same of many intents of a customer, by the customer's invoices: one call for a hundred of them instead of one for each intent. */
export async function invoicesOf(
  call: StripeCall,
  customer: string,
  intentIds: readonly string[],
  options: CallOptions,
): Promise<ReadonlyMap<string, PaidInvoice>> {
  const wanted = new Set(intentIds)
  const found = new Map<string, PaidInvoice>()
  let after: string | undefined
  while (wanted.size > 0) {
    const start = { customer, limit: 100, ...(after === undefined ? {} : { starting_after: after }) }
    const answer = await call.read(options, (client, request) =>
      client.invoices.list({ ...start, expand: ['data.payments'] }, request),
    )
    const { data, has_more: more }: z.output<typeof pageSchema> = parseAnswer(pageSchema, answer)
    for (const { payments, ...invoice } of data)
      for (const { payment } of payments?.data ?? [])
        if (payment.payment_intent != null && wanted.delete(payment.payment_intent))
          found.set(payment.payment_intent, invoice)
    after = data.at(-1)?.id
    if (!more || after === undefined) break
  }
  return found
}
