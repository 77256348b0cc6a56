import { readFileSync } from 'node:fs'
import { createBilling, defineCatalog } from 'billfold'
import { memoryStore } from 'billfold/adapters/memory'
import { expect, it } from 'vitest'

it('S3.11 docs/explain.md prints what explain answers', async () => {
  const now = () => Date.parse('2026-11-21T12:00:00Z')
  const randomBytes = (bytes: Uint8Array<ArrayBuffer>) => {
    // Ids of ten bytes each: the first is all ones, the next all twos.
    for (const index of bytes.keys()) bytes[index] = Math.floor(index / 10) + 1
    return bytes
  }
  const billing = createBilling({
    catalog: defineCatalog({
      meters: { ai_tokens: { unit: 'token', rate: { mode: 'larger', sparks: '1', per: '1000' } } },
      models: { 'gpt-5': { input: '1.25', cache_read: '0.125', output: '10' } },
    }),
    store: memoryStore({ now }),
    environment: { now, randomBytes },
  })
  const accountId = 'acct_1'
  await billing.accounts.ensure({ accountId })
  await billing.credits.grant({ accountId, amount: 100, reason: 'welcome', idempotencyKey: 'welcome:acct_1' })
  const { id } = await billing.recordUsage({
    accountId,
    meter: 'ai_tokens',
    model: 'gpt-5',
    provider: 'openai',
    tokens: { input: 900, cache_read: 4_000, output: 301 },
    dimensions: { feature: 'chat' },
    idempotencyKey: 'chatcmpl-1',
  })
  const explained = await billing.explain({ accountId, id })
  const page = readFileSync('docs/explain.md', 'utf8')
  const [, printed = ''] = /```json\n([\s\S]*?)```/.exec(page) ?? []
  expect(JSON.stringify(explained, null, 2)).toBe(printed.trim())
  await billing.close()
})
