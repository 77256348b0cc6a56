import type { InvoiceView, UsageRecord } from 'billfold'
import { defineCatalog } from 'billfold'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { catalog } from '../../examples/catalog/tiers.js'
import { invoiceJson } from '../../src/http/wire/invoice.js'
import { usageJson } from '../../src/http/wire/usage.js'
import { resolveWire } from '../../src/http/wire/wire.js'
import { payOnPage } from '../providers/sandboxed.js'
import { openWorld, scopes, type World } from './world.js'

/** The interfaces of S4, field by field. */
const interfaces = {
  StripeConfigResponse: 'publishable_key is_configured',
  BillingAccountResponse:
    'id organization_id stripe_customer_id has_payment_method status free_workflows_remaining free_workflows_reset_at credit_balance auto_billing_enabled billing_email tax_exempt total_workflows_completed total_amount_spent created_at updated_at',
  PaymentMethodResponse: 'id type card_brand card_last4 is_default',
  SubscriptionResponse:
    'id organization_id billing_account_id tier status current_period_start current_period_end cancel_at_period_end canceled_at trial_start trial_end workflows_limit workflows_used workflows_remaining agents_limit storage_limit_gb storage_used_gb is_lifetime lifetime_purchase_date lifetime_purchase_amount is_byo byo_providers_configured created_at updated_at',
  CheckoutResponse: 'checkout_url session_id',
  PortalResponse: 'portal_url',
  InvoiceResponse:
    'id invoice_number billing_account_id ticket_id stripe_invoice_id status period_start period_end subtotal tax_amount discount_amount total credits_applied amount_due amount_paid currency line_items description due_date finalized_at paid_at created_at',
  UsageRecordResponse:
    'id billing_account_id ticket_id usage_type quantity unit_price total_price free_tier_used invoice_id billed usage_details recorded_at billed_at',
  CostSummaryResponse: 'scope_type scope_id total_cost total_tokens record_count breakdown',
  CostBreakdownItem: 'provider model cost tokens records',
  CostRecordResponse:
    'id task_id agent_id sandbox_id billing_account_id provider model prompt_tokens completion_tokens total_tokens prompt_cost completion_cost total_cost recorded_at',
} as const

/** An invoice is for an account and not for a ticket, and costs are those of an account: there is nothing else to say. */
const constant: readonly string[] = ['InvoiceResponse.ticket_id', 'CostSummaryResponse.scope_type']

const seen = new Map<string, Set<string>>()

/** Remembers what each field said. */
function see(name: keyof typeof interfaces, body: Readonly<Record<string, unknown>>): void {
  for (const field of interfaces[name].split(' ')) {
    expect(body, `${name} has no ${field}`).toHaveProperty(field)
    const values = seen.get(`${name}.${field}`) ?? new Set()
    seen.set(`${name}.${field}`, values.add(JSON.stringify(body[field])))
  }
}

/** That each field said two things which are not what it says of itself; of a boolean, both. */
function expectDriven(name: keyof typeof interfaces): void {
  for (const field of interfaces[name].split(' ')) {
    const path = `${name}.${field}`
    if (constant.includes(path)) continue
    const values = [...(seen.get(path) ?? [])]
    const isFlag = values.every((value) => value === 'true' || value === 'false')
    const telling = isFlag ? values : values.filter((value) => !['null', '0', '""', '[]', '{}'].includes(value))
    expect(telling.length, `${path}: ${values.join(', ')}`).toBeGreaterThanOrEqual(2)
  }
}

const sold = defineCatalog({
  ...catalog.config,
  plans: {
    ...catalog.config.plans,
    founder: { title: 'Founder', price: { amount: '299', interval: 'once' }, meters: catalog.config.plans.pro.meters },
  },
})

const accounts = ['acme', 'globex', 'initech', 'umbrella'] as const
const day = 86_400_000

let world: World
beforeEach(async () => {
  const owner = { accountId: 'acme', organizationIds: accounts, scopes }
  world = await openWorld({ people: { owner }, catalog: sold })
})
afterEach(() => world.close())

