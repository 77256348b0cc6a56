import { catalogCases } from './provider-conformance/catalog.js'
import { checkoutCases } from './provider-conformance/checkout.js'
import { customerCases } from './provider-conformance/customers.js'
import { invoiceCases } from './provider-conformance/invoices.js'
import { meteringCases } from './provider-conformance/metering.js'
import { paymentMethodCases } from './provider-conformance/payment-methods.js'
import { paymentCases } from './provider-conformance/payments.js'
import { portalCases } from './provider-conformance/portal.js'
import type { ProviderConformanceCase, ProviderConformanceSubject } from './provider-conformance/subject.js'
import { subscriptionCases } from './provider-conformance/subscriptions.js'
import { tracesCases } from './provider-conformance/traces.js'
import { tracingCases } from './provider-conformance/tracing.js'
import { usageReportCases } from './provider-conformance/usage-reports.js'
import { webhookCases } from './provider-conformance/webhooks.js'

/**
 * What every provider promises for the capabilities it has. Cases of others are left out, and those of methods that are not on its
 * object. Cases share nothing and may run in any order, or at once.
 *
 * @example for (const { name, run } of providerConformance({ provider, now: Date.now })) it(name, run)
 */
export function providerConformance(subject: ProviderConformanceSubject): readonly ProviderConformanceCase[] {
  const { provider } = subject
  const methods = provider['payment-methods']
  const reports = provider['usage-reports']
  return [
    ...(provider.customers ? customerCases(provider.customers) : []),
    ...(provider.catalog ? catalogCases(provider.catalog, subject) : []),
    ...(provider.checkout ? checkoutCases(provider.checkout, subject) : []),
    ...(provider.portal ? portalCases(provider.portal, subject) : []),
    ...(provider.subscriptions ? subscriptionCases(provider.subscriptions, subject) : []),
    ...(provider.invoices ? invoiceCases(provider.invoices, subject) : []),
    ...(provider.payments ? paymentCases(provider.payments, subject) : []),
    ...(methods ? paymentMethodCases(methods, subject) : []),
    ...(provider.metering && subject.meter ? meteringCases(provider.metering, subject, subject.meter) : []),
    ...(provider.metering && reports && subject.meter
      ? usageReportCases(reports, provider.metering, subject, subject.meter)
      : []),
    ...(provider.tracing ? tracingCases(provider.tracing, subject) : []),
    ...(provider.traces ? tracesCases(provider.traces, subject) : []),
    ...(provider.webhooks ? webhookCases(provider.webhooks, subject) : []),
  ]
}
