import type { BillingEvent, BillingEventType } from './domain/event.js'

/** What is called with an event; it may be called again with the same one, and an error it throws is tried again later. */
export type EventHandler = (event: BillingEvent, attempt: DeliveryAttempt) => void | Promise<void>

/** The attempt an event is handed over in. */
export interface DeliveryAttempt {
  /** 1 for the first. An attempt whose process ended counts as well. */
  readonly number: number
  /** Aborted when the attempt has taken too long, or the service ends. */
  readonly signal: AbortSignal
}

/** How a consumer is told. */
export interface ConsumerOptions {
  /**
   * Of each account one event at a time, oldest first; what fails holds up what comes after it until it is delivered or given up. Events of
   * different accounts are then handed over at the same time. Default: oldest first, one after the other, and what fails holds up nothing.
   */
  readonly inTurn?: boolean
  /** How long to wait after an attempt failed, at least, in milliseconds; `null` gives up. Default: twenty attempts, within some hours. */
  readonly retry?: (attempt: number, error: unknown) => number | null
}

/** The consumers this process has, by name and type. */
export interface Consumers {
  add(consumer: string, type: BillingEventType, handler: EventHandler, options?: ConsumerOptions): void
  names(): readonly string[]
  /** The types a consumer has handlers for. */
  types(consumer: string): readonly BillingEventType[]
  handlers(consumer: string, type: BillingEventType): readonly EventHandler[]
  /** How it is told: as it was said last. */
  options(consumer: string): ConsumerOptions
}

export function createConsumers(): Consumers {
  const consumers = new Map<string, { readonly type: BillingEventType; readonly handler: EventHandler }[]>()
  const told = new Map<string, ConsumerOptions>()
  return {
    add(consumer, type, handler, options) {
      const list = consumers.get(consumer)
      if (list) list.push({ type, handler })
      else consumers.set(consumer, [{ type, handler }])
      if (options) told.set(consumer, options)
    },
    names: () => [...consumers.keys()],
    types: (consumer) => [...new Set((consumers.get(consumer) ?? []).map((entry) => entry.type))],
    handlers: (consumer, type) =>
      (consumers.get(consumer) ?? []).filter((entry) => entry.type === type).map((entry) => entry.handler),
    options: (consumer) => told.get(consumer) ?? {},
  }
}
