import Anthropic from '@anthropic-ai/sdk'
import OpenAI from 'openai'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { accountId, messages, openWorld, type World } from './world.js'

let world: World
beforeAll(async () => {
  world = await openWorld()
})
beforeEach(() => world.give('100'))
afterEach(async () => {
  expect(await world.held()).toBe(0n)
  world.box.models.clear()
  world.box.faults.clear()
})
afterAll(() => world.close())

/** What was charged while something was done, in nanos. */
async function charged(work: () => Promise<unknown>): Promise<bigint> {
  const before = await world.balance()
  await work()
  return before - (await world.balance())
}

const weather = { name: 'weather', arguments: '{"city":"Berlin"}' }
const schema = { type: 'object' as const, properties: { content: { type: 'string' } } }

describe('the official client of OpenAI', () => {
  it('S2.2 chats, and the true cost is gone when it has its answer', async () => {
    const cost = await charged(async () => {
      const answer = await world.openai.chat.completions.create({ model: 'gpt-5', messages })
      expect(answer.usage).toMatchObject({ prompt_tokens: 4, completion_tokens: 8 })
    })
    // 4 × $1/M + 8 × $10/M.
    expect(cost).toBe(84_000n)
    const [call] = world.box.models.calls()
    expect(call?.body).toMatchObject({ model: 'gpt-5', max_completion_tokens: 1000 })
    expect(call?.headers.authorization).toBe('Bearer sk-openai-sandbox')
    expect(JSON.stringify(call?.headers)).not.toContain('key-alice')
  })

  it('S2.2 streams a chat; it is paid for when the stream has ended', async () => {
    world.box.models.reply({ says: ['one', ' two', ' three'] })
    const seen: unknown[] = []
    let text = ''
    const before = await world.balance()
    const stream = await world.openai.chat.completions.create({ model: 'gpt-5', messages, stream: true })
    for await (const chunk of stream) {
      seen.push(chunk.usage)
      text += chunk.choices[0]?.delta.content ?? ''
    }
    expect(text).toBe('one two three')
    expect(before - (await world.balance())).toBe(34_000n)
    // It did not ask for usage, so the event with it was not for it.
    expect(seen.filter((usage) => usage)).toEqual([])
    const asked = { model: 'gpt-5', messages, stream: true, stream_options: { include_usage: true } } as const
    const told = []
    for await (const chunk of await world.openai.chat.completions.create(asked)) if (chunk.usage) told.push(chunk.usage)
    expect(told).toMatchObject([{ prompt_tokens: 4, completion_tokens: 8 }])
  })

  it('S2.2 calls functions, streamed or not', async () => {
    world.box.models.reply({ calls: [weather], times: 2 })
    const tools = [{ type: 'function' as const, function: { name: 'weather', parameters: schema } }]
    const answer = await world.openai.chat.completions.create({ model: 'gpt-5', messages, tools })
    expect(answer.choices[0]?.message.tool_calls).toMatchObject([{ function: weather }])
    const streamed = await world.openai.chat.completions
      .stream({ model: 'gpt-5', messages, tools })
      .finalChatCompletion()
    expect(streamed.choices[0]).toMatchObject({
      finish_reason: 'tool_calls',
      message: { tool_calls: [{ function: weather }] },
    })
  })

  it('S2.2 asks for responses, streamed or not', async () => {
    const asked = { model: 'gpt-5', input: 'how are you today' }
    expect(await charged(() => world.openai.responses.create(asked))).toBe(84_000n)
    const cost = await charged(async () => {
      const events = []
      for await (const event of await world.openai.responses.create({ ...asked, stream: true })) events.push(event.type)
      expect(events[0]).toBe('response.created')
      expect(events.at(-1)).toBe('response.completed')
    })
    expect(cost).toBe(84_000n)
    expect(world.box.models.calls().map(({ body }) => body.store)).toEqual([false, false])
  })

  it('S2.2 embeds', async () => {
    const asked = { model: 'embed-3', input: ['one two three', 'four'] }
    const cost = await charged(async () => {
      const { data } = await world.openai.embeddings.create(asked)
      expect(data.map(({ embedding }) => embedding)).toEqual([
        [0.25, -0.5, 1],
        [0.25, -0.5, 1],
      ])
    })
    expect(cost).toBe(2_000n)
  })

  it('S2.2 reaches Gemini by its compatible route', async () => {
    expect(await charged(() => world.openai.chat.completions.create({ model: 'gemini-3', messages }))).toBe(44_000n)
    expect(world.box.models.calls()[0]).toMatchObject({ path: '/gemini/v1beta/openai/chat/completions' })
  })

  it('S2.2 lists the models that are served', async () => {
    const names = (await world.openai.models.list()).data.map(({ id }) => id)
    expect(names).toEqual(['gpt-5', 'embed-3', 'unpriced', 'free-form', 'claude-opus-5', 'gemini-3'])
    expect(await world.openai.models.retrieve('gpt-5')).toMatchObject({ id: 'gpt-5', object: 'model' })
    await expect(world.openai.models.retrieve('none')).rejects.toBeInstanceOf(OpenAI.NotFoundError)
  })
})

