import * as z from 'zod'
import { BillingError } from '../../core/errors.js'
import type { CallOptions } from '../../core/ports/call-options.js'
import type { WebhooksCapability } from '../../core/ports/capabilities/webhooks.js'
import { checkSize, decodePayload, ignored, parsePayload } from '../door/webhook-payload.js'
import { type LagoCall, parseAnswer } from './call.js'
import { type LagoSignature, signatureVerifier } from './signature.js'
import { creditNoteHandlers } from './webhooks/credit-note.js'
import { customerHandlers } from './webhooks/customer.js'
import { eventErrorHandlers } from './webhooks/event-error.js'
import type { Handler } from './webhooks/handler.js'
import { invoiceHandlers } from './webhooks/invoice.js'
import { paymentHandlers } from './webhooks/payment.js'
import { paymentMethodHandlers } from './webhooks/payment-method.js'
import { subscriptionHandlers } from './webhooks/subscription.js'

const maximumKeyLength = 255

const bodySchema = z.looseObject({
  webhook_type: z.string().min(1).max(255),
  object_type: z.string().optional(),
  organization_id: z.unknown().optional(),
})
const keySchema = z.object({ webhook: z.object({ public_key: z.string().min(1) }) })

/** A Map, so that a type named like a property of every object (`__proto__`) finds nothing. */
const handlers: ReadonlyMap<string, Handler> = new Map(
  Object.entries({
    ...invoiceHandlers,
    ...subscriptionHandlers,
    ...paymentHandlers,
    ...creditNoteHandlers,
    ...customerHandlers,
    ...paymentMethodHandlers,
    ...eventErrorHandlers,
  }),
)

/** The types that are acted on, for the endpoint's `event_types`. */
export const handledTypes: readonly string[] = [...handlers.keys()]

/**
 * Webhooks. Nothing in them says when they were signed, so that whoever recorded one could send it for ever: `X-Lago-Unique-Key` is
 * taken once. What a webhook says of its object is not believed either; the object is read again.
 *
 * @see https://docs.getlago.com/guide/webhooks
 */
export function lagoWebhooks(call: LagoCall, signature: LagoSignature | undefined): WebhooksCapability {
  const fetchKey = async (options: CallOptions) => {
    const answer = await call.read(options, (client, request) => client.webhooks.fetchJsonPublicKey(request))
    return parseAnswer(keySchema, answer).webhook.public_key
  }
  const verifySignature = signature && signatureVerifier(signature, fetchKey)
  const organizationId = signature?.algorithm === 'jwt' ? signature.organizationId : undefined

  return {
    async verify({ rawBody, headers }) {
      if (verifySignature === undefined)
        throw new BillingError('webhook_not_configured', 'Give lagoProvider() a webhook.signature to take webhooks.')
      checkSize(rawBody)
      await verifySignature(headers.get('x-lago-signature'), rawBody)
      const payload = decodePayload(rawBody)
      const { webhook_type: type, organization_id: sender } = parseBody(payload)
      if (organizationId !== undefined && sender !== organizationId)
        throw new BillingError('webhook_signature_invalid', 'The webhook is of another organization at Lago.')
      return { eventId: uniqueKey(headers.get('x-lago-unique-key')), type, payload }
    },
    interpret({ payload }, options) {
      const body = parseBody(payload)
      const handle = handlers.get(body.webhook_type)
      if (handle === undefined) return ignored(`Webhooks of type ${body.webhook_type} are not acted on.`)
      const object = body[body.object_type ?? '']
      if (typeof object === 'object' && object !== null) return handle(object, { call, options })
      throw new BillingError('webhook_payload_invalid', `The webhook ${body.webhook_type} has no object.`)
    },
  }
}

/** The same for each time that Lago tries one. @throws BillingError `webhook_payload_invalid`, `header_too_large` */
function uniqueKey(key: string | undefined): string {
  if (key === undefined || key.trim() === '')
    throw new BillingError('webhook_payload_invalid', 'The webhook has no X-Lago-Unique-Key.')
  if (key.length <= maximumKeyLength) return key
  throw new BillingError('header_too_large', 'The X-Lago-Unique-Key is too long.')
}

function parseBody(payload: string): z.output<typeof bodySchema> {
  const body = bodySchema.safeParse(parsePayload(payload))
  if (body.success) return body.data
  throw new BillingError('webhook_payload_invalid', 'The webhook is not one of Lago: it has no type.')
}
