import * as z from 'zod'
import { type Charge, charges } from './charges.js'
import { invalidRequest, notFound } from './errors.js'
import { integer, isWithin, mergeMetadata, metadata, paging, text, timeRange, tolerated } from './form.js'
import { paymentIntents } from './payment-intents.js'
import { cancelRefund, createRefund, type Refund, refunds, refundsOf, updateRefund } from './refunds.js'
import { listPage, noParameters, route } from './route.js'
import type { StripeWorld } from './world.js'

export const refundRoutes = [
  route(
    'POST /v1/refunds',
    z.strictObject({
      charge: text.optional(),
      payment_intent: text.optional(),
      amount: integer.optional(),
      reason: z
        .enum(
          ['duplicate', 'fraudulent', 'requested_by_customer'],
          'Invalid reason: must be one of duplicate, fraudulent, or requested_by_customer',
        )
        .optional(),
      metadata,
      ...tolerated('instructions_email'),
    }),
    ({ world, params }) =>
      createRefund(world, chosenCharge(world, params.charge, params.payment_intent), {
        amount: params.amount,
        reason: params.reason ?? null,
        metadata: params.metadata ?? {},
      }),
  ),
  route(
    'GET /v1/refunds',
    z.strictObject({
      ...paging,
      charge: text.optional(),
      payment_intent: text.optional(),
      created: timeRange.optional(),
    }),
    ({ world, params }) =>
      listPage(
        '/v1/refunds',
        [...refunds(world).values()].filter(
          (refund) =>
            (params.charge === undefined || params.charge === refund.charge) &&
            (params.payment_intent === undefined || params.payment_intent === refund.payment_intent) &&
            isWithin(params.created, refund.created),
        ),
        params,
      ),
  ),
  route(
    'GET /v1/charges/:charge/refunds',
    z.strictObject({ ...paging }),
    ({ world, path: { charge = '' }, params }) => {
      if (!charges(world).has(charge)) throw notFound('charge', charge, 'charge')
      return listPage(`/v1/charges/${charge}/refunds`, refundsOf(world, charge), params)
    },
  ),
  route('GET /v1/refunds/:id', noParameters, ({ world, path }) => requireRefund(world, path.id)),
  route('POST /v1/refunds/:id', z.strictObject({ metadata }), ({ world, path, params }) => {
    const before = requireRefund(world, path.id)
    return updateRefund(world, before, { metadata: mergeMetadata(before.metadata, params.metadata) })
  }),
  route('POST /v1/refunds/:id/cancel', noParameters, ({ world, path }) =>
    cancelRefund(world, requireRefund(world, path.id)),
  ),
]

function requireRefund(world: StripeWorld, id = ''): Refund {
  const refund = refunds(world).get(id)
  if (refund === undefined) throw notFound('refund', id, 'refund')
  return refund
}

function chosenCharge(world: StripeWorld, charge: string | undefined, intent: string | undefined): Charge {
  if (charge === undefined && intent === undefined) {
    throw invalidRequest('One of the following params should be provided for this request: payment_intent or charge.')
  }
  if (charge !== undefined) {
    const found = charges(world).get(charge)
    // Recorded: 404 although the id is a parameter.
    if (found === undefined) throw notFound('charge', charge, 'id')
    return found
  }
  const found = paymentIntents(world).get(intent ?? '')
  if (found === undefined) throw notFound('payment_intent', intent ?? '', 'id')
  const paid = charges(world).get(found.latest_charge ?? '')
  if (paid === undefined) {
    throw invalidRequest(`This PaymentIntent (${found.id}) does not have a successful charge to refund.`)
  }
  return paid
}
