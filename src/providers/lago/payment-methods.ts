import * as z from 'zod'
import { BillingError } from '../../core/errors.js'
import type { CallOptions } from '../../core/ports/call-options.js'
import type { PaymentMethod, PaymentMethodsCapability } from '../../core/ports/capabilities/payment-methods.js'
import { type LagoCall, parseAnswer, part } from './call.js'
import { everyPage } from './every-page.js'

const methodSchema = z.object({
  lago_id: z.string().min(1),
  is_default: z.boolean(),
  payment_provider_type: z.string().nullish(),
  payment_provider_name: z.string().nullish(),
  created_at: z.string(),
})
const answerSchema = z.object({ payment_method: methodSchema })

type LagoMethod = z.output<typeof methodSchema>

/**
 * What customers left at the payment service behind Lago. Lago tells which service has it, and nothing of the card: the customer sees
 * that there.
 *
 * @see https://docs.getlago.com/api-reference/payment-methods/object
 */
export function lagoPaymentMethods(call: LagoCall): PaymentMethodsCapability {
  const list = async (customerId: string, options: CallOptions): Promise<readonly PaymentMethod[]> => {
    const rows = await methodsOf(call, customerId, options)
    return rows.map((method) => toMethod(customerId, method))
  }

  const get = async (customerId: string, externalId: string, options: CallOptions): Promise<PaymentMethod> => {
    const found = (await list(customerId, options)).find((method) => method.externalId === externalId)
    if (found) return found
    throw new BillingError('not_found', `Customer ${customerId} has no payment method ${externalId} at Lago.`)
  }

  return {
    list,
    get,
    async setDefault(customerId, externalId, options) {
      await get(customerId, externalId, options)
      const answer = await call.write(options, (client, request) =>
        client.customers.paymentMethodSetAsDefault(part(externalId), part(customerId), request),
      )
      return toMethod(customerId, parseAnswer(answerSchema, answer).payment_method)
    },
    async remove(customerId, externalId, options) {
      await get(customerId, externalId, options)
      await call.write(options, (client, request) =>
        client.customers.destroyPaymentMethod(part(externalId), part(customerId), request),
      )
    },
  }
}

/** Newest first. */
export async function methodsOf(
  call: LagoCall,
  customerId: string,
  options: CallOptions,
): Promise<readonly LagoMethod[]> {
  const rows = await everyPage(
    'payment_methods',
    methodSchema,
    ({ lago_id: id }) => id,
    (page) =>
      call.read(options, (client, request) =>
        client.customers.findAllCustomersPaymentMethods(part(customerId), page, request),
      ),
  )
  return [...rows].sort((left, right) => Date.parse(right.created_at) - Date.parse(left.created_at))
}

function toMethod(customerId: string, method: LagoMethod): PaymentMethod {
  return {
    externalId: method.lago_id,
    customerId,
    type: method.payment_provider_type ?? 'unknown',
    brand: method.payment_provider_name ?? null,
    last4: null,
    expiryMonth: null,
    expiryYear: null,
    name: null,
    email: null,
    country: null,
    isDefault: method.is_default,
    createdAt: Date.parse(method.created_at),
  }
}
