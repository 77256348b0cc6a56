import type { EventDelivery } from '../../core/domain/event.js'

/** What a delivery of an event to a consumer has where others say what is to be reported. */
export function eventDeliveryFields({ id, destination, event }: EventDelivery) {
  return {
    id,
    accountId: event.accountId,
    destination,
    kind: 'event',
    meter: null,
    periodStartsAt: null,
    sparks: 0n,
    occurredAt: event.occurredAt,
    entryIds: [],
  } as const
}

/** The types each consumer listens to, out of pairs of consumer and type. */
export function typesByConsumer(
  pairs: readonly (readonly [consumer: string, type: string])[],
): ReadonlyMap<string, ReadonlySet<string>> {
  const types = new Map<string, Set<string>>()
  for (const [consumer, type] of pairs) types.set(consumer, (types.get(consumer) ?? new Set()).add(type))
  return types
}
