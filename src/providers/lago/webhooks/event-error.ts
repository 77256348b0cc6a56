import * as z from 'zod'
import type { WebhookSubject } from '../../../core/ports/capabilities/webhooks.js'
import { ignored } from '../../door/webhook-payload.js'
import { type Handlers, isName, objectOf, textOf } from './handler.js'

const idsSchema = z.record(z.string(), z.array(z.string()).nullish().catch(null))

/** What Lago took and could not count. It names each event. */
export const eventErrorHandlers: Handlers = {
  'events.errors': eventsErrors,
  'event.error': eventError,
}

/** Of the hour that has gone by, by kinds of error; one event may have several. */
function eventsErrors(object: object): WebhookSubject {
  const kinds = Object.entries(idsSchema.parse(object)).flatMap(([name, ids]) =>
    ids === null || ids === undefined || ids.length === 0 ? [] : [{ name, ids: ids.filter(isName) }],
  )
  const identifiers = [...new Set(kinds.flatMap(({ ids }) => ids))]
  const reasons = kinds.map(({ name, ids }) => `${name} (${ids.length})`)
  return { kind: 'usage_refused', refused: { count: identifiers.length, reasons, identifiers } }
}

function eventError(object: object): WebhookSubject {
  const id = textOf(objectOf(object, 'event'), 'transaction_id')
  if (id === undefined) return ignored('It names no event.')
  const message = (object as { readonly message?: unknown }).message
  const reason = typeof message === 'string' ? message : JSON.stringify(message ?? 'error')
  return { kind: 'usage_refused', refused: { count: 1, reasons: [reason.slice(0, 200)], identifiers: [id] } }
}
