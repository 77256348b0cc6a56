import Anthropic from '@anthropic-ai/sdk'
import OpenAI from 'openai'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Sandbox, sandbox } from '../../src/testing/sandbox/sandbox.js'

let box: Sandbox
let openai: OpenAI
let anthropic: Anthropic
let gemini: OpenAI
beforeAll(async () => {
  box = await sandbox()
  openai = new OpenAI({ ...box.models.openai, maxRetries: 0 })
  anthropic = new Anthropic({ ...box.models.anthropic, maxRetries: 0 })
  gemini = new OpenAI({ baseURL: box.models.gemini.openaiURL, apiKey: box.models.gemini.apiKey, maxRetries: 0 })
})
afterEach(() => {
  box.faults.clear()
  box.models.clear()
})
afterAll(() => box.close())

const messages = [{ role: 'user' as const, content: 'how are you today' }]

describe('the model twin, asked by the official clients', () => {
  it('S2.2 answers a chat, with the tokens it counted', async () => {
    box.models.reply({ says: 'I am well' })
    const answer = await openai.chat.completions.create({ model: 'gpt-5', messages })
    expect(answer.choices[0]?.message.content).toBe('I am well')
    expect(answer.usage).toMatchObject({ prompt_tokens: 4, completion_tokens: 3, total_tokens: 7 })
    expect(box.models.calls()).toMatchObject([
      { format: 'openai.chat', model: 'gpt-5', stream: false, inputTokens: 4, outputTokens: 3, status: 'done' },
    ])
  })

  it('S2.2 streams a chat word by word, with usage at the end where it is asked for', async () => {
    const stream = await openai.chat.completions.create({
      model: 'gpt-5',
      messages,
      stream: true,
      stream_options: { include_usage: true },
      max_completion_tokens: 5,
    })
    const parts: string[] = []
    let usage: unknown
    for await (const chunk of stream) {
      if (chunk.choices[0]?.delta.content) parts.push(chunk.choices[0].delta.content)
      usage = chunk.usage ?? usage
    }
    expect(parts).toHaveLength(5)
    expect(usage).toMatchObject({ prompt_tokens: 4, completion_tokens: 5 })
  })

  it('S2.2 calls functions, streamed or not, in every format', async () => {
    const reply = { calls: [{ name: 'weather', arguments: '{"city":"Berlin"}' }], times: 2 }
    const tool = { name: 'weather', parameters: { type: 'object', properties: {} } }
    const chat = { model: 'gpt-5', messages, tools: [{ type: 'function' as const, function: tool }] }
    box.models.reply(reply)
    const once = await openai.chat.completions.create(chat)
    expect(once.choices[0]).toMatchObject({
      finish_reason: 'tool_calls',
      message: { content: null, tool_calls: [{ function: { name: 'weather', arguments: '{"city":"Berlin"}' } }] },
    })
    const streamed = await openai.chat.completions.stream(chat).finalChatCompletion()
    expect(streamed.choices[0]?.message.tool_calls?.[0]).toMatchObject({
      function: { name: 'weather', arguments: '{"city":"Berlin"}' },
    })
    box.models.reply(reply)
    const message = {
      model: 'claude-haiku-4-5',
      max_tokens: 50,
      messages,
      tools: [{ name: 'weather', input_schema: { type: 'object' as const } }],
    }
    const use = { type: 'tool_use', name: 'weather', input: { city: 'Berlin' } }
    expect(await anthropic.messages.create(message)).toMatchObject({ stop_reason: 'tool_use', content: [use] })
    const last = await anthropic.messages.stream(message).finalMessage()
    expect(last.content.at(-1)).toMatchObject(use)
    box.models.reply({ ...reply, times: 1 })
    const response = await openai.responses.create({ model: 'gpt-5', input: 'weather?', stream: true })
    const events = []
    for await (const event of response) events.push(event)
    expect(events.at(-1)).toMatchObject({
      type: 'response.completed',
      response: { output: [{ type: 'function_call', name: 'weather', arguments: '{"city":"Berlin"}' }] },
    })
  })

  it('S2.2 answers messages, responses, embeddings, and Gemini by either of its routes', async () => {
    const message = { model: 'claude-haiku-4-5', max_tokens: 3, messages }
    expect(await anthropic.messages.create(message)).toMatchObject({
      stop_reason: 'max_tokens',
      usage: { input_tokens: 4, output_tokens: 3 },
    })
    const streamed = await anthropic.messages.stream({ ...message, max_tokens: 100 }).finalMessage()
    expect(streamed).toMatchObject({ stop_reason: 'end_turn', usage: { input_tokens: 4, output_tokens: 8 } })
    const response = await openai.responses.create({ model: 'gpt-5', input: 'how are you', max_output_tokens: 2 })
    expect(response).toMatchObject({
      status: 'incomplete',
      output_text: 'credits are',
      usage: { input_tokens: 3, output_tokens: 2 },
    })
    const vectors = await openai.embeddings.create({ model: 'text-embedding-3-small', input: ['one two', 'three'] })
    expect(vectors).toMatchObject({ usage: { prompt_tokens: 3, total_tokens: 3 } })
    expect(vectors.data.map(({ embedding }) => embedding)).toEqual([
      [0.25, -0.5, 1],
      [0.25, -0.5, 1],
    ])
    expect((await gemini.chat.completions.create({ model: 'gemini-2.5-flash', messages })).usage?.total_tokens).toBe(12)
    const native = await fetch(`${box.models.gemini.baseURL}/v1beta/models/gemini-2.5-flash:generateContent`, {
      method: 'POST',
      headers: { 'x-goog-api-key': box.models.gemini.apiKey },
      body: JSON.stringify({ contents: [{ parts: [{ text: 'how are you' }] }] }),
    })
    expect(await native.json()).toMatchObject({
      modelVersion: 'gemini-2.5-flash',
      usageMetadata: { promptTokenCount: 3, candidatesTokenCount: 8 },
    })
  })

  it('S2.2 tells usage that is wrong or missing, and fields besides, on request', async () => {
    box.models.reply({ usage: 'missing' })
    box.models.reply({ usage: { prompt_tokens: -5 }, body: { service_tier: 'priority' } })
    const ask = () => openai.chat.completions.create({ model: 'gpt-5', messages })
    expect((await ask()).usage).toBeUndefined()
    expect(await ask()).toMatchObject({ usage: { prompt_tokens: -5 }, service_tier: 'priority' })
  })
})

