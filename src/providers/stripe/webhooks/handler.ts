import type { WebhookSubject } from '../../../core/ports/capabilities/webhooks.js'

/** What one type of event points at, given the id of the object in it. */
export type Handler = (objectId: string) => WebhookSubject

/** Handlers by event type. */
export type Handlers = Readonly<Record<string, Handler>>
