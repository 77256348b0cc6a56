import * as z from 'zod'
import { BillingError } from '../../core/errors.js'
import type { VerifiedWebhook, WebhookSubject, WebhooksCapability } from '../../core/ports/capabilities/webhooks.js'
import { type SignatureRules, signatureVerifier } from './signature.js'
import { checkoutSessionHandlers } from './webhooks/checkout-session.js'
import { customerSubscriptionHandlers } from './webhooks/customer-subscription.js'

export interface StripeWebhookRules extends SignatureRules {
  /** Events of the other mode are ignored; `undefined` takes both. */
  readonly livemode: boolean | undefined
}

const maximumBodyBytes = 5 * 1024 * 1024

const eventSchema = z.object({
  id: z.string().min(1).max(255),
  type: z.string().min(1).max(255),
  object: z.unknown().optional(),
  livemode: z.unknown().optional(),
  data: z.unknown().optional(),
})

const dataSchema = z.object({ object: z.object({ id: z.string().min(1) }) })

/** A Map, so that a type named like a property of every object (`__proto__`) finds nothing. */
const handlers = new Map(Object.entries({ ...checkoutSessionHandlers, ...customerSubscriptionHandlers }))

/**
 * Webhooks. What an event says about its object may be old by the time it comes, so only the object's id is taken from it.
 *
 * @see https://docs.stripe.com/webhooks
 * @see https://docs.stripe.com/event-destinations#thin-events
 */
export function stripeWebhooks(rules: StripeWebhookRules): WebhooksCapability {
  const verifySignature = signatureVerifier(rules)
  return {
    async verify({ rawBody, headers }, now) {
      if (rules.secrets.length === 0) {
        throw new BillingError('webhook_not_configured', 'Give stripeProvider() a webhookSecret to take webhooks.')
      }
      if (rawBody.byteLength > maximumBodyBytes) {
        throw new BillingError('payload_too_large', 'The webhook is too large.', { details: { maximumBodyBytes } })
      }
      await verifySignature(headers.get('stripe-signature'), rawBody, now)
      const payload = decode(rawBody)
      const { id, type } = parseEvent(payload)
      return { eventId: id, type, payload }
    },
    interpret: (event) => subjectOf(event, rules.livemode),
  }
}

function subjectOf({ payload }: VerifiedWebhook, livemode: boolean | undefined): WebhookSubject {
  const event = parseEvent(payload)
  if (livemode !== undefined && typeof event.livemode === 'boolean' && event.livemode !== livemode) {
    return ignored(`The event is of ${event.livemode ? 'live' : 'test'} mode, and this provider is not.`)
  }
  // Thin events carry a pointer instead of the object; those there are (meter errors) say nothing about one sale.
  if (event.object === 'v2.core.event') return ignored(`The thin event ${event.type} is not acted on.`)
  const handle = handlers.get(event.type)
  if (handle === undefined) return ignored(`Events of type ${event.type} are not acted on.`)
  const data = dataSchema.safeParse(event.data)
  if (data.success) return handle(data.data.object.id)
  throw new BillingError('webhook_payload_invalid', `The ${event.type} event names no object.`, {
    details: { eventId: event.id },
  })
}

function parseEvent(payload: string): z.output<typeof eventSchema> {
  const event = eventSchema.safeParse(parseJson(payload))
  if (event.success) return event.data
  throw new BillingError('webhook_payload_invalid', 'The webhook is not an event with an id and a type.')
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new BillingError('webhook_payload_invalid', 'The webhook is not JSON.', { cause })
  }
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw new BillingError('webhook_payload_invalid', 'The webhook is not UTF-8.', { cause })
  }
}

function ignored(reason: string): WebhookSubject {
  return { kind: 'ignored', reason }
}
