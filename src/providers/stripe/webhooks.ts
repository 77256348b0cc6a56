import * as z from 'zod'
import { BillingError } from '../../core/errors.js'
import type { CallOptions } from '../../core/ports/call-options.js'
import type { WebhookSubject, WebhooksCapability } from '../../core/ports/capabilities/webhooks.js'
import { checkSize, decodePayload, ignored, parsePayload } from '../door/webhook-payload.js'
import type { StripeCall } from './call.js'
import { type SignatureRules, signatureVerifier } from './signature.js'
import { checkoutSessionHandlers } from './webhooks/checkout-session.js'
import { customerHandlers } from './webhooks/customer.js'
import { customerSubscriptionHandlers } from './webhooks/customer-subscription.js'
import { disputeHandlers } from './webhooks/dispute.js'
import type { Handler, SnapshotEvent } from './webhooks/handler.js'
import { invoiceHandlers } from './webhooks/invoice.js'
import { meterErrorTypes, refusedUsage } from './webhooks/meter-error.js'
import { paymentIntentHandlers } from './webhooks/payment-intent.js'
import { refundHandlers } from './webhooks/refund.js'

export interface StripeWebhookRules extends SignatureRules {
  /** Events of the other mode are ignored; `undefined` takes both. */
  readonly livemode: boolean | undefined
  /** Only events of this connected account are taken; `undefined`: only those of the account itself. */
  readonly account: string | undefined
}

const eventSchema = z.object({
  id: z.string().min(1).max(255),
  type: z.string().min(1).max(255),
  object: z.unknown().optional(),
  livemode: z.unknown().optional(),
  /** The connected account it comes from, in snapshot events. */
  account: z.string().nullish(),
  /** The same in thin events. */
  context: z.string().nullish(),
  related_object: z.unknown().optional(),
  data: z.unknown().optional(),
})

type StripeEvent = z.output<typeof eventSchema>

const objectSchema = z.looseObject({ id: z.string().min(1) })
const dataSchema = z.object({ object: objectSchema })
/** The address is called with our key: only one of the API's own is. */
const relatedSchema = z.object({ id: z.string().min(1), url: z.string().regex(/^\/v[12]\/[\w/-]+$/) })

/** A Map, so that a type named like a property of every object (`__proto__`) finds nothing. */
const handlers: ReadonlyMap<string, Handler> = new Map(
  Object.entries({
    ...checkoutSessionHandlers,
    ...customerSubscriptionHandlers,
    ...invoiceHandlers,
    ...paymentIntentHandlers,
    ...refundHandlers,
    ...disputeHandlers,
    ...customerHandlers,
  }),
)

/** The events that are acted on, to be enabled at the webhook endpoint. */
export const handledEvents = [...handlers.keys()] as readonly SnapshotEvent[]

/**
 * Webhooks. What an event says about its object may be old by the time it comes, so only the object's id is taken from it.
 *
 * @see https://docs.stripe.com/webhooks
 * @see https://docs.stripe.com/event-destinations#thin-events
 */
export function stripeWebhooks(call: StripeCall, rules: StripeWebhookRules): WebhooksCapability {
  const verifySignature = signatureVerifier(rules)
  return {
    async verify({ rawBody, headers }, now) {
      if (rules.secrets.length === 0) {
        throw new BillingError('webhook_not_configured', 'Give stripeProvider() a webhookSecret to take webhooks.')
      }
      checkSize(rawBody)
      await verifySignature(headers.get('stripe-signature'), rawBody, now)
      const payload = decodePayload(rawBody)
      const { id, type } = parseEvent(payload)
      return { eventId: id, type, payload }
    },
    async interpret({ payload }, options) {
      const event = parseEvent(payload)
      const problem = notOurs(event, rules)
      if (problem) return ignored(problem)
      if (event.object === 'v2.core.event') return subjectOfThin(call, event, options)
      const handle = handlers.get(event.type)
      if (handle === undefined) return ignored(`Events of type ${event.type} are not acted on.`)
      const data = dataSchema.safeParse(event.data)
      if (data.success) return handle(data.data.object)
      throw new BillingError('webhook_payload_invalid', `The ${event.type} event names no object.`, {
        details: { eventId: event.id },
      })
    },
  }
}

/** A thin event names its object, which has to be fetched to see what it belongs to. */
async function subjectOfThin(call: StripeCall, event: StripeEvent, options: CallOptions): Promise<WebhookSubject> {
  if (meterErrorTypes.has(event.type)) {
    const report = await call.read(options, (client, request) => client.v2.core.events.retrieve(event.id, {}, request))
    return { kind: 'usage_refused', refused: refusedUsage(report) }
  }
  const handle = handlers.get(event.type.replace(/^v1\./, ''))
  const related = relatedSchema.safeParse(event.related_object)
  if (handle === undefined || !related.success) return ignored(`The thin event ${event.type} is not acted on.`)
  const { id, url } = related.data
  const object = await call.read(options, (client) => client.rawRequest('GET', url))
  const data = objectSchema.safeParse(object)
  return handle(data.success ? data.data : { id })
}

function notOurs(event: StripeEvent, { livemode, account }: StripeWebhookRules): string | undefined {
  if (livemode !== undefined && typeof event.livemode === 'boolean' && event.livemode !== livemode)
    return `The event is of ${event.livemode ? 'live' : 'test'} mode, and this provider is not.`
  const from = event.account ?? event.context ?? undefined
  if (from === account) return undefined
  return from === undefined
    ? `The event is not of the connected account ${account}.`
    : 'The event is of a connected account.'
}

function parseEvent(payload: string): z.output<typeof eventSchema> {
  const event = eventSchema.safeParse(parsePayload(payload))
  if (event.success) return event.data
  throw new BillingError('webhook_payload_invalid', 'The webhook is not an event with an id and a type.')
}
