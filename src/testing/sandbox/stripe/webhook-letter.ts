import { createHmac } from 'node:crypto'
import { apiVersion } from './api-versions.js'
import type { Delivery } from './deliveries.js'
import { eventDestinations } from './event-destinations.js'
import { events, webhookEndpoints } from './events.js'
import { notificationOf, thinEvents } from './thin-events.js'
import type { StripeWorld } from './world.js'

/** What is posted, and where to. */
export interface WebhookLetter {
  readonly url: string
  readonly secret: string
  readonly body: string
}

/** Nothing when the event or its recipient is gone. */
export function letterFor(world: StripeWorld, { eventId, endpointId }: Delivery): WebhookLetter | undefined {
  const endpoint = webhookEndpoints(world).get(endpointId)
  const destination = eventDestinations(world).get(endpointId)
  const recipient =
    endpoint ??
    (destination === undefined
      ? undefined
      : { url: destination.webhook_endpoint.url, secret: destination.webhook_endpoint.signing_secret })
  if (recipient === undefined) return undefined
  const { url, secret } = recipient
  const snapshot = events(world).get(eventId)
  if (snapshot !== undefined) {
    const version = endpoint?.api_version ?? destination?.snapshot_api_version ?? apiVersion
    return { url, secret, body: JSON.stringify({ ...snapshot, api_version: version }, null, 2) }
  }
  const thin = thinEvents(world).get(eventId)
  return thin === undefined ? undefined : { url, secret, body: JSON.stringify(notificationOf(thin)) }
}

/** Signed anew on each attempt, so the receiver's tolerance is about this attempt and not about the first. */
export function signatureHeader(body: string, secret: string, timestamp: number): string {
  return `t=${timestamp},v1=${createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex')}`
}
