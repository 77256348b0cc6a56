import { BillingError, createBilling, defineCatalog } from 'billfold'
import { memoryStore } from 'billfold/adapters/memory'
import { readUsage } from 'billfold/prices'
import { describe, expect, it } from 'vitest'

const chat = {
  model: 'gpt-5',
  service_tier: 'default',
  usage: {
    prompt_tokens: 1000,
    prompt_tokens_details: { cached_tokens: 900, audio_tokens: 0 },
    completion_tokens: 300,
    completion_tokens_details: { reasoning_tokens: 100, audio_tokens: 0 },
  },
}
const messages = {
  model: 'claude-sonnet-4-5',
  usage: {
    input_tokens: 10,
    cache_read_input_tokens: 2000,
    cache_creation_input_tokens: 700,
    cache_creation: { ephemeral_5m_input_tokens: 500, ephemeral_1h_input_tokens: 200 },
    output_tokens: 50,
    server_tool_use: { web_search_requests: 2 },
    service_tier: 'standard',
  },
}
const withUsage = (change: object) => ({ ...messages, usage: { ...messages.usage, ...change } })
const chatWith = (change: object) => ({ ...chat, usage: { ...chat.usage, ...change } })

describe('readUsage', () => {
  it('S1.2 takes the parts out of the whole: no token is in two pools', () => {
    expect(readUsage(chat, { provider: 'openai' })).toEqual({
      provider: 'openai',
      model: 'gpt-5',
      tokens: { input: 100, cache_read: 900, output: 200, reasoning: 100 },
      serviceTier: 'standard',
    })
    expect(readUsage(messages, { provider: 'anthropic' }).tokens).toEqual({
      ...{ input: 10, cache_read: 2000, cache_write_5m: 500, cache_write_1h: 200, output: 50, web_searches: 2 },
    })
  })

  it('S1.2 finds which of a provider’s shapes a body has by the reading that leaves nothing out', () => {
    const responses = {
      model: 'gpt-5',
      usage: { input_tokens: 100, input_tokens_details: { cached_tokens: 40 }, output_tokens: 9 },
    }
    expect(readUsage(responses, { provider: 'azure' }).tokens).toEqual({ input: 60, cache_read: 40, output: 9 })
    const tokens = { input: 10, cache_read: 2000, cache_write: 700, output: 50 }
    expect(readUsage(messages, { provider: 'azure' }).tokens).toEqual(tokens)
    expect(readUsage(chat, { provider: 'azure', flavor: 'embeddings' }).tokens).toEqual({ input: 1000 })
  })

  it('S1.2 says how the request was served', () => {
    expect(readUsage({ ...chat, service_tier: 'priority' }, { provider: 'openai' }).serviceTier).toBe('priority')
    expect(readUsage(withUsage({ service_tier: 'batch' }), { provider: 'anthropic' }).serviceTier).toBe('batch')
    expect(readUsage({ ...chat, service_tier: null }, { provider: 'openai' }).serviceTier).toBe('standard')
  })

  it('S1.2 of a response that used nothing is nothing, which a capture can say', () => {
    const empty = { model: 'gpt-5', usage: { prompt_tokens: 0, completion_tokens: 0 } }
    expect(readUsage(empty, { provider: 'openai' }).tokens).toEqual({ input: 0 })
  })

  it('S1.2 takes the model from its options for a body that names none', () => {
    const { model: _, ...nameless } = chat
    expect(readUsage(nameless, { provider: 'openai', model: 'gpt-5-mini' }).model).toBe('gpt-5-mini')
    expect(() => readUsage(nameless, { provider: 'openai' })).toThrow(/names no model/)
  })

  const invalid: readonly (readonly [what: string, body: unknown, provider: string, reason: RegExp])[] = [
    ['that is null', null, 'openai', /none of/],
    ['that is text', '{}', 'openai', /none of/],
    ['without usage', { model: 'gpt-5' }, 'openai', /none of/],
    ['of another vendor', messages, 'groq', /none of/],
    ['with more cached than read', chatWith({ prompt_tokens: 100 }), 'openai', /more in the parts/],
    ['with more reasoning than output', chatWith({ completion_tokens: 99 }), 'openai', /more in the parts/],
    ['with a count below zero', chatWith({ prompt_tokens: -1 }), 'openai', /none of|counts/],
    ['with half a token', chatWith({ completion_tokens: 300.5 }), 'openai', /counts 300.5/],
    ['with a count as text', chatWith({ prompt_tokens_details: { cached_tokens: '900' } }), 'openai', /cached_tokens/],
    [
      'with audio and cache',
      chatWith({ prompt_tokens_details: { cached_tokens: 9, audio_tokens: 9 } }),
      'openai',
      /kind/,
    ],
    ['with another model inside', withUsage({ iterations: [{ type: 'advisor_message' }] }), 'anthropic', /iterations/],
    ['with tools of no price', withUsage({ server_tool_use: { code_requests: 1 } }), 'anthropic', /code_requests/],
    ['with tools executed', chatWith({ server_tool_use_details: { tool_calls_executed: 1 } }), 'openai', /executed/],
    ['served in one country', withUsage({ inference_geo: 'us' }), 'anthropic', /price of its own/],
    ['served at an unknown tier', { ...chat, service_tier: 'flex' }, 'openai', /tier/],
    ['served at a tier that is a number', { ...chat, service_tier: 1 }, 'openai', /tier/],
    ['served at two tiers', withUsage({ service_tier: 'batch', serviceTier: 'priority' }), 'anthropic', /several/],
  ]
  for (const [what, body, provider, reason] of invalid) {
    it(`S1.2 refuses a body ${what}, with the reason`, () => {
      let error: unknown
      try {
        readUsage(body, { provider })
      } catch (thrown) {
        error = thrown
      }
      if (!BillingError.is(error)) throw new Error('expected a refusal', { cause: error })
      expect(error.code).toBe('provider_response_invalid')
      expect(error.message).toMatch(reason)
    })
  }

  it('S1.2 refuses a provider or a shape it cannot read', () => {
    const unsupported = expect.objectContaining({ code: 'option_unsupported' })
    expect(() => readUsage(chat, { provider: 'nobody' })).toThrow(unsupported)
    expect(() => readUsage(chat, { provider: 'together' })).toThrow(unsupported)
    expect(() => readUsage(chat, { provider: 'openai', flavor: 'poem' })).toThrow(unsupported)
  })
})

it('C6 what a body used goes into recordUsage as it is', async () => {
  const catalog = defineCatalog({
    meters: { ai_tokens: { rate: { mode: 'by_cost' } } },
    models: { 'gpt-5': { input: '1.25', cache_read: '0.125', output: '10', reasoning: '10' } },
  })
  const billing = createBilling({ catalog, store: memoryStore({ allowVolatile: true }) })
  await billing.accounts.ensure({ accountId: 'org_1', email: 'a@example.com' })
  const used = readUsage(chat, { provider: 'openai' })
  const input = { accountId: 'org_1', meter: 'ai_tokens', idempotencyKey: 'r1', ...used } as const
  expect(await billing.recordUsage(input)).toMatchObject({ costUsd: '0.0032375', sparks: 97_125_000n })
  await billing.close()
})
