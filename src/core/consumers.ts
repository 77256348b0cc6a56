import type { BillingEvent, BillingEventType } from './domain/event.js'

/** What is called with an event; it may be called again with the same one, and an error it throws is tried again later. */
export type EventHandler = (event: BillingEvent) => void | Promise<void>

/** The consumers this process has, by name and type. */
export interface Consumers {
  add(consumer: string, type: BillingEventType, handler: EventHandler): void
  names(): readonly string[]
  /** The types a consumer has handlers for. */
  types(consumer: string): readonly BillingEventType[]
  handlers(consumer: string, type: BillingEventType): readonly EventHandler[]
}

export function createConsumers(): Consumers {
  const consumers = new Map<string, { readonly type: BillingEventType; readonly handler: EventHandler }[]>()
  return {
    add(consumer, type, handler) {
      const list = consumers.get(consumer)
      if (list) list.push({ type, handler })
      else consumers.set(consumer, [{ type, handler }])
    },
    names: () => [...consumers.keys()],
    types: (consumer) => [...new Set((consumers.get(consumer) ?? []).map((entry) => entry.type))],
    handlers: (consumer, type) =>
      (consumers.get(consumer) ?? []).filter((entry) => entry.type === type).map((entry) => entry.handler),
  }
}
