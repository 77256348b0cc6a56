import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv } from 'ajv'
import Stripe from 'stripe'
import { describe, expect, it } from 'vitest'
import { parseMoney } from '../../src/core/domain/money.js'
import type { PaymentCheckout } from '../../src/core/ports/capabilities/checkout.js'
import { toExport } from '../../src/providers/langfuse/send.js'
import { type OtlpSpan, toSpan } from '../../src/providers/langfuse/span.js'
import { stripeProvider } from '../../src/providers/stripe/index.js'
import { makeMeters } from './sandboxed.js'

const folder = process.env.CONTRACTS_DIR
const missing = folder === undefined || !existsSync(join(folder, 'stripe.openapi.json'))

// The vendors' OpenAPI files are not ours to ship: CONTRACTS_DIR names a folder with stripe.openapi.json and langfuse.openapi.json.
describe.skipIf(missing)(
  `requests against the vendors' OpenAPI${missing ? ' (skipped: CONTRACTS_DIR is not set)' : ''}`,
  () => {
    it('C4 Stripe’s description has every call we make, with the fields we send', async () => {
      const contract = openContract('stripe.openapi.json')
      const sent: string[] = []
      const stripe = stripeProvider({ client: recordingClient(contract, sent) })
      const options = { idempotencyKey: 'k1' }
      const order: PaymentCheckout = {
        intentId: 'int_1',
        accountId: 'acc_1',
        customerId: 'cus_1',
        mode: 'payment',
        title: 'Credits',
        amount: parseMoney('10', 'USD'),
        promotionCodes: true,
        successUrl: 'https://app.example/success',
        cancelUrl: 'https://app.example/cancel',
      }
      const range = { from: 60_000, to: 120_000 }
      await stripe.customers.create({ accountId: 'acc_1', email: 'ada@example.com', name: 'Ada' }, options)
      await stripe.customers.update?.('cus_1', { email: 'ada@example.com', name: 'Ada' }, {})
      await stripe.checkout.create(order, options)
      const { title, amount, ...page } = order
      const price = { plan: 'pro', title, amount, interval: 'year', overage: [] } as const
      await stripe.checkout.create({ ...page, mode: 'subscription', price, seats: 2, trialDays: 7 }, options)
      await stripe.checkout.create({ ...page, mode: 'setup', currency: 'USD' }, options)
      await stripe.checkout.get('cs_1', {})
      await stripe.portal.create({ customerId: 'cus_1', returnUrl: 'https://app.example/billing', flow: null }, {})
      await stripe.subscriptions.get('sub_1', {})
      await stripe.subscriptions.list('cus_1', {})
      const report = { identifier: 'r1', customerId: 'cus_1', meter: 'sparks', sparks: 5n, occurredAt: 60_000 }
      expect(await stripe.metering.report([report], {})).toEqual([{ status: 'delivered' }])
      await stripe['usage-reports'].total({ customerId: 'cus_1', meter: 'sparks', ...range }, {})
      await makeMeters(stripe, ['tokens'])
      expect([...new Set(sent)].sort()).toEqual([
        'GET /v1/billing/meters',
        'GET /v1/billing/meters/{id}/event_summaries',
        'GET /v1/checkout/sessions/{session}',
        'GET /v1/subscriptions',
        'GET /v1/subscriptions/{subscription_exposed_id}',
        'POST /v1/billing/meter_events',
        'POST /v1/billing/meters',
        'POST /v1/billing_portal/sessions',
        'POST /v1/checkout/sessions',
        'POST /v1/customers',
        'POST /v1/customers/{customer}',
      ])
    })

    it('S1.1 Langfuse’s description of an export fits what we send', () => {
      const contract = openContract('langfuse.openapi.json')
      const span = toSpan(
        {
          usageId: 'u1',
          accountId: 'acc_1',
          meter: 'ai_tokens',
          model: 'gpt-4o-mini',
          quantity: '3',
          tokens: { input: 1, output: 2 },
          costUsd: '0.1',
          sparks: '1',
          occurredAt: 1,
          dimensions: { feature: 'chat' },
        },
        'production',
      ) as OtlpSpan
      const body = contract.paths['/api/public/otel/v1/traces']?.post?.requestBody?.content['application/json']?.schema
      contract.check(body, JSON.parse(JSON.stringify(toExport([span]))))
    })
  },
)

type Schema = Readonly<Record<string, unknown>>

interface Operation {
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly schema: Schema }[]
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> }
}

