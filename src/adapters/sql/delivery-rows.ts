import type { BillingEvent, EventDelivery } from '../../core/domain/event.js'
import type { NewDelivery } from '../../core/domain/ledger/state.js'
import type { CheckoutIntent, InboxEvent } from '../../core/ports/store.js'
import { eventDeliveryFields } from '../kit/event.js'
import { firstDueAt, newlyWaiting, type Waiting } from '../kit/waiting.js'
import { type Column, integer, json, nullable, number, rows, text } from './column.js'

export interface DeliveryRow extends Waiting, Omit<NewDelivery, 'kind'> {
  readonly kind: NewDelivery['kind'] | 'event'
  readonly eventId: string | null
  readonly eventType: string | null
}

export interface InboxRow
  extends InboxEvent,
    Pick<Waiting, 'attempts' | 'fence' | 'nextAttemptAt' | 'leasedUntil' | 'error'> {
  readonly receivedAt: number
  readonly status: 'pending' | 'applied' | 'dead'
}

const waiting = {
  attempts: number,
  fence: number,
  nextAttemptAt: number,
  leasedUntil: number,
  error: nullable(text()),
}

/** Ids, which have no spaces. */
const ids: Column<readonly string[]> = {
  type: 'text',
  write: (list) => list.join(' '),
  read: (value) => (value === '' ? [] : (value as string).split(' ')),
}

const told = {
  id: text(),
  accountId: text(),
  destination: text(),
  meter: nullable(text()),
  periodStartsAt: nullable(number),
  sparks: integer,
  occurredAt: number,
  entryIds: ids,
  createdAt: number,
}

export const deliveryRows = rows<DeliveryRow>('deliveries', ['id'], {
  ...told,
  kind: text(),
  eventId: nullable(text()),
  eventType: nullable(text()),
  status: text(),
  bundle: nullable(text()),
  firstAttemptAt: nullable(number),
  claimedAt: nullable(number),
  ...waiting,
})

/** What is handed out: a delivery, or a bundle of them as one. */
export interface ClaimedRow
  extends Pick<
    DeliveryRow,
    | 'id'
    | 'accountId'
    | 'destination'
    | 'meter'
    | 'periodStartsAt'
    | 'sparks'
    | 'occurredAt'
    | 'entryIds'
    | 'createdAt'
    | 'kind'
    | 'eventId'
    | 'bundle'
    | 'attempts'
    | 'fence'
    | 'firstAttemptAt'
  > {
  readonly members: number
}

export const claimedRows = rows<ClaimedRow>('deliveries', ['id'], {
  ...told,
  kind: text(),
  eventId: nullable(text()),
  bundle: nullable(text()),
  attempts: number,
  fence: number,
  firstAttemptAt: nullable(number),
  members: number,
})

/** A delivery by itself, without what only the store asks for. */
export function stateOf({ eventType: _, claimedAt: __, nextAttemptAt: ___, leasedUntil: ____, ...row }: DeliveryRow) {
  return { ...row, members: 1 }
}

export type NewDeliveryRow = NewDelivery & Pick<Waiting, 'createdAt' | 'nextAttemptAt'>

/** What is written of a delivery to a provider when it is new: the other columns have defaults. */
export const newDeliveryRows = rows<NewDeliveryRow>('deliveries', ['id'], {
  ...told,
  kind: text(),
  nextAttemptAt: number,
})

/** A delivery to a provider as it is first stored. */
export function newDeliveryRow(delivery: NewDelivery, now: number): NewDeliveryRow {
  const { id, accountId, destination, kind, meter, periodStartsAt, sparks, occurredAt, entryIds } = delivery
  return {
    id,
    accountId,
    destination,
    kind,
    meter,
    periodStartsAt,
    sparks,
    occurredAt,
    entryIds,
    createdAt: now,
    nextAttemptAt: firstDueAt(delivery, now),
  }
}

/** A delivery of an event to a consumer as it is first stored. */
export function eventDeliveryRow(delivery: EventDelivery, now: number): DeliveryRow {
  const { id, type } = delivery.event
  return { ...eventDeliveryFields(delivery), eventId: id, eventType: type, ...newlyWaiting(now) }
}

const eventColumns = {
  id: text(),
  type: text<BillingEvent['type']>(),
  accountId: text(),
  occurredAt: number,
  data: json<BillingEvent['data']>(),
}
export const eventRows = rows<BillingEvent>('events', ['id'], eventColumns)

/** An event with when it was stored, as it is written. */
export const storedEventRows = rows<BillingEvent & { readonly storedAt: number }>('events', ['id'], {
  ...eventColumns,
  storedAt: number,
})

export const inboxRows = rows<InboxRow>('inbox', ['provider', 'eventId'], {
  provider: text(),
  eventId: text(),
  type: text(),
  payload: text(),
  receivedAt: number,
  status: text(),
  ...waiting,
})

export const intentRows = rows<CheckoutIntent>('checkout_intents', ['id'], {
  id: text(),
  accountId: text(),
  provider: text(),
  kind: text(),
  sparks: integer,
  plan: nullable(text()),
  package: nullable(text()),
  currency: text(),
  amountNanos: integer,
  paidNanos: nullable(integer),
  successUrl: text(),
  cancelUrl: text(),
  key: text(),
  fingerprint: text(),
  status: text(),
  externalId: nullable(text()),
  url: nullable(text()),
  createdAt: number,
  expiresAt: nullable(number),
  completedAt: nullable(number),
})
