/** The payment service that a customer is linked to: without one, Lago collects nothing and has no pages. */
export interface PaymentLink {
  readonly provider: string
  readonly code: string
  /** The customer's id there. */
  readonly customerId: string
}

export function paymentLink(customer: {
  readonly billing_configuration: Readonly<Record<string, unknown>>
}): PaymentLink | null {
  const settings = customer.billing_configuration
  const { payment_provider: provider, payment_provider_code: code, provider_customer_id: id } = settings
  if (typeof provider !== 'string' || typeof id !== 'string') return null
  return { provider, code: typeof code === 'string' ? code : 'sandbox', customerId: id }
}

/** What is known of a link once Lago has made the customer there. */
export function linkedSettings(
  settings: Readonly<Record<string, unknown>>,
  newId: () => string,
): Readonly<Record<string, unknown>> {
  if (typeof settings.payment_provider !== 'string' || typeof settings.provider_customer_id === 'string')
    return settings
  return { ...settings, provider_customer_id: `cus_${newId().replaceAll('-', '').slice(0, 14)}` }
}
