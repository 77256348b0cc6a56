import type { DeadInboxEvent } from '../../core/ports/store.js'

/** A row of the inbox as a letter that nobody could read. */
export function deadEvent(row: Omit<DeadInboxEvent, 'cursor'>, cursor: string): DeadInboxEvent {
  const { provider, eventId, type, payload, receivedAt, attempts, error } = row
  return { provider, eventId, type, payload, receivedAt, attempts, error, cursor }
}
