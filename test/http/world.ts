import { type BillingService, type Catalog, createBilling, type Logger } from 'billfold'
import { memoryStore } from 'billfold/adapters/memory'
import { type BillingHandler, createHandler, type HandlerOptions, type Identity, type Scope } from 'billfold/http'
import type { BillingTelemetry } from 'billfold/opentelemetry'
import { type StripeProvider, stripeProvider } from 'billfold/providers/stripe'
import { catalog } from '../../examples/catalog/tiers.js'
import type { Sandbox } from '../../src/testing/sandbox/sandbox.js'
import type { TestedStore } from '../core/operations/stores.js'
import { stripeClient, timedSandbox } from '../providers/sandboxed.js'
import { expectDocumented } from './documented.js'

export const accountId = 'acme'
export const site = 'https://app.example'

const secret = 'whsec_of_the_world'

export interface World {
  readonly box: Sandbox & { now(): number }
  readonly billing: BillingService<{ readonly default: StripeProvider }, typeof catalog>
  readonly handler: BillingHandler
  /** Asks as the account's owner, or as whoever is named; the answer's body as it came, after a look into the document. */
  ask(method: string, path: string, body?: unknown, headers?: Readonly<Record<string, string>>): Promise<Answer>
  /** What Stripe says a webhook is signed by. */
  sign(payload: string): string
  close(): Promise<void>
}

export interface Answer {
  readonly status: number
  readonly headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: what came is what the test looks at
  readonly body: any
}

export const scopes: readonly Scope[] = ['billing:read', 'billing:pay', 'billing:admin', 'usage:write']

/** Who a bearer token stands for. */
export const people: Readonly<Record<string, Identity>> = {
  owner: { accountId, scopes },
  reader: { accountId, scopes: ['billing:read'] },
  stranger: { accountId: 'other', scopes },
}

/** The tiers on a store (in memory, where none is given), with the sandbox's Stripe behind them and an account on the free plan. */
export async function openWorld({
  people: callers = people,
  catalog: sold = catalog,
  open = async (clock) => memoryStore(clock),
  observed = {},
  ...options
}: Partial<HandlerOptions> & {
  readonly people?: typeof people
  readonly catalog?: Catalog
  readonly open?: TestedStore['open']
  /** Who is told of and measures the service and its handler. */
  readonly observed?: { readonly logger?: Logger; readonly instrumentation?: BillingTelemetry }
} = {}): Promise<World> {
  const box = await timedSandbox()
  const limits = { requestsPerSecond: 1_000_000 }
  const stripe = stripeProvider({ client: stripeClient(box), webhookSecret: secret, limits })
  const billing = createBilling({
    catalog: sold as typeof catalog,
    store: await open({ now: box.now }),
    providers: { default: stripe },
    redirects: { allowedOrigins: [site] },
    environment: { now: box.now },
    ...observed,
  })
  await billing.catalog.apply()
  await billing.accounts.ensure({ accountId, email: 'ada@acme.example', name: 'Acme' })
  const handler = createHandler(billing, {
    identify: (request) => callers[request.headers.get('authorization')?.replace('Bearer ', '') ?? ''] ?? null,
    stripe: { publishableKey: 'pk_test_123' },
    returnUrls: { success: `${site}/billing/success`, cancel: `${site}/billing/cancel` },
    ...observed,
    ...options,
  })
  return {
    box,
    billing,
    handler,
    async ask(method, path, body, headers = {}) {
      const response = await handler(
        new Request(`${site}${handler.basePath}${path}`, {
          method,
          headers: {
            authorization: 'Bearer owner',
            ...(body === undefined ? {} : { 'content-type': 'application/json' }),
            ...headers,
          },
          ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
        }),
      )
      const text = await response.text()
      const isJson = response.headers.get('content-type')?.includes('json')
      const { status, headers: said } = response
      const answer = { status, headers: said, body: isJson && text !== '' ? JSON.parse(text) : text }
      expectDocumented({ method, path: `${handler.basePath}${path}`, type: said.get('content-type'), ...answer })
      return answer
    },
    sign: (payload) =>
      stripeClient(box).webhooks.generateTestHeaderString({
        payload,
        secret,
        timestamp: Math.floor(box.now() / 1_000),
      }),
    async close() {
      await billing.close()
      await box.close()
    },
  }
}
