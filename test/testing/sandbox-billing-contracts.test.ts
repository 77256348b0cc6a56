import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { sandbox } from '../../src/testing/sandbox/sandbox.js'
import { loadSchemas, problemsOf } from './contract-schemas.js'

// See sandbox-contracts.test.ts: the vendor's API description is too large to keep here.
const folder = process.env.CONTRACTS_DIR
const missing = folder === undefined || !existsSync(join(folder, 'stripe.openapi.json'))

it.skipIf(missing)(
  'C4 subscriptions, schedules, previews, credits, clocks and v2 meters have the shape of the published API (skipped without CONTRACTS_DIR)',
  async () => {
    const start = Date.parse('2026-11-01T00:00:00Z')
    const box = await sandbox({ now: () => start })
    const shape = loadSchemas(join(folder ?? '', 'stripe.openapi.json'))
    const seen: { object?: string; [field: string]: unknown }[] = []

    async function call(method: string, path: string, body?: Record<string, string> | { json: unknown }) {
      const json = body !== undefined && 'json' in body && typeof body.json === 'object'
      const answer = await fetch(`${box.url}/${path}`, {
        method,
        headers: {
          authorization: `Bearer ${box.stripe.apiKey}`,
          ...(json ? { 'content-type': 'application/json' } : {}),
        },
        ...(body === undefined
          ? {}
          : { body: json ? JSON.stringify(body.json) : new URLSearchParams(body as Record<string, string>) }),
      })
      const given = (await answer.json()) as { id: string; data?: unknown[]; [field: string]: unknown }
      expect([path, answer.status, answer.status === 200 ? undefined : given]).toEqual([path, 200, undefined])
      seen.push(given, ...((Array.isArray(given.data) ? given.data : []) as (typeof seen)[number][]))
      return given
    }

    const clock = await call('POST', 'v1/test_helpers/test_clocks', { frozen_time: String(start / 1000) })
    await call('POST', `v1/test_helpers/test_clocks/${clock.id}/advance`, { frozen_time: String(start / 1000 + 60) })
    await call('GET', 'v1/test_helpers/test_clocks')
    const meter = await call('POST', 'v1/billing/meters', {
      display_name: 'Sparks',
      event_name: 'sparks',
      'default_aggregation[formula]': 'sum',
    })
    const { id: customer } = await call('POST', 'v1/customers', { name: 'Ada' })
    const card = await call('POST', 'v1/payment_methods/pm_card_visa/attach', { customer })
    const product = await call('POST', 'v1/products', { name: 'Pro' })
    const priceOf = (form: Record<string, string>) =>
      call('POST', 'v1/prices', { product: product.id, currency: 'usd', 'recurring[interval]': 'month', ...form })
    const pro = await priceOf({ unit_amount: '1000' })
    const max = await priceOf({ unit_amount: '2000' })
    const usage = await priceOf({
      unit_amount: '1',
      'recurring[usage_type]': 'metered',
      'recurring[meter]': meter.id,
    })
    await call('POST', 'v1/billing/credit_grants', {
      customer,
      'amount[type]': 'monetary',
      'amount[monetary][currency]': 'usd',
      'amount[monetary][value]': '500',
      'applicability_config[scope][price_type]': 'metered',
    })
    const made = await call('POST', 'v1/subscriptions', {
      customer,
      'items[0][price]': pro.id,
      'items[1][price]': usage.id,
      default_payment_method: card.id,
    })
    const item = (made.items as { data: { id: string }[] }).data[0]?.id ?? ''
    await call('POST', 'v2/billing/meter_events', {
      json: { event_name: 'sparks', payload: { stripe_customer_id: customer, value: '70' } },
    })
    await call('POST', 'v2/billing/meter_event_session', { json: {} })
    await call('POST', 'v2/billing/meter_events', {
      json: { event_name: 'sparks', identifier: 'x', payload: { stripe_customer_id: customer, value: '5' } },
    })
    await call('POST', 'v2/billing/meter_event_adjustments', {
      json: { event_name: 'sparks', type: 'cancel', cancel: { identifier: 'x' } },
    })
    box.advance(10 * 86_400_000)
    await call('POST', 'v1/invoices/create_preview', {
      subscription: made.id,
      'subscription_details[items][0][id]': item,
      'subscription_details[items][0][price]': max.id,
    })
    await call('POST', `v1/subscriptions/${made.id}`, { 'items[0][id]': item, 'items[0][price]': max.id })
    await call('GET', `v1/subscription_items?subscription=${made.id}`)
    await call('POST', `v1/subscriptions/${made.id}/pause`)
    await call('POST', `v1/subscriptions/${made.id}/resume`, { payment_behavior: 'resume_on_payment_success' })
    const schedule = await call('POST', 'v1/subscription_schedules', { from_subscription: made.id })
    await call('POST', `v1/subscription_schedules/${schedule.id}/release`)
    const broken = await call('POST', 'v1/payment_methods/pm_card_chargeCustomerFail/attach', { customer })
    await call('POST', `v1/subscriptions/${made.id}`, { default_payment_method: broken.id })
    await call('POST', `v1/subscriptions/${made.id}`, {
      'items[0][id]': item,
      'items[0][quantity]': '4',
      proration_behavior: 'always_invoice',
      payment_behavior: 'pending_if_incomplete',
    })
    box.advance(40 * 86_400_000)
    await call('GET', `v1/subscriptions/${made.id}`)
    await call('GET', `v1/invoices?subscription=${made.id}`)
    await call('GET', 'v1/billing/credit_balance_transactions')
    await call('GET', 'v1/billing/credit_grants')
    await call(
      'GET',
      `v1/billing/credit_balance_summary?customer=${customer}&filter[type]=applicability_scope&filter[applicability_scope][price_type]=metered`,
    )
    await call('GET', 'v1/events?limit=100')
    await box.close()

    const kinds = new Set(seen.map(({ object }) => object))
    expect([...kinds]).toEqual(
      expect.arrayContaining([
        'subscription',
        'subscription_item',
        'subscription_schedule',
        'invoice',
        'test_helpers.test_clock',
        'billing.credit_grant',
        'billing.credit_balance_transaction',
        'billing.credit_balance_summary',
        'v2.billing.meter_event',
        'v2.billing.meter_event_session',
        'v2.billing.meter_event_adjustment',
      ]),
    )
    expect(seen.some(({ pending_update: pending }) => typeof pending === 'object' && pending !== null)).toBe(true)
    expect(seen.some(({ status }) => status === 'paused')).toBe(true)
    const problems = seen.flatMap((value) => {
      const name = value.object ?? ''
      return name === 'list' ? [] : problemsOf(shape(name), name, value)
    })
    expect([...new Set(problems)]).toEqual([])
  },
)
