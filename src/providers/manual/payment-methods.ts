import { BillingError } from '../../core/errors.js'
import type { OfferedMethod, PaymentMethodsCapability } from '../../core/ports/capabilities/payment-methods.js'

/** Says how can be paid. Nothing is kept to pay with: whoever pays does it by hand. */
export function manualPaymentMethods(
  offered: readonly OfferedMethod[],
): PaymentMethodsCapability & Required<Pick<PaymentMethodsCapability, 'available'>> {
  const none = async (customerId: string, externalId: string): Promise<never> => {
    throw new BillingError('not_found', `Customer ${customerId} has no payment method ${externalId}.`)
  }
  return { available: async () => offered, list: async () => [], get: none, setDefault: none, remove: none }
}