describe('the official client of Anthropic', () => {
  const asked = { model: 'claude-opus-5', max_tokens: 100, messages }

  it('S2.2 sends messages, streamed or not', async () => {
    const cost = await charged(async () => {
      expect(await world.anthropic.messages.create(asked)).toMatchObject({
        stop_reason: 'end_turn',
        usage: { input_tokens: 4, output_tokens: 8 },
      })
    })
    // 4 × $2/M + 8 × $20/M.
    expect(cost).toBe(168_000n)
    const streamed = await charged(async () => {
      const message = await world.anthropic.messages.stream(asked).finalMessage()
      expect(message.usage.output_tokens).toBe(8)
    })
    expect(streamed).toBe(168_000n)
    expect(world.box.models.calls()[0]?.headers).toMatchObject({ 'x-api-key': 'sk-ant-sandbox' })
  })

  it('S2.2 uses tools, streamed or not', async () => {
    world.box.models.reply({ calls: [weather], times: 2 })
    const tools = [{ name: 'weather', input_schema: schema }]
    const use = { type: 'tool_use', name: 'weather', input: { city: 'Berlin' } }
    const told = [
      ...messages,
      {
        role: 'assistant' as const,
        content: [{ type: 'tool_use' as const, id: 't', name: 'weather', input: { type: 'x' } }],
      },
      { role: 'user' as const, content: [{ type: 'tool_result' as const, tool_use_id: 't', content: 'rain' }] },
    ]
    expect(await world.anthropic.messages.create({ ...asked, messages: told, tools })).toMatchObject({ content: [use] })
    const last = await world.anthropic.messages.stream({ ...asked, tools }).finalMessage()
    expect(last.content.at(-1)).toMatchObject(use)
  })

  it('S2.2 counts what was read from the cache and written to it at its own price', async () => {
    const usage = { input_tokens: 4, cache_read_input_tokens: 100, cache_creation_input_tokens: 10, output_tokens: 1 }
    const creation = { cache_creation: { ephemeral_5m_input_tokens: 10, ephemeral_1h_input_tokens: 0 } }
    world.box.models.reply({ usage: { ...usage, ...creation }, times: 2 })
    // 4 × 2 + 100 × 0.2 + 10 × 2.5 + 1 × 20 dollars a million.
    expect(await charged(() => world.anthropic.messages.create(asked))).toBe(73_000n)
    expect(await charged(() => world.anthropic.messages.stream(asked).finalMessage())).toBe(73_000n)
  })

  it('S2.2 lists the models that are served', async () => {
    const page = await world.anthropic.models.list()
    expect(page.data.map(({ id }) => id)).toContain('claude-opus-5')
  })
})

