import { createOpenAI } from '@ai-sdk/openai'
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base'
import { generateText, stepCountIs, streamText, tool, wrapLanguageModel } from 'ai'
import { billingMiddleware } from 'billfold/ai-sdk'
import { genAiSpanProcessor, importLiteLlmSpend } from 'billfold/gateway'
import { countModelTokens } from 'billfold/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { accountId, openWorld, type World } from './world.js'

let world: World
beforeEach(async () => {
  world = await openWorld()
})
afterEach(async () => {
  await expect.poll(() => world.held()).toBe(0n)
  await world.close()
})

describe('the AI SDK', () => {
  const model = () => {
    const openai = createOpenAI(world.box.models.openai)
    const limits = { maximumOutputTokens: 1_000, contextTokens: 100_000 }
    const middleware = billingMiddleware(world.billing, {
      meter: 'tokens',
      caller: { accountId },
      provider: 'openai',
      models: { 'gpt-5': limits },
      countTokens: countModelTokens,
      onError: (error) => void world.told.push(error),
    })
    return wrapLanguageModel({ model: openai.chat('gpt-5'), middleware })
  }
  const asked = { prompt: 'how are you today', maxRetries: 0 }

  it('S2.3 sends nothing without money, and charges what a step used', async () => {
    await expect(generateText({ model: model(), ...asked })).rejects.toThrow('Insufficient funds. Please top up.')
    expect(world.box.models.calls()).toEqual([])
    await world.give('1')
    const { text } = await generateText({ model: model(), ...asked })
    expect(text).toBe('credits are held before a call and captured')
    expect(await world.balance()).toBe(1_000_000_000n - 84_000n)
  })

  it('S2.3 charges every step of an agent', async () => {
    await world.give('1')
    world.box.models.reply({ calls: [{ name: 'weather', arguments: '{"city":"Berlin"}' }] })
    const weather = tool({ inputSchema: z.object({ city: z.string() }), execute: async () => 'rain' })
    const { steps, totalUsage } = await generateText({
      model: model(),
      ...asked,
      tools: { weather },
      stopWhen: stepCountIs(3),
    })
    expect(steps).toHaveLength(2)
    const { inputTokens = 0, outputTokens = 0 } = totalUsage
    const cost = BigInt(inputTokens) * 1_000n + BigInt(outputTokens) * 10_000n
    expect(await world.balance()).toBe(1_000_000_000n - cost)
    expect((await world.billing.usage.list({ accountId })).items).toHaveLength(2)
  })

  it('S2.3 charges a stream exactly, and one that is left for what was produced', async () => {
    await world.give('1')
    const whole = streamText({ model: model(), ...asked })
    for await (const _ of whole.textStream);
    expect(await world.balance()).toBe(1_000_000_000n - 84_000n)

    world.box.models.clear()
    world.box.models.reply({ says: 64, stallAfter: 6 })
    const going = new AbortController()
    const left = streamText({ model: model(), ...asked, abortSignal: going.signal, onError: () => {} })
    let seen = 0
    for await (const _ of left.textStream) {
      seen += 1
      if (seen === 6) going.abort()
    }
    await expect.poll(() => world.held()).toBe(0n)
    expect(await world.balance()).toBe(1_000_000_000n - 84_000n - 64_000n)
    await expect.poll(() => world.box.models.calls()[0]).toMatchObject({ status: 'aborted', outputTokens: 6 })
    const [usage] = (await world.billing.usage.list({ accountId, limit: 1 })).items
    expect(usage?.dimensions).toMatchObject({ endpoint: 'ai-sdk', estimated: 'aborted' })
  })
})

describe('spans of OpenTelemetry', () => {
  it('S1.1 are recorded once a request, with what was cached at its own price, and those around them are not', async () => {
    await world.give('1')
    const processor = genAiSpanProcessor(world.billing, {
      meter: 'tokens',
      accountOf: ({ attributes }) => String(attributes['app.account'] ?? '') || null,
      onError: (error) => void world.told.push(error),
    })
    const tracer = new BasicTracerProvider({ spanProcessors: [processor as never] }).getTracer('test')
    const span = (operation: string, attributes: Readonly<Record<string, string | number>>) => {
      const started = tracer.startSpan(operation)
      started.setAttributes({ 'gen_ai.operation.name': operation, 'gen_ai.provider.name': 'openai', ...attributes })
      started.end()
      return started
    }
    const used = { 'app.account': accountId, 'gen_ai.request.model': 'gpt-5', 'gen_ai.usage.output_tokens': 10 }
    const told = span('chat', { ...used, 'gen_ai.usage.input_tokens': 100, 'gen_ai.usage.cache_read.input_tokens': 60 })
    processor.onEnd(told as never)
    span('invoke_agent', { ...used, 'gen_ai.usage.input_tokens': 100 })
    span('execute_tool', { 'app.account': accountId })
    span('chat', { 'gen_ai.request.model': 'gpt-5', 'gen_ai.usage.input_tokens': 5 })
    await processor.forceFlush()
    // 40 × $1/M + 60 × $0.1/M + 10 × $10/M.
    expect(await world.balance()).toBe(1_000_000_000n - 146_000n)
    expect(world.told).toEqual([])
    span('chat', { ...used, 'gen_ai.request.model': 'unheard-of', 'gen_ai.usage.input_tokens': 1 })
    await processor.shutdown()
    expect(world.told).toMatchObject([{ code: 'model_not_priced' }])
  })
})

describe('spend logs of LiteLLM', () => {
  it('S1.1 are recorded once, at our prices and in their time, whatever they say was spent', async () => {
    await world.give('1')
    const row = {
      request_id: 'chatcmpl-1',
      model: 'gpt-5',
      custom_llm_provider: 'openai',
      prompt_tokens: 100,
      completion_tokens: 10,
      // What it said in 83 of 100 rows of one installation.
      spend: 0,
      endTime: new Date(Date.now() - 3_600_000).toISOString().replace('Z', ''),
      team_id: accountId,
      api_key: 'hashed',
    }
    const cached = {
      prompt_tokens: 100,
      completion_tokens: 10,
      total_tokens: 110,
      prompt_tokens_details: { cached_tokens: 60 },
    }
    const rows = [
      row,
      { ...row, request_id: 'chatcmpl-2', metadata: JSON.stringify({ usage_object: cached }) },
      { ...row, request_id: 'chatcmpl-3', cache_hit: 'True' },
      { ...row, request_id: 'chatcmpl-4', team_id: null },
      { ...row, request_id: 'chatcmpl-5', model: 'unheard-of' },
      { ...row, request_id: 'chatcmpl-6', prompt_tokens: -5 },
    ]
    const options = {
      meter: 'tokens',
      accountOf: (each: { readonly team_id?: string | null | undefined }) => each.team_id ?? null,
    } as const
    const first = await importLiteLlmSpend(world.billing, rows, options)
    expect(first).toMatchObject({ recorded: 2, duplicates: 0, skipped: 2 })
    expect(first.failed.map(({ row: number, error }) => [number, error.code])).toEqual([
      [5, 'model_not_priced'],
      [6, 'invalid_request'],
    ])
    expect(await world.balance()).toBe(1_000_000_000n - 200_000n - 146_000n)
    expect(await importLiteLlmSpend(world.billing, rows, options)).toMatchObject({ recorded: 0, duplicates: 2 })
    expect(await world.balance()).toBe(1_000_000_000n - 346_000n)
  })
})