interface Contract {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  /** Throws with ajv's findings. `coerce`: the values came as text. */
  check(schema: Schema | undefined, value: unknown, coerce?: boolean): void
}

function openContract(file: string): Contract {
  const document = JSON.parse(readFileSync(join(folder ?? '', file), 'utf8'), withNull) as Contract & {
    components: Schema
  }
  const validators = [false, true].map((coerceTypes) => new Ajv({ strict: false, validateFormats: false, coerceTypes }))
  return {
    paths: document.paths,
    check(schema, value, coerce = false) {
      expect(schema).toBeDefined()
      const ajv = validators[Number(coerce)]
      const validate = ajv?.compile({ ...schema, components: document.components })
      if (!validate?.(value)) throw new Error(`${JSON.stringify(value)}: ${ajv?.errorsText(validate?.errors)}`)
    },
  }
}

/** OpenAPI 3.0 says `nullable` where JSON Schema has a type of its own, and lists of open enums are only what is known today. */
function withNull(_: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  const { nullable, 'x-stripeBypassValidation': open, ...schema } = value as Record<string, unknown>
  if (open === true) delete schema.enum
  return nullable === true && typeof schema.type === 'string' ? { ...schema, type: [schema.type, 'null'] } : schema
}

/** A client that checks each request against the contract, and answers with something of the right shape. */
function recordingClient(contract: Contract, sent: string[]): Stripe {
  const httpClient = Stripe.createFetchHttpClient(async (input, init) => {
    const { pathname, searchParams } = new URL(String(input))
    const method = init?.method ?? 'GET'
    const [template = '', operations] = Object.entries(contract.paths).find(([path]) => matches(path, pathname)) ?? []
    const operation = operations?.[method.toLowerCase()]
    sent.push(`${method} ${template || pathname}`)
    if (method === 'POST') {
      const fields = fromForm(new URLSearchParams(String(init?.body ?? '')))
      contract.check(operation?.requestBody?.content['application/x-www-form-urlencoded']?.schema, fields, true)
    } else {
      const known = (operation?.parameters ?? []).filter((parameter) => parameter.in === 'query')
      const properties = Object.fromEntries(known.map(({ name, schema }) => [name, schema]))
      contract.check({ type: 'object', properties, additionalProperties: false }, fromForm(searchParams), true)
    }
    return Response.json(answerTo(pathname, method))
  })
  return new Stripe('sk_test_contract', { httpClient, telemetry: false, maxNetworkRetries: 0 })
}

function matches(template: string, path: string): boolean {
  return new RegExp(`^${template.replace(/\{[^}]+\}/g, '[^/]+')}$`).test(path)
}

/** `a[b][0]=c` as `{ a: { b: ['c'] } }`. */
function fromForm(form: URLSearchParams): unknown {
  const root: Record<string, unknown> = {}
  for (const [name, value] of form) {
    const keys = name.split(/[[\]]+/).filter((key) => key !== '')
    let node = root
    for (const key of keys.slice(0, -1)) {
      node[key] ??= {}
      node = node[key] as Record<string, unknown>
    }
    node[keys.at(-1) ?? ''] = value
  }
  return withLists(root)
}

function withLists(node: unknown): unknown {
  if (typeof node !== 'object' || node === null) return node
  const entries = Object.entries(node).map(([key, value]) => [key, withLists(value)] as const)
  const isList = entries.length > 0 && entries.every(([key], index) => key === String(index))
  return isList ? entries.map(([, value]) => value) : Object.fromEntries(entries)
}

function answerTo(path: string, method: string): object {
  const list = (...data: object[]) => ({ object: 'list', data, has_more: false })
  const subscription = {
    id: 'sub_1',
    created: 1,
    customer: 'cus_1',
    status: 'active',
    cancel_at_period_end: false,
    items: list(),
  }
  if (path.endsWith('/event_summaries')) return list()
  if (path === '/v1/billing/meters' && method === 'GET') {
    return list({
      id: 'mtr_1',
      event_name: 'billfold_sparks',
      default_aggregation: { formula: 'sum' },
      customer_mapping: { event_payload_key: 'stripe_customer_id' },
      value_settings: { event_payload_key: 'value' },
    })
  }
  if (path === '/v1/subscriptions') return list(subscription)
  if (path.startsWith('/v1/subscriptions/')) return subscription
  if (path.startsWith('/v1/checkout/')) return { id: 'cs_1', status: 'open', payment_status: 'unpaid' }
  return { id: 'id_1', url: 'https://stripe.example/session' }
}
