import type * as z from 'zod'
import type { InvoiceLine } from './invoices.js'
import { addPending, draftFor, finalizeAndCollect } from './subscription-billing.js'
import { creditLine, periodLine } from './subscription-lines.js'
import { isMetered, type Subscription, subscriptions } from './subscription-object.js'
import type { cancellationDetails } from './subscription-parameters.js'
import { endSubscription } from './subscriptions.js'
import { type StripeWorld, seconds } from './world.js'

export interface Cancellation {
  /** Bills what is pending and the usage so far. */
  readonly invoiceNow: boolean
  /** Credits the time that was paid for and is not used. */
  readonly prorate: boolean
  readonly details: z.output<typeof cancellationDetails> | undefined
}

export function cancelSubscription(world: StripeWorld, before: Subscription, how: Cancellation): Subscription {
  const now = seconds(world)
  const began = before.status !== 'incomplete'
  const lines = before.items.data.flatMap((item): readonly InvoiceLine[] => {
    if (!began) return []
    if (isMetered(item.price)) {
      const period = { start: item.current_period_start, end: now }
      return how.invoiceNow ? [periodLine(world, before.customer, item, period)] : []
    }
    return how.prorate && before.status !== 'trialing' ? [creditLine(world, before, item, now)] : []
  })
  const billed = lines.filter(({ amount }) => amount !== 0)
  const draft = how.invoiceNow ? draftFor(world, before, 'manual', billed) : undefined
  if (!how.invoiceNow) addPending(world, before, billed)
  const ended = endSubscription(world, draft === undefined ? before : { ...before, latest_invoice: draft.id }, {
    reason: 'cancellation_requested',
    comment: how.details?.comment ?? null,
    feedback: how.details?.feedback ?? null,
  })
  if (draft !== undefined) finalizeAndCollect(world, draft, ended)
  return subscriptions(world).get(ended.id) ?? ended
}
