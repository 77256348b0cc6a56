import * as z from 'zod'
import { BillingError } from '../../core/errors.js'
import type { CallOptions } from '../../core/ports/call-options.js'
import type { BillRequest } from '../../core/ports/capabilities/invoices.js'
import { withoutKey } from '../door/door.js'
import { toStripeAmount } from './amount.js'
import { parseAnswer, type StripeCall } from './call.js'
import { createOnce } from './create-once.js'
import { everyRow } from './every-row.js'

const draftSchema = z.object({
  id: z.string().min(1),
  status: z.string().nullish(),
  metadata: z.record(z.string(), z.string()).nullish(),
})
const itemSchema = z.object({
  id: z.string().min(1),
  amount: z.number(),
  metadata: z.record(z.string(), z.string()).nullish(),
})

type Draft = z.output<typeof draftSchema>

const driftMs = 86_400_000

/**
 * A draft of exactly these lines, once for a sale: an invoice without lines is made first, found again by the sale it names, and filled
 * up to what is sold. What waits for the customer beside it stays where it is.
 *
 * @returns its id
 */
export async function billOnce(call: StripeCall, request: BillRequest, options: CallOptions): Promise<string> {
  const found = await findDraft(call, request, options)
  const draft =
    found ??
    (await createOnce(
      options,
      (each) => createDraft(call, request, each),
      () => findDraft(call, request, options),
    ))
  if ((draft.status ?? 'draft') === 'draft') await fill(call, draft.id, request, options)
  return draft.id
}

async function createDraft(call: StripeCall, request: BillRequest, options: CallOptions): Promise<Draft> {
  const { currency } = toStripeAmount(request.total)
  const answer = await call.create(options, (client, each) =>
    client.invoices.create(
      {
        customer: request.customerId,
        currency,
        auto_advance: false,
        pending_invoice_items_behavior: 'exclude',
        metadata: { billfold_intent_id: request.intentId, billfold_account_id: request.accountId },
        ...(request.description === null ? {} : { description: request.description }),
      },
      each,
    ),
  )
  return parseAnswer(draftSchema, answer)
}

async function findDraft(
  call: StripeCall,
  { customerId: customer, intentId, requestedAt }: BillRequest,
  options: CallOptions,
): Promise<Draft | undefined> {
  const created = { gte: Math.max(0, Math.floor((requestedAt - driftMs) / 1000)) }
  const rows = await everyRow(draftSchema, (start) =>
    call.read(options, (client, request) => client.invoices.list({ customer, created, ...start }, request)),
  )
  return rows.findLast(({ metadata }) => metadata?.billfold_intent_id === intentId)
}

async function fill(call: StripeCall, invoice: string, request: BillRequest, options: CallOptions): Promise<void> {
  const { customerId: customer, total, lines } = request
  const { currency, minor } = toStripeAmount(total)
  const add = (key: string, description: string, amount: number, metadata: Readonly<Record<string, string>>) =>
    call.create({ ...withoutKey(options), idempotencyKey: `${options.idempotencyKey}:${key}` }, (client, each) =>
      client.invoiceItems.create({ customer, invoice, currency, amount, description, metadata }, each),
    )
  const { places, ...before } = await filledSoFar(call, invoice, customer, options)
  let { sum } = before
  // Each line names its place, so that whoever fills the same draft at the same time, or goes on later, makes none twice.
  for (const [index, line] of lines.entries()) {
    const [place, amount] = [String(index), toStripeAmount(line.amount).minor]
    if (places.has(place) || sum + amount > minor) continue
    await add(`line:${place}`, line.description, amount, { billfold_line: place })
    sum += amount
  }
  // A ledger that has moved on since the last attempt may split the sum in another way.
  if (sum < minor) await add(`rest:${sum}`, request.description ?? 'Usage', minor - sum, {})
  const after = await filledSoFar(call, invoice, customer, options)
  if (after.sum === minor) return
  throw new BillingError(
    'invalid_state',
    `Draft ${invoice} has other lines than it was made of: delete it at Stripe.`,
    {
      details: { invoiceId: invoice },
    },
  )
}

async function filledSoFar(call: StripeCall, invoice: string, customer: string, options: CallOptions) {
  const rows = await everyRow(itemSchema, (start) =>
    call.read(options, (client, request) => client.invoiceItems.list({ customer, invoice, ...start }, request)),
  )
  return {
    sum: rows.reduce((sum, { amount }) => sum + amount, 0),
    places: new Set(rows.map(({ metadata }) => metadata?.billfold_line)),
  }
}
