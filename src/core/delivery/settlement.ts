import type { BillingContext } from '../context.js'
import type { BillingEvent } from '../domain/event.js'
import { storable } from '../domain/storable-text.js'
import type { ReportOutcome } from '../ports/capabilities/metering.js'
import type { Delivery, Settlement } from '../ports/store.js'
import { retryDelay } from './retry.js'

/** What came of an attempt. */
export type Attempted =
  | ReportOutcome
  /** Was not made, since nobody would recognise a repeat. */
  | { readonly status: 'uncertain'; readonly reason: string }
  /** Was not made, since there was no time; nobody's fault. */
  | { readonly status: 'not_begun' }

/** What a claimed delivery becomes after an attempt. */
export function settlementOf(ctx: BillingContext, delivery: Delivery, outcome: Attempted | undefined): Settlement {
  const { attempts } = delivery
  // What a handler or a provider says may hold anything; a delivery must be settled all the same.
  const reason = outcome && 'reason' in outcome ? storable(outcome.reason) : ''
  switch (outcome?.status) {
    case 'delivered':
      return settled(delivery, { status: 'delivered' })
    case 'rejected':
      return settled(delivery, {
        status: 'parked',
        error: reason,
        event: parked(ctx, delivery, 'parked', reason),
      })
    case 'uncertain':
      return settled(delivery, {
        status: 'uncertain',
        error: reason,
        event: parked(ctx, delivery, 'uncertain', reason),
      })
    case 'unknown':
      return settled(delivery, { error: reason, retryInMs: retryDelay(ctx, attempts), mayHaveArrived: true })
    case 'retry':
      return settled(delivery, { error: reason, retryInMs: retryDelay(ctx, attempts, outcome.retryAfterMs) })
    case 'not_begun':
      return settled(delivery, { retryInMs: 0 })
    case undefined:
      return settled(delivery, {
        error: 'the provider gave no outcome',
        retryInMs: retryDelay(ctx, attempts),
        mayHaveArrived: true,
      })
  }
}

function settled({ id, fence }: Delivery, change: Partial<Settlement>): Settlement {
  return { id, fence, status: 'pending', retryInMs: null, mayHaveArrived: false, error: null, event: null, ...change }
}

/** Tells that a delivery was given up; not of one that tells this itself, or it would never end. */
function parked(ctx: BillingContext, delivery: Delivery, status: string, reason: string): BillingEvent | null {
  if (delivery.event?.type === 'delivery.parked') return null
  return {
    id: `evt_${status}_${delivery.id}`,
    type: 'delivery.parked',
    accountId: delivery.accountId,
    occurredAt: ctx.environment.now(),
    data: { deliveryId: delivery.id, destination: delivery.destination, status, reason },
  }
}
