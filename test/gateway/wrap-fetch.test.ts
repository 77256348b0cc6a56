import Anthropic from '@anthropic-ai/sdk'
import { wrapFetch } from 'billfold/gateway'
import { countModelTokens } from 'billfold/testing'
import OpenAI from 'openai'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { accountId, messages, openWorld, type World } from './world.js'

let world: World
let openai: OpenAI
let anthropic: Anthropic
const limits = { maximumOutputTokens: 1_000, contextTokens: 100_000 }
beforeAll(async () => {
  world = await openWorld()
  const common = { meter: 'tokens', caller: { accountId }, countTokens: countModelTokens } as const
  const ofOpenai = wrapFetch(world.billing, { ...common, provider: 'openai', models: { 'gpt-5': limits } })
  const ofAnthropic = wrapFetch(world.billing, {
    ...common,
    provider: 'anthropic',
    models: { 'claude-opus-5': limits },
  })
  openai = new OpenAI({ ...world.box.models.openai, maxRetries: 0, fetch: ofOpenai })
  anthropic = new Anthropic({ ...world.box.models.anthropic, maxRetries: 0, fetch: ofAnthropic })
})
afterAll(() => world.close())

it('S2.3 without a proxy: refused without money, charged exactly with it, streamed or not', async () => {
  const chat = { model: 'gpt-5', messages }
  const refused = await openai.chat.completions.create(chat).catch((error: unknown) => error)
  expect(refused).toBeInstanceOf(OpenAI.PermissionDeniedError)
  expect(world.box.models.calls()).toEqual([])
  await world.give('1')
  await openai.chat.completions.create(chat)
  expect(await world.balance()).toBe(1_000_000_000n - 84_000n)
  for await (const _ of await openai.chat.completions.create({ ...chat, stream: true }));
  expect(await world.balance()).toBe(1_000_000_000n - 168_000n)
  await anthropic.messages.stream({ model: 'claude-opus-5', max_tokens: 100, messages }).finalMessage()
  expect(await world.balance()).toBe(1_000_000_000n - 336_000n)
  await expect(openai.images.generate({ model: 'gpt-5', prompt: 'a cat' })).rejects.toBeInstanceOf(
    OpenAI.BadRequestError,
  )
  await expect(openai.chat.completions.create({ ...chat, model: 'other' })).rejects.toBeInstanceOf(OpenAI.NotFoundError)
})

it('S2.3 without a proxy: a stream that is left is paid for until then', async () => {
  world.box.models.clear()
  world.box.models.reply({ says: 64, stallAfter: 5 })
  const before = await world.balance()
  let seen = 0
  for await (const { choices } of await openai.chat.completions.create({ model: 'gpt-5', messages, stream: true })) {
    if (choices[0]?.delta.content) seen += 1
    if (seen === 5) break
  }
  await expect.poll(() => world.held()).toBe(0n)
  expect(before - (await world.balance())).toBe(54_000n)
  expect(world.box.models.calls()[0]).toMatchObject({ status: 'aborted', outputTokens: 5 })
})
