import type { BillingEvent, BillingEventType } from '../index.js'

/** The version of the shape below. A field may come to be added; one that is taken away or means something else is another version. */
export const payloadVersion = 1

/** What an endpoint is sent. */
export interface OutgoingWebhook {
  readonly version: typeof payloadVersion
  /** What happened, such as `invoice.paid`. */
  readonly type: BillingEventType
  /** When it happened. */
  readonly timestamp: string
  readonly data: Readonly<Record<string, string | number | null>> & { readonly account: string }
}

/** What is the house's own business: no endpoint is told of it. */
const inward: ReadonlySet<BillingEventType> = new Set(['delivery.parked', 'operator.acted', 'top_up.due'])

export function isOutward(type: BillingEventType): boolean {
  return !inward.has(type)
}

/**
 * The facts that are told: ids, amounts, states and times. Whatever people may have written, such as the reason of a grant, the reference of
 * a transfer or the user that a budget is for, stays here, and so does every fact that this list does not know yet.
 */
const told: ReadonlySet<string> = new Set([
  ...['amount', 'amountDue', 'cancelsAtPeriodEnd', 'checkoutId', 'currency', 'customerId', 'declinesInARow'],
  ...['differenceSparks', 'duplicateOf', 'from', 'grantId', 'holdId', 'id', 'invoiceId', 'kind', 'limitSparks'],
  ...['meter', 'number', 'package', 'paymentId', 'paymentMethod', 'periodEndsAt', 'periodStartsAt', 'plan', 'provider'],
  ...['remedy', 'resetsAt', 'reversalId', 'seats', 'sparks', 'status', 'subscriptionId', 'to', 'topUpId', 'total'],
  ...['usageId', 'used', 'usedSparks'],
])

/** Of these the reason is one of a list, and nobody's words. */
const reasonIsACode: ReadonlySet<BillingEventType> = new Set(['payment.failed', 'top_up.failed', 'top_up.stopped'])

/** An event as it is sent: the same text at each attempt. */
export function payloadOf({ type, accountId, occurredAt, data }: BillingEvent): OutgoingWebhook {
  const facts = Object.entries(data).filter(
    ([name]) => told.has(name) || (name === 'reason' && reasonIsACode.has(type)),
  )
  return {
    version: payloadVersion,
    type,
    timestamp: new Date(occurredAt).toISOString(),
    data: { account: accountId, ...Object.fromEntries(facts.map(([name, value]) => [snakeCase(name), value])) },
  }
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}
