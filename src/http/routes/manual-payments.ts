import { type App, addRoute, type Served } from '../app.js'
import { manualPayments } from '../billing.js'
import { json, jsonBody, problems } from '../contract/fields.js'
import { payment, submitManualRequest } from '../contract/payment.js'
import { paymentJson } from '../wire/payment.js'

/** Payments that the customer says were made, such as bank transfers; an operator finds out. */
export function addManualPaymentRoutes(app: App, served: Served): void {
  addRoute(
    app,
    served,
    { scope: 'billing:pay', account: 'own', needs: 'payments.submitManual' },
    {
      method: 'post',
      path: '/payments/manual',
      summary: 'Says that an invoice was paid by hand; waits for approval',
      request: jsonBody(submitManualRequest),
      responses: { 201: json(payment, 'The payment, which awaits approval.'), ...problems },
    },
    async (context) => {
      const { submitManual } = manualPayments(served.billing)
      const { invoice_id: invoiceId, payment_method: paymentMethod, ...rest } = context.req.valid('json')
      const { accountId } = context.var
      const transactionReference = rest.transaction_reference
      return context.json(
        paymentJson(await submitManual({ accountId, invoiceId, paymentMethod, transactionReference })),
        201,
      )
    },
  )
}
