import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { createBilling, defineCatalog } from 'billfold'
import { memoryStore } from 'billfold/adapters/memory'
import { createGateway, type GatewayModel, type Upstream } from 'billfold/gateway'
import { toNodeListener } from 'billfold/http/node'
import { genaiPrices, readUsage } from 'billfold/prices'
import { sandbox } from 'billfold/testing'
import { expect, it } from 'vitest'
import { listening } from './world.js'

interface Body {
  readonly id: number
  readonly body: Readonly<Record<string, unknown>>
  readonly expected: readonly {
    readonly prices: readonly { readonly provider_id: string; readonly api_flavor: string }[]
  }[]
}

/** By which endpoint a shape of usage comes. */
const endpoints: Readonly<Record<string, 'chat' | 'responses' | 'embeddings' | 'messages'>> = {
  responses: 'responses',
  embeddings: 'embeddings',
  anthropic: 'messages',
}

it('S2.2 real bodies of vendors are charged exactly what they cost, served by the gateway in one piece and streamed', async (context) => {
  const folder = process.env.DATA_DIR
  if (folder === undefined) return context.skip('DATA_DIR names no folder with llm-usages.json')
  const all = JSON.parse(readFileSync(join(folder, 'llm-usages.json'), 'utf8')) as readonly Body[]
  const step = process.env.BILLFOLD_PROOF === 'full' ? 1 : 10
  const bodies = all.filter((_, index) => index % step === 0)
  const cases = bodies.flatMap(({ id, body, expected }) =>
    expected
      .flatMap(({ prices }) => prices.slice(0, 1))
      .map(({ provider_id: provider, api_flavor: flavor }) => {
        const model = String(body.model ?? body.modelVersion)
        const speaks = provider === 'anthropic' || flavor === 'anthropic' ? 'messages' : (endpoints[flavor] ?? 'chat')
        return { id, body, provider, flavor, model, endpoint: speaks } as const
      }),
  )
  const box = await sandbox()
  const catalog = defineCatalog({
    sparks: { price: '0.001', margin: '1' },
    meters: { tokens: { rate: { mode: 'by_cost' } } },
    prices: genaiPrices({ batch: '0.5', priority: '2' }),
  })
  const billing = createBilling({ catalog, store: memoryStore() })
  const accountId = 'acme'
  await billing.accounts.ensure({ accountId })
  await billing.credits.grant({ accountId, amount: 1_000_000_000, reason: 'much', idempotencyKey: 'g' })
  const told: string[] = []
  const gateway = createGateway(billing, {
    meter: 'tokens',
    upstreams: upstreams(),
    identify: () => ({ accountId }),
    onError: (error) => void told.push(String(error)),
  })
  const server = createServer(toNodeListener(gateway))
  const url = await listening(server)

  const verdicts: Record<string, number> = {}
  for (const each of cases) {
    for (const stream of each.endpoint === 'embeddings' ? [false] : [false, true]) {
      const verdict = await serve(each, stream)
      verdicts[verdict] = (verdicts[verdict] ?? 0) + 1
    }
  }
  console.log(`${bodies.length} bodies`, verdicts)
  const { exact = 0, ...others } = verdicts
  const served = Object.values(verdicts).reduce((sum, count) => sum + count, 0)
  expect(exact / served).toBeGreaterThan(0.95)
  // What has a reading without a price, or none that is whole: estimated, and marked.
  expect(Object.keys(others).filter((verdict) => !/^(estimated|refused)/.test(verdict))).toEqual([])
  server.closeAllConnections()
  server.close()
  await billing.close()
  await box.close()

  function upstreams(): readonly Upstream[] {
    const { openai, anthropic } = box.models
    const groups = new Map<string, Upstream & { readonly models: Record<string, GatewayModel> }>()
    for (const { provider, model, endpoint } of cases) {
      const kind = endpoint === 'messages' ? 'anthropic' : 'openai'
      const size = endpoint === 'embeddings' ? 'embeddings' : 'text'
      const key = `${provider}/${kind}`
      const door = kind === 'anthropic' ? anthropic : openai
      const group = groups.get(key) ?? { provider, ...door, protocol: kind, models: {} }
      groups.set(key, group)
      const maximumOutputTokens = size === 'embeddings' ? 0 : 1_000_000
      group.models[`${key}/${size}/${model}`] = { name: model, maximumOutputTokens, contextTokens: 10_000_000 }
    }
    return [...groups.values()]
  }

  async function serve({ body, provider, flavor, model, endpoint, id }: (typeof cases)[number], stream: boolean) {
    const { model: _, modelVersion: __, ...told } = body
    const { usage, ...rest } = told as { usage?: Record<string, unknown> }
    box.models.clear()
    box.models.reply({ says: 'yes', ...(usage ? { usage } : { usage: 'missing' as const }), body: rest })
    const kind = endpoint === 'messages' ? 'anthropic' : 'openai'
    const served = `${provider}/${kind}/${endpoint === 'embeddings' ? 'embeddings' : 'text'}/${model}`
    const path = {
      chat: '/v1/chat/completions',
      responses: '/v1/responses',
      embeddings: '/v1/embeddings',
      messages: '/v1/messages',
    }
    const said =
      endpoint === 'responses' || endpoint === 'embeddings'
        ? { input: 'hi' }
        : { messages: [{ role: 'user', content: 'hi' }] }
    const before = (await billing.credits.balance({ accountId })).balance
    const response = await fetch(`${url}${path[endpoint]}`, {
      method: 'POST',
      body: JSON.stringify({
        model: served,
        ...said,
        ...(endpoint === 'messages' && { max_tokens: 10 }),
        ...(stream && { stream }),
      }),
    })
    await response.text()
    if (!response.ok) return `refused ${response.status}`
    const cost = before - (await billing.credits.balance({ accountId })).balance
    const [{ dimensions }] = (await billing.usage.list({ accountId, limit: 1 })).items as unknown as [
      { readonly dimensions: Readonly<Record<string, string>> },
    ]
    if (dimensions.estimated) return `estimated: ${dimensions.estimated}`
    const { tokens, serviceTier } = readUsage(body, { provider, flavor, model })
    const quote = await billing.quote({ meter: 'tokens', provider, model, tokens, serviceTier })
    expect(cost, `body ${id}, ${provider}/${flavor}, ${stream ? 'streamed' : 'whole'}`).toBe(quote.sparks)
    return 'exact'
  }
}, 120_000)
