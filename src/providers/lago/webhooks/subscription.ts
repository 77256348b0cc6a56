import type { WebhookSubject } from '../../../core/ports/capabilities/webhooks.js'
import { ignored } from '../../door/webhook-payload.js'
import { isUsagePlan } from '../plan-code.js'
import { type Handlers, textOf } from './handler.js'

/** What is told of a subscription. It comes in any order, so none of it is believed: the subscription is read again. */
export const subscriptionHandlers: Handlers = {
  'subscription.started': subscription,
  'subscription.updated': subscription,
  'subscription.terminated': subscription,
  'subscription.canceled': subscription,
  'subscription.incomplete': subscription,
  'subscription.trial_ended': subscription,
  'subscription.termination_alert': subscription,
}

function subscription(object: object): WebhookSubject {
  const externalId = textOf(object, 'external_id')
  if (externalId === undefined) return ignored('It names no subscription.')
  // Each customer has one that costs nothing, for its usage to be counted under.
  if (isUsagePlan(textOf(object, 'plan_code') ?? '')) return ignored('Nothing was sold: it only counts usage.')
  return { kind: 'subscription', externalId }
}
