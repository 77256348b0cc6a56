import { BillingError } from '../../core/errors.js'
import type { CheckoutCapability, CheckoutRequest, CheckoutSession } from '../../core/ports/capabilities/checkout.js'
import type { Archive } from './archive.js'
import { type KeptInvoice, subscriptionIdOf, subtotalOf, toInvoice, totalOf } from './invoice.js'
import { annul, type InvoiceRules, requireInvoice } from './invoices.js'
import type { InvoiceOrder, Issue } from './issue.js'

/** What is sold is put on an invoice, whose id is that of the session. */
export function manualCheckout(archive: Archive, issue: Issue, rules: InvoiceRules): Required<CheckoutCapability> {
  const session = (invoice: KeptInvoice): CheckoutSession => {
    const { id, currency, intentId, party, url } = invoice
    const status = sessionStatus(invoice)
    return {
      externalId: id,
      intentId,
      customerId: party,
      status,
      subtotal: { currency, nanos: subtotalOf(invoice) },
      amount: { currency, nanos: totalOf(invoice) },
      url: status === 'open' || status === 'processing' ? url : null,
      expiresAt: null,
      subscriptionId: subscriptionIdOf(invoice),
      paymentMethodId: null,
      instructions: status === 'open' ? rules.instructions(toInvoice(invoice, rules.now())) : null,
    }
  }
  return {
    async create(request, { idempotencyKey }) {
      if (idempotencyKey === undefined)
        throw new BillingError('idempotency_key_required', 'An invoice is made under a key.')
      return session(await issue.create(orderOf(request, idempotencyKey)))
    },
    async get(externalId) {
      return session(await requireInvoice(archive, externalId))
    },
    async expire(externalId) {
      return session(
        await annul(archive, externalId, 'void').catch((error) => {
          // It was paid, or somebody says so: then it stays as it is.
          if (BillingError.is(error) && error.code === 'invalid_state') return requireInvoice(archive, externalId)
          throw error
        }),
      )
    },
  }
}

function sessionStatus({ status, waiting }: KeptInvoice): CheckoutSession['status'] {
  switch (status) {
    case 'paid':
      return 'paid'
    case 'void':
    case 'uncollectible':
      return 'expired'
    default:
      return waiting.length > 0 ? 'processing' : 'open'
  }
}

/** @throws BillingError `option_unsupported` */
function orderOf(request: CheckoutRequest, key: string): InvoiceOrder {
  if (request.mode === 'setup') throw unsupported('Nothing is left to pay with where payments come by themselves.')
  if (request.promotionCodes) throw unsupported('An invoice takes no promotion codes.')
  const { intentId, accountId, customerId, successUrl } = request
  const common = { key, accountId, customerId, intentId, description: null, isDraft: false, fallbackUrl: successUrl }
  if (request.mode === 'payment') {
    const { title, amount } = request
    const lines = [{ description: title, quantity: null, amount }]
    return { ...common, lines, currency: amount.currency, sells: null }
  }
  const { price, seats, trialDays } = request
  if (trialDays > 0) throw unsupported('An invoice gives no free days.')
  if (price.overage.length > 0) throw unsupported('Usage beyond a plan is not collected by invoices sent by hand.')
  const amount = { currency: price.amount.currency, nanos: price.amount.nanos * BigInt(seats) }
  const lines = [{ description: price.title, quantity: String(seats), amount }]
  return { ...common, lines, currency: amount.currency, sells: { plan: price.plan, interval: price.interval, seats } }
}

function unsupported(message: string): BillingError {
  return new BillingError('option_unsupported', message)
}
