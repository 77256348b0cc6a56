import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { sandbox } from '../../src/testing/sandbox/sandbox.js'
import { loadSchemas, problemsOf } from './contract-schemas.js'

// See sandbox-contracts.test.ts: the vendor's API description is too large to keep here.
const folder = process.env.CONTRACTS_DIR
const missing = folder === undefined || !existsSync(join(folder, 'stripe.openapi.json'))

it.skipIf(missing)(
  'C4 payments and invoices have the shape of the published API (skipped without CONTRACTS_DIR)',
  async () => {
    const box = await sandbox()
    const shape = loadSchemas(join(folder ?? '', 'stripe.openapi.json'))
    const seen: unknown[] = []

    async function call(method: string, path: string, form?: Record<string, string>) {
      const answer = await fetch(`${box.url}/v1/${path}`, {
        method,
        headers: { authorization: `Bearer ${box.stripe.apiKey}` },
        ...(form === undefined ? {} : { body: new URLSearchParams(form) }),
      })
      const body = (await answer.json()) as { id: string; data: unknown[]; [field: string]: unknown }
      seen.push(body, ...(Array.isArray(body.data) ? body.data : []))
      return body
    }
    const pay = (method: string, more: Record<string, string> = {}) =>
      call('POST', 'payment_intents', {
        amount: '2000',
        currency: 'usd',
        payment_method: method,
        confirm: 'true',
        return_url: 'https://a.test',
        ...more,
      })

    const { id: customer } = await call('POST', 'customers', { name: 'Ada', 'address[country]': 'DE' })
    const card = await call('POST', 'payment_methods/pm_card_visa/attach', { customer })
    await call('POST', 'payment_methods', {
      type: 'us_bank_account',
      'us_bank_account[account_number]': '000123456789',
      'us_bank_account[routing_number]': '110000000',
    })
    await call('POST', 'payment_methods', { type: 'sepa_debit', 'sepa_debit[iban]': 'DE89370400440532013000' })
    await call('POST', `customers/${customer}`, { 'invoice_settings[default_payment_method]': card.id })
    for (const method of [
      'pm_card_visa',
      'pm_card_chargeDeclined',
      'pm_card_authenticationRequired',
      'pm_card_createDispute',
      'pm_usBankAccount_success',
    ]) {
      await pay(method)
    }
    await pay('pm_card_visa', { capture_method: 'manual' })
    const held = await pay('pm_card_visa', { capture_method: 'manual' })
    await call('POST', `payment_intents/${held.id}/cancel`, { cancellation_reason: 'duplicate' })
    const pending = await pay('pm_card_pendingRefund')
    await call('POST', 'refunds', { payment_intent: pending.id })
    const failing = await pay('pm_card_refundFail')
    await call('POST', 'refunds', { payment_intent: failing.id, amount: '5' })
    box.advance(61_000)
    for (const noun of ['payment_intents', 'charges', 'refunds']) await call('GET', `${noun}?limit=100`)
    const setup = { customer, confirm: 'true', return_url: 'https://a.test' }
    for (const method of ['pm_card_visa', 'pm_card_authenticationRequired', 'pm_card_chargeDeclined']) {
      await call('POST', 'setup_intents', { ...setup, payment_method: method })
    }
    await call('GET', 'setup_intents')

    const rate = await call('POST', 'tax_rates', { display_name: 'VAT', percentage: '19', inclusive: 'false' })
    const coupon = await call('POST', 'coupons', {
      percent_off: '12.5',
      duration: 'repeating',
      duration_in_months: '3',
    })
    await call('POST', 'coupons', { amount_off: '100', currency: 'usd' })
    const code = await call('POST', 'promotion_codes', { 'promotion[type]': 'coupon', 'promotion[coupon]': coupon.id })
    await call('GET', `promotion_codes/${code.id}?expand[]=promotion.coupon`)
    const draft = await call('POST', 'invoices', {
      customer,
      'default_tax_rates[0]': rate.id,
      'discounts[0][promotion_code]': code.id,
    })
    const item = { customer, currency: 'usd', amount: '1000', invoice: draft.id }
    await call('POST', 'invoiceitems', { ...item, 'tax_rates[0]': rate.id })
    await call('GET', `invoices/${draft.id}?expand[]=discounts`)
    await call('POST', `invoices/${draft.id}/finalize`)
    await call('POST', `invoices/${draft.id}/pay`)
    await call('GET', `invoices/${draft.id}?expand[]=payments&expand[]=confirmation_secret`)
    await call('GET', `invoices/${draft.id}/lines`)
    await call('GET', 'invoice_payments')
    for (const end of ['void', 'mark_uncollectible']) {
      const { id } = await call('POST', 'invoices', { customer, 'automatic_tax[enabled]': 'true' })
      await call('POST', 'invoiceitems', { ...item, invoice: id })
      await call('POST', `invoices/${id}/finalize`)
      await call('POST', `invoices/${id}/${end}`)
    }
    const { id: product } = await call('POST', 'products', { name: 'Pro' })
    const price = await call('POST', 'prices', {
      product,
      currency: 'usd',
      unit_amount: '1000',
      'recurring[interval]': 'month',
    })
    const subscription = await call('POST', 'subscriptions', {
      customer,
      'items[0][price]': price.id,
      'discounts[0][promotion_code]': code.id,
      'automatic_tax[enabled]': 'true',
    })
    const configuration = await call('POST', 'billing_portal/configurations', {
      'features[subscription_cancel][enabled]': 'true',
      'features[subscription_update][enabled]': 'true',
      'features[subscription_update][products][0][product]': product,
      'features[subscription_update][products][0][prices][0]': price.id,
    })
    const flow = { customer, configuration: configuration.id, 'flow_data[type]': 'subscription_cancel' }
    await call('POST', 'billing_portal/sessions', {
      ...flow,
      'flow_data[subscription_cancel][subscription]': subscription.id,
      'flow_data[after_completion][type]': 'redirect',
      'flow_data[after_completion][redirect][return_url]': 'https://a.test',
    })
    await call('POST', 'checkout/sessions', {
      mode: 'payment',
      customer,
      success_url: 'https://a.test',
      'automatic_tax[enabled]': 'true',
      'discounts[0][promotion_code]': code.id,
      'invoice_creation[enabled]': 'true',
      'line_items[0][price_data][currency]': 'usd',
      'line_items[0][price_data][unit_amount]': '500',
      'line_items[0][price_data][product_data][name]': 'Credits',
      'line_items[0][quantity]': '1',
    })
    await call('GET', 'events?limit=100')
    await call('DELETE', `coupons/${coupon.id}`)
    await box.close()

    const checked = new Map<string, number>()
    const problems = seen.flatMap((value) => {
      const { object, deleted, error } = value as { object?: string; deleted?: boolean; error?: unknown }
      const name = error === undefined ? `${deleted === true ? 'deleted_' : ''}${object}` : 'error'
      if (name === 'list') return []
      checked.set(name, (checked.get(name) ?? 0) + 1)
      return problemsOf(shape(name), name, value)
    })
    expect([...checked.keys()].sort()).toEqual([
      'billing_portal.configuration',
      'billing_portal.session',
      'charge',
      'checkout.session',
      'coupon',
      'customer',
      'deleted_coupon',
      'error',
      'event',
      'invoice',
      'invoice_payment',
      'invoiceitem',
      'line_item',
      'payment_intent',
      'payment_method',
      'price',
      'product',
      'promotion_code',
      'refund',
      'setup_intent',
      'subscription',
      'tax_rate',
    ])
    expect([...new Set(problems)]).toEqual([])
  },
)
