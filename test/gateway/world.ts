import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import Anthropic from '@anthropic-ai/sdk'
import { type BillingService, type CatalogConfig, createBilling, defineCatalog, type Store } from 'billfold'
import { memoryStore } from 'billfold/adapters/memory'
import { createGateway, type GatewayOptions, type Upstream } from 'billfold/gateway'
import { toNodeListener } from 'billfold/http/node'
import { countModelTokens, type Sandbox, sandbox } from 'billfold/testing'
import OpenAI from 'openai'

/** A Spark is a tenth of a cent, so that a micro-spark is a nano: the unit of credit is the dollar. */
export const catalog = defineCatalog({
  sparks: { price: '0.001', margin: '1' },
  meters: { tokens: { unit: 'token', rate: { mode: 'by_cost' } } },
  models: {
    'gpt-5': { input: '1', cache_read: '0.1', output: '10' },
    'claude-opus-5': { input: '2', cache_read: '0.2', cache_write_5m: '2.5', output: '20' },
    'gemini-3': { input: '1', output: '5' },
    'embed-3': { input: '0.5' },
    'free-form': { input: '1', output: '1' },
  },
} satisfies CatalogConfig)

export type GatewayCatalog = typeof catalog

export const accountId = 'alice'

export interface World {
  readonly box: Sandbox
  readonly billing: BillingService<object, GatewayCatalog>
  readonly url: string
  readonly openai: OpenAI
  readonly anthropic: Anthropic
  /** What went to `onError`. */
  readonly told: unknown[]
  /** Gives dollars. */
  give(amount: string, to?: string): Promise<void>
  /** In nanos. */
  balance(of?: string): Promise<bigint>
  held(of?: string): Promise<bigint>
  close(): Promise<void>
}

export function upstreamsOf(box: Sandbox): readonly Upstream[] {
  const { openai, anthropic, gemini } = box.models
  const limits = { maximumOutputTokens: 1_000, contextTokens: 100_000 }
  return [
    {
      provider: 'openai',
      ...openai,
      models: {
        'gpt-5': { ...limits, imageTokens: 1_000 },
        'embed-3': { ...limits, maximumOutputTokens: 0 },
        unpriced: limits,
        'free-form': limits,
      },
    },
    { provider: 'anthropic', ...anthropic, models: { 'claude-opus-5': limits } },
    { provider: 'google', baseURL: gemini.openaiURL, apiKey: gemini.apiKey, models: { 'gemini-3': limits } },
  ]
}

/** Keys that open accounts, as a host has them that knows its callers itself. */
const keys: Readonly<
  Record<string, { readonly accountId: string; readonly apiKeyId?: string; readonly userId?: string }>
> = {
  'key-alice': { accountId },
  'key-alice-small': { accountId, apiKeyId: 'small' },
  'key-alice-bob': { accountId, userId: 'bob' },
  'key-carol': { accountId: 'carol' },
}

export async function openWorld(
  options: Partial<GatewayOptions<GatewayCatalog>> & { readonly store?: Store } = {},
): Promise<World> {
  const { store = memoryStore(), ...rest } = options
  const box = await sandbox()
  const billing = createBilling({ catalog, store })
  for (const id of [accountId, 'carol']) await billing.accounts.ensure({ accountId: id })
  const told: unknown[] = []
  const gateway = createGateway(billing, {
    meter: 'tokens',
    upstreams: upstreamsOf(box),
    countTokens: (text) => countModelTokens(text),
    topUpUrl: 'https://shop.example/top-up',
    onError: (error) => void told.push(error),
    identify: (request) => {
      const key = request.headers.get('authorization')?.replace('Bearer ', '') ?? request.headers.get('x-api-key')
      return keys[key ?? ''] ?? null
    },
    ...rest,
  })
  const server = createServer(toNodeListener(gateway))
  const url = await listening(server)
  let grants = 0
  return {
    box,
    billing,
    url,
    told,
    openai: new OpenAI({ baseURL: `${url}/v1`, apiKey: 'key-alice', maxRetries: 0 }),
    anthropic: new Anthropic({ baseURL: url, apiKey: 'key-alice', maxRetries: 0 }),
    async give(amount, to = accountId) {
      grants += 1
      // A thousand Sparks are a dollar.
      const micro = BigInt(Math.round(Number(amount) * 1e9))
      await billing.credits.grant({ accountId: to, amount: micro, reason: 'welcome', idempotencyKey: `g${grants}` })
    },
    balance: async (of = accountId) => (await billing.credits.balance({ accountId: of })).balance,
    held: async (of = accountId) => (await billing.credits.balance({ accountId: of })).held,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await billing.close()
      await box.close()
    },
  }
}

export async function listening(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

export const messages = [{ role: 'user' as const, content: 'how are you today' }]
