import { isStorable } from '../../../core/domain/storable-text.js'
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

/**
 * Whether anything can be named so: half a character cannot be sent in an address, which would look as if Lago were away, and what has a NUL
 * is in no database.
 */
export function isName(text: string): boolean {
  return text !== '' && text.length <= maximumNameLength && isStorable(text)
}

const maximumNameLength = 255

/** A name that the object has under one of these. */
export function textOf(object: object, ...names: readonly string[]): string | undefined {
  for (const name of names) {
    const value = (object as Readonly<Record<string, unknown>>)[name]
    if (typeof value === 'string' && isName(value)) return value
  }
  return undefined
}

/** An object within the object. */
export function objectOf(object: object, name: string): object {
  const value = (object as Readonly<Record<string, unknown>>)[name]
  return typeof value === 'object' && value !== null ? value : {}
}
