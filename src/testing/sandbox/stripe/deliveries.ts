import { matchesType } from './event-destinations.js'
import { newId, type StripeWorld, tableOf } from './world.js'

/** One event on its way to one endpoint or destination. */
export interface Delivery {
  readonly id: string
  readonly eventId: string
  readonly endpointId: string
  /** `held` until it is let go or delivered by hand; `dropped` for good. */
  readonly state: 'pending' | 'held' | 'delivered' | 'failed' | 'dropped'
  readonly dueAtMs: number
  readonly attempts: readonly DeliveryAttempt[]
}

/** One attempt to hand a webhook over. */
export interface DeliveryAttempt {
  readonly atMs: number
  /** HTTP status, or nothing when no answer came. */
  readonly status?: number
  readonly error?: string
}

export const deliveries = tableOf<Delivery>('deliveries')

/** How deliveries are kept back. */
export interface DeliveryHold {
  /** Types that are held, as patterns. */
  readonly types: readonly string[]
  readonly delayMs: number
}

const holds = tableOf<DeliveryHold>('delivery_hold')
const noHold: DeliveryHold = { types: [], delayMs: 0 }

export function deliveryHold(world: StripeWorld): DeliveryHold {
  return holds(world).get('hold') ?? noHold
}

export function setDeliveryHold(world: StripeWorld, hold: DeliveryHold): void {
  holds(world).put('hold', hold)
}

export function queueDelivery(world: StripeWorld, event: { id: string; type: string }, endpointId: string): Delivery {
  const { types, delayMs } = deliveryHold(world)
  const held = types.some((pattern) => matchesType(pattern, event.type))
  const delivery: Delivery = {
    id: newId('dlv_'),
    eventId: event.id,
    endpointId,
    state: held ? 'held' : 'pending',
    dueAtMs: world.sandboxNow() + delayMs,
    attempts: [],
  }
  deliveries(world).put(delivery.id, delivery)
  return delivery
}
