import { createHmac } from 'node:crypto'
import { formatMoney } from '../../src/core/domain/money.js'
import type { LagoClient } from '../../src/providers/lago/call.js'
import type { LagoProvider } from '../../src/providers/lago/index.js'
import type { ProviderConformanceSubject } from '../../src/testing/provider-conformance/subject.js'
import { lagoAt } from './lago-customer.js'
import { payPage } from './lago-pages.js'
import { lagoClient, type timedSandbox } from './sandboxed.js'

type Box = Awaited<ReturnType<typeof timedSandbox>>

/** A provider whose customers pay through the sandbox's payment service, and what the conformance suite needs around it. */
export function lagoSubject(
  box: Box,
  client: LagoClient = lagoClient(box),
): { readonly lago: LagoProvider; readonly subject: ProviderConformanceSubject } {
  const { lago, begin } = lagoAt(box, client, {
    webhook: { algorithm: 'hmac', key: box.lago.hmacKey },
    paymentProvider: { type: 'stripe', code: 'main' },
  })
  return {
    lago,
    subject: {
      provider: lago,
      now: box.now,
      meter: 'sparks',
      pay: (url) => payPage(url),
      subscription: begin,
      paymentMethod: (customerId) => leaveCard(client, customerId),
      payment: (customerId, amount) => buyCredits(client, customerId, formatMoney(amount)),
      sign: (body) => lagoRequest(box, body),
      event: (type) => JSON.stringify({ webhook_type: type, object_type: 'thing', organization_id: 'o', thing: {} }),
    },
  }
}

/** A webhook as Lago sends it, signed by HMAC. */
export function lagoRequest(box: Box, body: string, key: string = crypto.randomUUID()) {
  const signature = createHmac('sha256', box.lago.hmacKey).update(body).digest('base64')
  const headers = new Map([
    ['x-lago-signature', signature],
    ['x-lago-signature-algorithm', 'hmac'],
    ['x-lago-unique-key', key],
  ])
  return { rawBody: new TextEncoder().encode(body), headers }
}

/** Leaves a card on the payment service's page, as a customer does. The method's id. */
export async function leaveCard(client: LagoClient, customerId: string, card = '4242424242424242'): Promise<string> {
  const { data } = await client.customers.generateCustomerCheckoutUrl(customerId)
  await fetch(data.customer.checkout_url ?? '', { method: 'POST', body: new URLSearchParams({ card }) })
  const methods = (await client.customers.findAllCustomersPaymentMethods(customerId)).data.payment_methods
  return methods.find(({ is_default: isDefault }) => isDefault)?.lago_id ?? ''
}

/** Buys prepaid credits, which Lago makes an invoice of and collects. The payment's id. */
async function buyCredits(client: LagoClient, customerId: string, credits: string): Promise<string> {
  await leaveCard(client, customerId)
  const mine = { external_customer_id: customerId }
  const [known] = (await client.wallets.findAllWallets(mine)).data.wallets
  const wallet =
    known ?? (await client.wallets.createWallet({ wallet: { ...mine, rate_amount: '1', currency: 'USD' } })).data.wallet
  const { data } = await client.walletTransactions.createWalletTransaction({
    wallet_transaction: { wallet_id: wallet.lago_id, paid_credits: credits },
  })
  const invoiceId = data.wallet_transactions[0]?.lago_invoice_id ?? ''
  const [payment] = (await client.payments.findAllPayments({ invoice_id: invoiceId })).data.payments
  return payment?.lago_id ?? ''
}