describe('errors', () => {
  const chat = { model: 'gpt-5', messages }
  const message = { model: 'claude-opus-5', max_tokens: 100, messages }

  it('S2.2 nobody is told so in the words of either protocol', async () => {
    const stranger = { apiKey: 'sk-wrong', maxRetries: 0 }
    const openai = new OpenAI({ baseURL: `${world.url}/v1`, ...stranger })
    const refused = await openai.chat.completions.create(chat).catch((error: unknown) => error)
    expect(refused).toBeInstanceOf(OpenAI.AuthenticationError)
    expect(JSON.stringify(refused)).not.toContain('sk-wrong')
    const anthropic = new Anthropic({ baseURL: world.url, ...stranger })
    await expect(anthropic.messages.create(message)).rejects.toBeInstanceOf(Anthropic.AuthenticationError)
    expect(world.box.models.calls()).toEqual([])
  })

  it('S2.2 what an upstream refuses costs nothing, and raises the error it is', async () => {
    const cases = [
      [429, OpenAI.RateLimitError, Anthropic.RateLimitError],
      [400, OpenAI.BadRequestError, Anthropic.BadRequestError],
      [404, OpenAI.NotFoundError, Anthropic.NotFoundError],
      [500, OpenAI.InternalServerError, Anthropic.InternalServerError],
      // The gateway's own key was refused: that is no error of the client's.
      [401, OpenAI.InternalServerError, Anthropic.InternalServerError],
    ] as const
    for (const [status, ofOpenai, ofAnthropic] of cases) {
      world.box.models.reply({ refuse: { status, message: 'Key sk-openai-sandbox is…' }, times: 3 })
      const cost = await charged(async () => {
        await expect(world.openai.chat.completions.create(chat)).rejects.toBeInstanceOf(ofOpenai)
        await expect(world.openai.chat.completions.create({ ...chat, stream: true })).rejects.toBeInstanceOf(ofOpenai)
        await expect(world.anthropic.messages.create(message)).rejects.toBeInstanceOf(ofAnthropic)
      })
      expect(cost).toBe(0n)
    }
  })

  it('S2.2 an upstream that cannot be reached costs nothing', async () => {
    world.box.faults.inject({ kind: 'reset_before', match: { pathIncludes: '/models/openai' } })
    const cost = await charged(async () => {
      await expect(world.openai.chat.completions.create(chat)).rejects.toMatchObject({
        status: 502,
        code: 'upstream_unavailable',
      })
    })
    expect(cost).toBe(0n)
  })

  it('S2.2 what has no price or no bound is never sent', async () => {
    const image = { type: 'image_url' as const, image_url: { url: 'https://a.example/a.png' } }
    const audio = { type: 'input_audio' as const, input_audio: { data: 'AAAA', format: 'wav' as const } }
    const ask = (more: object) =>
      world.openai.chat.completions.create({ ...chat, ...more } as OpenAI.ChatCompletionCreateParamsNonStreaming)
    const refused = [
      [{ model: 'unpriced' }, 404],
      [{ model: 'never-heard-of' }, 404],
      [{ model: 'claude-opus-5' }, 404],
      [{ web_search_options: {} }, 400],
      [{ service_tier: 'priority' }, 400],
      [{ api_base: 'https://evil.example' }, 400],
      [{ n: 1_000 }, 400],
      [{ n: -1 }, 400],
      [{ max_tokens: -5 }, 400],
      [{ tools: [{ type: 'web_search' }] }, 400],
      [{ messages: [{ role: 'user', content: [audio] }] }, 400],
      [{ model: 'gemini-3', messages: [{ role: 'user', content: [image] }] }, 400],
    ] as const
    for (const [more, status] of refused)
      await expect(ask(more), JSON.stringify(more)).rejects.toMatchObject({ status })
    const previous = { model: 'gpt-5', input: 'and?', previous_response_id: 'resp_of_somebody' }
    await expect(world.openai.responses.create(previous)).rejects.toBeInstanceOf(OpenAI.BadRequestError)
    const reference = { model: 'gpt-5', input: [{ type: 'item_reference' as const, id: 'msg_of_somebody' }] }
    await expect(world.openai.responses.create(reference)).rejects.toBeInstanceOf(OpenAI.BadRequestError)
    expect(world.box.models.calls()).toEqual([])
    world.box.models.reply({ says: 'a cat' })
    await ask({ messages: [{ role: 'user', content: [{ type: 'text', text: 'what is it' }, image] }] })
    expect(world.box.models.calls()).toHaveLength(1)
  })

  it('S2.2 answers health to anybody, and nothing else to nobody', async () => {
    expect(await (await fetch(`${world.url}/health`)).json()).toEqual({ status: 'ok' })
    expect((await fetch(`${world.url}/v1/balance`)).status).toBe(401)
    expect((await fetch(`${world.url}/v1/models`)).status).toBe(401)
    expect((await fetch(`${world.url}/v1/chat/completions`)).status).toBe(405)
    expect((await fetch(`${world.url}/v1/files`)).status).toBe(404)
    const headers = { authorization: 'Bearer key-alice' }
    expect((await fetch(`${world.url}/v1/models/%E0%A4%A`, { headers })).status).toBe(404)
    const deep = { method: 'POST', headers, body: '['.repeat(100_000) }
    expect((await fetch(`${world.url}/v1/chat/completions`, deep)).status).toBe(400)
    // A key in an address is in every log on the way.
    expect((await fetch(`${world.url}/v1/balance?api_key=key-alice`)).status).toBe(401)
    const balance = await fetch(`${world.url}/v1/balance`, { headers: { authorization: 'Bearer key-alice' } })
    expect(await balance.json()).toMatchObject({ object: 'balance', account_id: accountId, status: 'free', held: '0' })
  })
})
