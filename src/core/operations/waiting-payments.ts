import * as z from 'zod'
import type { BillingContext } from '../context.js'
import { requireMethod } from '../ports/provider.js'
import { parse } from './fields.js'
import { type Page, type PageInput, pageFields, providerPage, providerPlace } from './paging.js'
import { type PaymentView, paymentView, takersOf } from './payments.js'

/** A payment that waits for somebody's word. */
export interface WaitingPayment extends PaymentView {
  readonly accountId: string
}

const pageSchema = z.strictObject(pageFields)

/**
 * Payments of all accounts that wait for approval, newest first, a page at a time.
 *
 * @throws BillingError `invalid_cursor`, `invalid_range` (limit), `capability_missing`
 */
export async function listWaitingPayments(ctx: BillingContext, input: PageInput = {}): Promise<Page<WaitingPayment>> {
  const request = parse(pageSchema, input)
  const takers = takersOf(ctx)
  const provider = takers.find(({ payments }) => payments.waiting) ?? takers[0]
  if (!provider) return { items: [], nextCursor: null }
  const waiting = requireMethod(provider, 'payments', 'waiting')
  const list = { list: 'waiting_payments', provider: provider.id }
  const page = await waiting(await providerPlace(ctx, list, request), {})
  const { items, nextCursor } = await providerPage(ctx, list, page, (payment) => payment)
  const owners = await Promise.all(items.map(({ customerId }) => ownerOf(ctx, provider.id, customerId)))
  const views = items.flatMap((payment, index) => {
    const accountId = owners[index] ?? null
    return accountId === null ? [] : [{ ...paymentView(provider.id, payment), accountId }]
  })
  return { items: views, nextCursor }
}

async function ownerOf(ctx: BillingContext, provider: string, customerId: string | null): Promise<string | null> {
  return customerId === null ? null : ctx.store.directory.accountByExternalId(provider, customerId)
}
