import * as z from 'zod'
import { BillingError } from '../../core/errors.js'
import type { CallOptions } from '../../core/ports/call-options.js'
import { withoutKey } from '../door/door.js'
import { parseAnswer, type StripeCall } from './call.js'
import { createOnce } from './create-once.js'
import { everyRow } from './every-row.js'

const keptSchema = z.object({ id: z.string().min(1), metadata: z.record(z.string(), z.string()).nullish() })

/**
 * A draft of everything that waits for a customer, once under its key: the invoice carries the key, so that it is found again when
 * nothing waits any more, by whoever asks at the same time, and after Stripe has forgotten the key.
 *
 * @returns its id, or `null` when nothing waits
 */
export async function invoiceWaiting(
  call: StripeCall,
  { customerId: customer, description }: { readonly customerId: string; readonly description: string | null },
  options: CallOptions,
): Promise<string | null> {
  const { idempotencyKey: key } = options
  if (!key) throw new BillingError('idempotency_key_required', 'An invoice is made once under a key: give one.')
  const reading = withoutKey(options)
  const find = async () => {
    const rows = await everyRow(keptSchema, (start) =>
      call.read(reading, (client, request) => client.invoices.list({ customer, ...start }, request)),
    )
    return rows.findLast(({ metadata }) => metadata?.billfold_key === key)?.id
  }
  const found = await find()
  if (found !== undefined) return found
  const waiting = await call.read(reading, (client, request) =>
    client.invoiceItems.list({ customer, pending: true, limit: 1 }, request),
  )
  // What waited may have gone onto the invoice of somebody who asked at the same time.
  if (waiting.data.length === 0) return (await find()) ?? null
  return createOnce(
    options,
    async (each) => {
      const made = await call.create(each, (client, request) =>
        client.invoices.create(
          {
            customer,
            auto_advance: false,
            pending_invoice_items_behavior: 'include',
            metadata: { billfold_key: key },
            ...(description === null ? {} : { description }),
          },
          request,
        ),
      )
      return parseAnswer(keptSchema, made).id
    },
    find,
  )
}