describe('what goes wrong at the model twin', () => {
  it("S2.2 raises the clients' own errors", async () => {
    const stranger = new OpenAI({ ...box.models.openai, apiKey: 'sk-wrong', maxRetries: 0 })
    await expect(stranger.chat.completions.create({ model: 'gpt-5', messages })).rejects.toBeInstanceOf(
      OpenAI.AuthenticationError,
    )
    box.models.reply({ refuse: { status: 429, headers: { 'retry-after': '7' } }, times: 2 })
    await expect(openai.chat.completions.create({ model: 'gpt-5', messages })).rejects.toBeInstanceOf(
      OpenAI.RateLimitError,
    )
    const message = { model: 'claude-haiku-4-5', max_tokens: 5, messages }
    await expect(anthropic.messages.create(message)).rejects.toBeInstanceOf(Anthropic.RateLimitError)
    box.faults.inject({ kind: 'status', status: 503, match: { pathIncludes: '/models/anthropic' } })
    await expect(anthropic.messages.create(message)).rejects.toBeInstanceOf(Anthropic.InternalServerError)
    await expect(openai.chat.completions.create({ model: 'gpt-5', messages: [] })).rejects.toBeInstanceOf(
      OpenAI.BadRequestError,
    )
  })

  it('G22 stalls at a piece, and knows what it had produced when the client went away', async () => {
    box.models.reply({ says: 20, stallAfter: 7 })
    const going = new AbortController()
    const stream = await openai.chat.completions.create(
      { model: 'gpt-5', messages, stream: true },
      { signal: going.signal },
    )
    let seen = 0
    const reading = (async () => {
      for await (const { choices } of stream) {
        if (choices[0]?.delta.content) seen += 1
        if (seen === 7) setTimeout(() => going.abort(), 20)
      }
    })()
    await reading.catch(() => {})
    await expect.poll(() => box.models.calls()[0]).toMatchObject({ status: 'aborted', outputTokens: 7 })
  })

  it('G22 cuts the connection in the middle of a stream', async () => {
    box.models.reply({ says: 20, cutAfter: 3 })
    const stream = await openai.chat.completions.create({ model: 'gpt-5', messages, stream: true })
    await expect(
      (async () => {
        for await (const _ of stream);
      })(),
    ).rejects.toThrow()
    expect(box.models.calls()[0]).toMatchObject({ status: 'cut', outputTokens: 3 })
  })
})
