import type Stripe from 'stripe'
import type { WebhookSubject } from '../../../core/ports/capabilities/webhooks.js'
import { ignored } from '../../door/webhook-payload.js'

/** The object an event tells of, as far as it is used to find out what to read again. Nothing else of it is believed. */
export interface EventObject {
  readonly id: string
  /** What it belongs to: ids, or the objects themselves. */
  readonly payment_intent?: unknown
  readonly invoice?: unknown
  readonly customer?: unknown
  readonly subscription?: unknown
}

/** What one type of event points at. */
export type Handler = (object: EventObject) => WebhookSubject

/** A type of event that a webhook endpoint can be told of. */
export type SnapshotEvent = Stripe.WebhookEndpointCreateParams.EnabledEvent

/** Handlers by event type. */
export type Handlers = Readonly<Partial<Record<SnapshotEvent, Handler>>>

/** The id of another object, where the field names one. */
export function idOf(field: unknown): string | undefined {
  const id = typeof field === 'object' && field !== null ? (field as { readonly id?: unknown }).id : field
  return typeof id === 'string' && id !== '' ? id : undefined
}

/** What a payment intent points at; without one, such as for a charge of the old kind, there is nothing of ours. */
export function paymentOf({ payment_intent: intent }: EventObject): WebhookSubject {
  const externalId = idOf(intent)
  if (externalId !== undefined) return { kind: 'payment', externalId }
  return ignored('It belongs to no payment intent.')
}

/** The customer it belongs to. */
export function customerOf({ customer }: EventObject): WebhookSubject {
  const customerId = idOf(customer)
  if (customerId !== undefined) return { kind: 'payment_method', customerId }
  return ignored('It belongs to no customer.')
}
