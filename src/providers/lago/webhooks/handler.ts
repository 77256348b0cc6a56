import type { CallOptions } from '../../../core/ports/call-options.js'
import type { WebhookSubject } from '../../../core/ports/capabilities/webhooks.js'
import type { LagoCall } from '../call.js'

/** With what more can be found out. */
export interface Asking {
  readonly call: LagoCall
  readonly options: CallOptions
}

/** What one type of webhook points at. Of its object only ids are taken. */
export type Handler = (object: object, asking: Asking) => WebhookSubject | Promise<WebhookSubject>

/** Handlers by type. */
export type Handlers = Readonly<Record<string, Handler>>

/** A text that the object has under one of these names. */
export function textOf(object: object, ...names: readonly string[]): string | undefined {
  for (const name of names) {
    const value = (object as Readonly<Record<string, unknown>>)[name]
    if (typeof value === 'string' && value !== '') return value
  }
  return undefined
}

/** An object within the object. */
export function objectOf(object: object, name: string): object {
  const value = (object as Readonly<Record<string, unknown>>)[name]
  return typeof value === 'object' && value !== null ? value : {}
}