async function get(path: string) {
  const answer = await world.ask('GET', path)
  expect(answer, JSON.stringify(answer.body)).toMatchObject({ status: 200 })
  return answer.body
}

async function post(path: string, body: unknown = {}) {
  const answer = await world.ask('POST', path, body)
  expect(answer, JSON.stringify(answer.body)).toMatchObject({ status: 200 })
  return answer.body
}

/** Pays on the page that was made, and comes back from it. */
async function pay(accountId: string, page: { readonly checkout_url: string; readonly checkout_id: string }) {
  await payOnPage(page.checkout_url)
  await world.billing.verifyCheckout({ accountId, checkoutId: page.checkout_id })
}

async function subscribe(accountId: string, plan: 'pro' | 'byo' | 'starter') {
  const page = { accountId, kind: 'subscription', plan, successUrl: '/', cancelUrl: '/' } as const
  const { id, url } = await world.billing.createCheckout(page)
  await pay(accountId, { checkout_id: id, checkout_url: url })
}

describe('each field of S4', () => {
  it('S4.2 StripeConfigResponse', async () => {
    see('StripeConfigResponse', await get('/config'))
    for (const stripe of [{ publishableKey: 'pk_live_456' }, undefined]) {
      const other = await openWorld(stripe ? { stripe } : { stripe: undefined as never })
      see('StripeConfigResponse', (await other.ask('GET', '/config')).body)
      await other.close()
    }
    expectDriven('StripeConfigResponse')
  })

  it('S4.2 BillingAccountResponse, PaymentMethodResponse, CheckoutResponse and PortalResponse', async () => {
    const { billing, box } = world
    for (const [index, accountId] of (['acme', 'globex'] as const).entries()) {
      box.advance(index * day)
      const zone = index === 0 ? 'UTC' : 'Europe/Berlin'
      await billing.accounts.ensure({ accountId, email: `billing@${accountId}.example`, zone })
      const before = await get(`/account/${accountId}`)
      expect(before).toMatchObject({ status: 'pending', has_payment_method: false, credit_balance: 0 })
      see('BillingAccountResponse', before)

      const card = index === 0 ? 'pm_card_visa' : 'pm_card_mastercard'
      const attach = { payment_method_id: card, set_as_default: true }
      see('PaymentMethodResponse', await post(`/account/${accountId}/payment-method`, attach))
      if (index === 1)
        see(
          'PaymentMethodResponse',
          await post(`/account/${accountId}/payment-method`, {
            payment_method_id: 'pm_usBankAccount_success',
            set_as_default: false,
          }),
        )
      const page = await post(`/account/${accountId}/credits/checkout`, { amount_usd: 12.5 * (index + 1) })
      see('CheckoutResponse', page)
      await pay(accountId, page)
      see('PortalResponse', await post(`/account/${accountId}/portal`))
      const workflows = { accountId, meter: 'workflows', quantity: index + 1, idempotencyKey: 'w' } as const
      await billing.recordUsage(workflows)
      if (index === 1) {
        await billing.accounts.update({ accountId, terms: { features: { tax_exempt: true } }, idempotencyKey: 't' })
        const autoTopUp = { threshold: '100', package: 'small', maximumPerDay: 1 } as const
        await billing.credits.autoTopUp.set({ accountId, autoTopUp, idempotencyKey: 'a' })
        await billing.accounts.suspend({ accountId, reason: 'test', idempotencyKey: 's' })
      }
      const after = await get(`/account/${accountId}`)
      expect(after).toMatchObject({
        status: index === 0 ? 'active' : 'suspended',
        credit_balance: 12.5 * (index + 1),
        total_amount_spent: 12.5 * (index + 1),
        free_workflows_remaining: 4 - index,
        total_workflows_completed: index + 1,
      })
      see('BillingAccountResponse', after)
    }
    const names = ['BillingAccountResponse', 'PaymentMethodResponse', 'CheckoutResponse', 'PortalResponse'] as const
    for (const name of names) expectDriven(name)
  })

  it('S4.2 SubscriptionResponse', async () => {
    const { billing, box } = world
    for (const [index, accountId] of accounts.entries()) {
      box.advance(index * day)
      await billing.accounts.ensure({ accountId, email: `${accountId}@example.com` })
      see('SubscriptionResponse', await get(`/account/${accountId}/subscription`))
      if (index < 2) await subscribe(accountId, 'pro')
      else {
        const plan = index === 2 ? 'lifetime' : 'founder'
        await pay(accountId, await post(`/account/${accountId}/lifetime/checkout`, { plan }))
      }
      const use = (meter: 'workflows' | 'storage_gb', quantity: number) =>
        billing.recordUsage({ accountId, meter, quantity, idempotencyKey: meter })
      await use('workflows', index + 1)
      await use('storage_gb', 2 * index + 1)
      const terms = { features: { byo_providers: index === 0 ? 'openai' : 'openai, anthropic' } }
      await billing.accounts.update({ accountId, terms, idempotencyKey: 't' })
      const body = await get(`/account/${accountId}/subscription`)
      const tier = ['pro', 'pro', 'lifetime', 'founder'][index]
      expect(body).toMatchObject({ tier, workflows_used: index + 1, storage_used_gb: 2 * index + 1 })
      see('SubscriptionResponse', body)
    }
    expect(await get('/account/initech/subscription')).toMatchObject({
      is_lifetime: true,
      lifetime_purchase_amount: 499,
      workflows_limit: 50,
    })
    for (const accountId of ['acme', 'globex']) {
      box.advance(day)
      const ending = await post(`/account/${accountId}/subscription/cancel`)
      expect(ending).toMatchObject({ cancel_at_period_end: true, status: 'trialing' })
      see('SubscriptionResponse', ending)
    }
    expect(await post('/account/acme/subscription/reactivate')).toMatchObject({ cancel_at_period_end: false })
    const ended = await post('/account/acme/subscription/cancel', { at_period_end: false })
    expect(ended).toMatchObject({ status: 'canceled' })
    see('SubscriptionResponse', ended)
    expect(await get('/account/acme/subscription')).toMatchObject({ tier: 'free', status: 'active' })
    await subscribe('acme', 'byo')
    const byo = await get('/account/acme/subscription')
    expect(byo).toMatchObject({ is_byo: true, workflows_limit: -1, workflows_remaining: -1, agents_limit: -1 })
    see('SubscriptionResponse', byo)
    expectDriven('SubscriptionResponse')
  })

  it('S4.2 InvoiceResponse', () => {
    const wire = resolveWire()
    for (const [index, accountId] of (['acme', 'globex'] as const).entries()) {
      const amount = (base: number) => String(base + index)
      const at = (month: number) => new Date(Date.UTC(2026, month + index, 1))
      const view: InvoiceView = {
        id: `in_${index}`,
        provider: 'stripe',
        number: `INV-${index}`,
        status: index === 0 ? 'open' : 'paid',
        subscriptionId: null,
        currency: index === 0 ? 'USD' : 'EUR',
        subtotal: amount(1),
        discount: amount(3),
        tax: amount(5),
        taxes: [],
        total: amount(7),
        creditsApplied: amount(9),
        amountDue: amount(11),
        amountPaid: amount(13),
        lines: [
          {
            description: accountId,
            quantity: '1',
            amount: '1',
            startsAt: at(0),
            endsAt: at(1),
            isProration: false,
            meter: null,
            unitPrice: '1',
          },
        ],
        startsAt: at(0),
        endsAt: at(1),
        actions: ['pay'],
        description: `for ${accountId}`,
        createdAt: at(2),
        finalizedAt: at(3),
        dueAt: at(4),
        paidAt: at(5),
        nextAttemptAt: at(6),
        url: null,
      }
      see('InvoiceResponse', invoiceJson(view, accountId, wire) ?? {})
    }
    expectDriven('InvoiceResponse')
  })

  it('S4.2 UsageRecordResponse', async () => {
    const { billing } = world
    await billing.accounts.ensure({ accountId: 'globex' })
    await billing.credits.grant({ accountId: 'acme', amount: 1_000_000, reason: 'test', idempotencyKey: 'g' })
    const model = { model: 'gpt-4o', tokens: { input: 1_000, output: 500 } } as const
    for (const accountId of ['acme', 'globex']) {
      const dimensions = { ticket: `T-${accountId}` }
      await billing.recordUsage({ accountId, meter: 'workflows', quantity: 2, idempotencyKey: 'w', dimensions })
      await billing.recordUsage({ accountId, meter: 'ai_tokens', ...model, idempotencyKey: 'm' })
      for (const record of await get(`/account/${accountId}/usage`)) see('UsageRecordResponse', record)
    }
    const [tokens, workflows] = await get('/account/acme/usage')
    expect(workflows).toMatchObject({ free_tier_used: true, total_price: 0, ticket_id: 'T-acme', billed: true })
    expect(tokens.unit_price * tokens.quantity).toBeCloseTo(tokens.total_price, 12)
    // Cost 0.0075 with a margin of 1.2.
    expect(tokens).toMatchObject({ total_price: 0.009, quantity: 1_500, free_tier_used: false })
    expect(await get('/account/globex/usage?billed=false')).toMatchObject([
      { usage_type: 'ai_tokens', billed_at: null },
    ])
    expect(await get('/account/globex/usage?billed=true')).toMatchObject([{ usage_type: 'workflows', billed: true }])
    await billing.recordUsage({
      accountId: 'acme',
      meter: 'ai_tokens',
      ...model,
      tokens: { input: 1 },
      idempotencyKey: 'n',
    })
    see('UsageRecordResponse', (await get('/account/acme/usage?limit=1'))[0])

    const [record] = (await billing.usage.list({ accountId: 'acme', limit: 1 })).items as [UsageRecord]
    for (const id of ['in_1', 'in_2']) {
      const line = {
        startsAt: new Date(record.occurredAt.getTime() - day),
        endsAt: new Date(record.occurredAt.getTime() + day),
      }
      const invoice = { id, lines: [line], createdAt: line.endsAt, finalizedAt: line.endsAt } as unknown as InvoiceView
      const metered = { ...record, settledBy: { 'meter:stripe': record.sparks } }
      const facts = { accountId: 'acme', spark: '0.00004', wire: resolveWire(), invoices: [invoice] }
      see('UsageRecordResponse', usageJson(metered, facts))
    }
    expectDriven('UsageRecordResponse')
  })

  it('S4.2 CostSummaryResponse and CostRecordResponse', async () => {
    const { billing } = world
    await billing.accounts.ensure({ accountId: 'globex' })
    for (const [index, accountId] of (['acme', 'globex'] as const).entries()) {
      const model = index === 0 ? 'gpt-4o' : 'claude-sonnet-4-5'
      const provider = index === 0 ? 'openai' : 'anthropic'
      const tokens = { input: 1_000 * (index + 1), output: 500 * (index + 1) }
      const dimensions = { task: `t${index}`, agent: `a${index}`, sandbox: `s${index}` }
      const times = Array.from({ length: index + 1 }, (_, time) => `k${time}`)
      for (const idempotencyKey of times)
        await billing.recordUsage({
          accountId,
          meter: 'ai_tokens',
          model,
          provider,
          tokens,
          dimensions,
          idempotencyKey,
        })
      const [cost] = await get(`/account/${accountId}/costs`)
      expect(cost.prompt_cost + cost.completion_cost).toBeCloseTo(cost.total_cost, 12)
      see('CostRecordResponse', cost)
      const summary = await get(`/account/${accountId}/costs/summary`)
      see('CostSummaryResponse', summary)
      for (const item of summary.breakdown) see('CostBreakdownItem', item)
    }
    // 2.50 and 10 dollars a million.
    expect((await get('/account/acme/costs'))[0]).toMatchObject({ prompt_cost: 0.0025, completion_cost: 0.005 })
    for (const name of ['CostSummaryResponse', 'CostBreakdownItem', 'CostRecordResponse'] as const) expectDriven(name)
  })
})
