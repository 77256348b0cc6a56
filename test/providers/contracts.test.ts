import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv } from 'ajv'
import Stripe from 'stripe'
import { describe, expect, it } from 'vitest'
import { parseMoney } from '../../src/core/domain/money.js'
import { toExport } from '../../src/providers/langfuse/send.js'
import { type OtlpSpan, toSpan } from '../../src/providers/langfuse/span.js'
import { stripeProvider } from '../../src/providers/stripe/index.js'
import type { Sandbox } from '../../src/testing/sandbox/sandbox.js'
import { stripeClient, timedSandbox } from './sandboxed.js'
import { customerWithCard, planPrice, subscribe } from './stripe-customer.js'

const folder = process.env.CONTRACTS_DIR
const missing = folder === undefined || !existsSync(join(folder, 'stripe.openapi.json'))

// The vendors' OpenAPI files are not ours to ship: CONTRACTS_DIR names a folder with stripe.openapi.json and langfuse.openapi.json.
describe.skipIf(missing)(
  `requests against the vendors' OpenAPI${missing ? ' (skipped: CONTRACTS_DIR is not set)' : ''}`,
  () => {
    it('C4 Stripe’s description has every call we make, with the fields we send', async () => {
      const box = await timedSandbox()
      const sent: string[] = []
      const client = checkedClient(openContract('stripe.openapi.json'), box, sent)
      const stripe = stripeProvider({ client, checkout: { automaticTax: true }, now: box.now })
      const key = () => ({ idempotencyKey: crypto.randomUUID() })
      const overage = [{ meter: 'tokens', sparkPrice: '0.00004' }]
      const pro = planPrice('pro', '20', { overage })
      const team = planPrice('team', '50', { overage })
      const applied = { meters: [{ name: 'tokens', unit: 'token' }], prices: [pro, team] }
      await stripe.catalog.apply(applied, {})
      await stripe.catalog.apply({ ...applied, prices: [planPrice('pro', '25', { title: 'Pro' })] }, {})

      const customerId = await customerWithCard(stripe)
      await stripe.customers.update?.(customerId, { email: 'ada@example.com', name: 'Ada' }, {})
      await stripe.customers.list?.({ limit: 5 }, {})
      const page = {
        intentId: 'int_1',
        accountId: 'acc_1',
        customerId,
        successUrl: 'https://app.example/success',
        cancelUrl: 'https://app.example/cancel',
        promotionCodes: true,
      }
      const amount = parseMoney('10', 'USD')
      const sale = await stripe.checkout.create({ ...page, mode: 'payment', title: 'Credits', amount }, key())
      await stripe.checkout.expire(sale.externalId, {})
      await stripe.checkout.create({ ...page, mode: 'subscription', price: team, seats: 2, trialDays: 7 }, key())
      await stripe.checkout.create({ ...page, mode: 'setup', currency: 'USD' }, key())
      await stripe.portal.create({ customerId, returnUrl: 'https://app.example/billing', flow: null }, {})

      const plain = stripeProvider({ client, now: box.now })
      const id = await subscribe(plain, customerId, pro)
      const open = (kind: 'cancel_subscription' | 'change_subscription') => {
        const flow = { kind, subscriptionId: id } as const
        return stripe.portal.create({ customerId, returnUrl: 'https://app.example/billing', flow }, {})
      }
      await open('cancel_subscription')
      await expect(open('change_subscription')).rejects.toMatchObject({ code: 'option_unsupported' })
      const change = { externalId: id, price: team, seats: 1, at: box.now(), proration: 'invoice_now' } as const
      await stripe.subscriptions.previewChange({ ...change, when: 'now' }, {})
      await stripe.subscriptions.change({ ...change, when: 'now' }, key())
      await stripe.subscriptions.change({ ...change, price: pro, when: 'period_end' }, key())
      await stripe.subscriptions.reactivate(id, {})
      await stripe.subscriptions.pause(id, {})
      await stripe.subscriptions.resume(id, {})
      await stripe.subscriptions.list(customerId, {})
      await stripe.invoices.upcoming({ customerId, subscriptionId: id }, {})
      await stripe.subscriptions.cancel(id, 'period_end', {})
      await stripe.subscriptions.cancel(id, 'now', {})

      for (const step of ['pay', 'void', 'markUncollectible'] as const) {
        await client.invoiceItems.create({ customer: customerId, currency: 'usd', amount: 500 })
        const draft = await stripe.invoices.generate({ customerId, description: 'October' }, key())
        const { externalId } = await stripe.invoices.finalize(draft?.externalId ?? '', {})
        if (step === 'pay') await stripe.invoices.pay({ externalId, paymentMethodId: null }, key())
        else await stripe.invoices[step](externalId, {})
      }
      await stripe.invoices.list({ customerId, status: 'paid', limit: 5 }, {})

      const bill = {
        intentId: 'int_3',
        accountId: 'acc_1',
        customerId,
        description: 'Debt',
        total: amount,
        requestedAt: 0,
      }
      await stripe.invoices.bill({ ...bill, lines: [{ description: 'Usage', amount }] }, key())
      const sold = { intentId: 'int_2', accountId: 'acc_1', customerId, title: 'Credits', amount }
      const asked = { ...sold, paymentMethodId: null, returnUrl: null, requestedAt: 0 }
      const { externalId } = await stripe.payments.charge(asked, key())
      const paymentId = externalId ?? ''
      await stripe.payments.get(paymentId, {})
      await stripe.payments.list({ customerId, limit: 5 }, {})
      await stripe.payments.refund({ paymentId, amount: parseMoney('1', 'USD'), reason: 'asked' }, key())
      await stripe.payments.reversals(paymentId, {})

      const methods = stripe['payment-methods']
      const { externalId: card } = await methods.attach(customerId, 'pm_card_mastercard', {})
      await methods.update(customerId, card, { name: 'Ada', expiryMonth: 7, expiryYear: 2040 }, {})
      await methods.list(customerId, {})
      await methods.remove(customerId, card, {})

      const range = { from: 60_000, to: 120_000 }
      const occurredAt = box.now()
      const report = { identifier: 'r1', customerId, meter: 'tokens', sparks: 5n, occurredAt }
      expect(await stripe.metering.report([report], {})).toEqual([{ status: 'delivered' }])
      await stripe['usage-reports'].total({ customerId, meter: 'tokens', ...range }, {})
      const hours = { from: 0, to: 7_200_000, by: 'hour' } as const
      await stripe['usage-reports'].parts({ customerId, meter: 'tokens', ...hours }, {})
      const stream = stripeProvider({ client, meterStream: true, now: box.now }).metering
      expect(await stream.report([{ ...report, identifier: 'r2' }], {})).toEqual([{ status: 'delivered' }])
      await box.close()

      expect(new Set(sent).size).toBeGreaterThanOrEqual(45)
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
          billingStatus: 'credits',
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

/** What we call and the file does not describe: it is a part of Stripe's. */
const notDescribed: ReadonlySet<string> = new Set(['/v1/disputes'])

/** A client that checks each request against the contract before it goes to the sandbox. */
function checkedClient(contract: Contract, box: Sandbox, sent: string[]): Stripe {
  const httpClient = Stripe.createFetchHttpClient(async (input, init) => {
    const { pathname, searchParams } = new URL(String(input))
    const method = init?.method ?? 'GET'
    const operation = operationFor(contract, method, pathname)
    sent.push(`${method} ${operation?.template ?? `(unknown) ${pathname}`}`)
    if (operation === undefined && notDescribed.has(pathname)) return fetch(input, init)
    expect(operation, `${method} ${pathname}`).toBeDefined()
    if (method === 'POST') {
      const text = String(init?.body ?? '')
      const isJson = pathname.startsWith('/v2/')
      const fields = isJson ? JSON.parse(text || '{}') : fromForm(new URLSearchParams(text))
      const kind = isJson ? 'application/json' : 'application/x-www-form-urlencoded'
      const body = operation?.requestBody?.content[kind]
      if (body) contract.check(body.schema, fields, !isJson)
      else expect(fields).toEqual({})
    } else {
      const known = (operation?.parameters ?? []).filter((parameter) => parameter.in === 'query')
      const properties = Object.fromEntries(known.map(({ name, schema }) => [name, schema]))
      contract.check({ type: 'object', properties, additionalProperties: false }, fromForm(searchParams), true)
    }
    return fetch(input, init)
  })
  return stripeClient(box, { httpClient })
}

/** An address without a parameter in it comes before one with. */
function operationFor(contract: Contract, method: string, path: string) {
  const templates = Object.keys(contract.paths).filter((template) => matches(template, path))
  const [template] = templates.sort((left, right) => left.split('{').length - right.split('{').length)
  const operation = template === undefined ? undefined : contract.paths[template]?.[method.toLowerCase()]
  return operation && { ...operation, template }
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
