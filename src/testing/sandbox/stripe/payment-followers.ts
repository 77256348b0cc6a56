import { emit } from './events.js'
import { invoices } from './invoice-object.js'
import { invoiceOfIntent, markPaymentPaid } from './invoice-payments.js'
import { failInvoice, payInvoice } from './invoices.js'
import type { PaymentIntent } from './payment-intents.js'
import { followSessionPayment } from './session-settlement.js'
import type { StripeWorld } from './world.js'

/** What a payment means for the invoice and the checkout session it belongs to. */
export const paymentFollowers: StripeWorld['followers'] = {
  'payment_intent.succeeded': (world, object) => {
    const intent = object as PaymentIntent
    const found = invoiceOfIntent(world, intent.id)
    if (found !== undefined && isPayable(found.invoice.status)) {
      markPaymentPaid(world, found.payment, intent.amount_received)
      payInvoice(world, found.invoice)
    }
    followSessionPayment(world, intent, true)
  },
  'payment_intent.payment_failed': (world, object) => {
    const intent = object as PaymentIntent
    const found = invoiceOfIntent(world, intent.id)
    if (found !== undefined && isPayable(found.invoice.status)) failInvoice(world, found.invoice)
    followSessionPayment(world, intent, false)
  },
  'payment_intent.requires_action': (world, object) => {
    const found = invoiceOfIntent(world, (object as PaymentIntent).id)
    if (found === undefined || !isPayable(found.invoice.status)) return
    const failed = failInvoice(world, found.invoice)
    emit(world, 'invoice.payment_action_required', invoices(world).get(failed.id) ?? failed)
  },
}

function isPayable(status: string): boolean {
  return status === 'open' || status === 'uncollectible'
}
