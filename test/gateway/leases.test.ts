import type OpenAI from 'openai'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { accountId, messages, openWorld, type World } from './world.js'

let world: World
beforeEach(async () => {
  world = await openWorld({ leases: true })
})
afterEach(async () => {
  expect((await world.billing.verifyLedger({ accountId })).findings).toEqual([])
  await world.close()
})

const chat = { model: 'gpt-5', messages }
const ask = (more: object = {}) =>
  world.openai.chat.completions.create({ ...chat, ...more } as OpenAI.ChatCompletionCreateParamsNonStreaming)

describe('a gateway with leases', () => {
  it('S2.3 charges a hundred calls at once exactly, streamed or not, and failed ones nothing', async () => {
    await world.give('10')
    world.box.models.reply({ refuse: { status: 500, message: 'broken' }, times: 1 })
    await expect(ask()).rejects.toMatchObject({ status: 500 })
    const answers = await Promise.all(
      Array.from({ length: 100 }, async (_, index) => {
        if (index % 2 === 0) return ask()
        for await (const _chunk of await world.openai.chat.completions.create({ ...chat, stream: true }));
        return null
      }),
    )
    expect(answers.filter(Boolean)).toHaveLength(50)
    // Four words are read and eight are written by each.
    expect(await world.balance()).toBe(10_000_000_000n - 100n * 84_000n)
    expect(world.told).toEqual([])
  })

  it('S2.3 lets no more of 20 calls at once through than there is money for', async () => {
    await world.give('0.0101')
    world.box.models.reply({ says: 1_000, times: 20 })
    const answers = await Promise.all(Array.from({ length: 20 }, () => ask().catch((error: unknown) => error)))
    for (const answer of answers)
      if (answer instanceof Error) expect(answer).toMatchObject({ status: 403, code: 'insufficient_funds' })
    const calls = world.box.models.calls()
    const words = calls.reduce((sum, { outputTokens }) => sum + outputTokens, 0)
    expect(calls.length).toBeGreaterThan(0)
    expect(await world.balance()).toBe(10_100_000n - BigInt(calls.length) * 4_000n - BigInt(words) * 10_000n)
    expect(await world.balance()).toBeGreaterThanOrEqual(0n)
  })

  it('S2.3 spends down to the last of it: what a lease has set aside is given back for a shorter answer', async () => {
    await world.give('0.02')
    world.box.models.reply({ says: 900, times: 20 })
    let last: unknown = null
    for (let call = 0; call < 20 && last === null; call += 1) {
      await ask().catch((error: unknown) => {
        last = error
      })
    }
    expect(last).toMatchObject({ status: 403, code: 'insufficient_funds' })
    // Not enough for four words, what frames them, and one word more.
    expect(await world.balance()).toBeLessThan(100_000n)
    expect(await world.balance()).toBeGreaterThanOrEqual(0n)
    await world.give('1')
    await ask()
  })

  it('G22 usage of nothing costs nothing, and a client that goes away pays for what was produced', async () => {
    await world.give('1')
    world.box.models.reply({ usage: { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 } })
    await ask()
    expect(await world.balance()).toBe(1_000_000_000n)
    world.box.models.reply({ says: 64, stallAfter: 7 })
    let seen = 0
    for await (const { choices } of await world.openai.chat.completions.create({ ...chat, stream: true })) {
      if (choices[0]?.delta.content) seen += 1
      if (seen === 7) break
    }
    await expect.poll(() => world.balance()).toBe(1_000_000_000n - 74_000n)
    expect(world.told).toEqual([])
  })

  it('S2.4 reaches a suspension within a second or so', async () => {
    await world.give('1')
    await ask()
    await world.billing.accounts.suspend({ accountId, reason: 'abuse', idempotencyKey: 's' })
    await expect
      .poll(() => ask().catch((error: unknown) => error), { timeout: 3_000 })
      .toMatchObject({
        code: 'account_suspended',
      })
  })
})
