import { setTimeout as pause } from 'node:timers/promises'
import { createBilling, defineCatalog } from 'billfold'
import { memoryStore } from 'billfold/adapters/memory'
import { expect, it } from 'vitest'

const catalog = defineCatalog({ plans: { free: {} } })

it('waiting for work leaves no listeners behind, however often it is woken', async () => {
  const warnings: Error[] = []
  const note = (warning: Error) => void warnings.push(warning)
  process.on('warning', note)
  const billing = createBilling({ catalog, store: memoryStore() })
  await billing.accounts.ensure({ accountId: 'acct_1' })
  void billing.sync.run()
  for (let turn = 0; turn < 30; turn += 1) {
    await billing.recordUsage({ accountId: 'acct_1', meter: 'ai_tokens', quantity: 1, idempotencyKey: `u-${turn}` })
    await pause(1)
  }
  await billing.close()
  process.off('warning', note)
  expect(warnings).toEqual([])
})

it('a change is delivered soon after it was made, and closing waits for what is under way', async () => {
  const billing = createBilling({ catalog, store: memoryStore() })
  const seen: string[] = []
  const started = new Promise<void>((resolve) => {
    billing.on('mail', 'credit.granted', async ({ accountId }) => {
      resolve()
      await pause(20)
      seen.push(accountId)
    })
  })
  void billing.sync.run()
  await billing.accounts.ensure({ accountId: 'acct_1' })
  await billing.credits.grant({ accountId: 'acct_1', amount: 1, kind: 'paid', reason: 'gift', idempotencyKey: 'g-1' })
  await started
  await billing.close()
  expect(seen).toEqual(['acct_1'])
})

it('closing during a turn that finds nothing does not wait for another', async () => {
  const billing = createBilling({ catalog, store: memoryStore() })
  const running = billing.sync.run()
  const startedAt = performance.now()
  await Promise.all([billing.close(), running])
  expect(performance.now() - startedAt).toBeLessThan(500)
})

it('it ends when its signal says so, at once if it said so before', async () => {
  const billing = createBilling({ catalog, store: memoryStore() })
  const stop = new AbortController()
  const running = billing.sync.run({ signal: stop.signal })
  await pause(20)
  const startedAt = performance.now()
  stop.abort()
  await running
  await billing.sync.run({ signal: stop.signal })
  expect(performance.now() - startedAt).toBeLessThan(500)
  await billing.close()
})
