import type { z } from '@hono/zod-openapi'
import { part, type ServedBilling } from './billing.js'
import type { attachPaymentMethodRequest, paymentMethod } from './contract/payment-method.js'
import { paymentMethodJson } from './wire/payment-method.js'

type PaymentMethod = z.output<typeof paymentMethod>

/** What an account pays with. */
export async function storedMethods(billing: ServedBilling, accountId: string): Promise<PaymentMethod[]> {
  return (await part(billing, 'paymentMethods').list({ accountId })).map(paymentMethodJson)
}

/** Adds what a form of the provider's made. */
export async function attachMethod(
  billing: ServedBilling,
  accountId: string,
  { payment_method_id: id, set_as_default: setAsDefault }: z.output<typeof attachPaymentMethodRequest>,
): Promise<PaymentMethod> {
  const input = { accountId, id, ...(setAsDefault === undefined ? {} : { setAsDefault }) }
  return paymentMethodJson(await part(billing, 'paymentMethods').attach(input))
}
