import type { LedgerCommand } from 'billfold'
import { memoryStore } from 'billfold/adapters/memory'
import { describe, expect, it } from 'vitest'
import { type AccountLaneOptions, createAccountLane } from '../../src/core/account-lane.js'
import { codes, grant, ids, pause, rules } from './lane-commands.js'

const [heldId = '', freeId = ''] = ids

/** A lane of accounts before a memory store, some of whose accounts somebody else keeps locked. */
async function start(options: Partial<AccountLaneOptions> = {}) {
  const store = memoryStore()
  for (const id of ids) await store.accounts.ensure({ id, email: null, name: null, plan: 'free' })
  const locked = new Set<string>()
  const batches: (readonly string[])[] = []
  const busy = new Map<string, number>()
  let most = 0
  const lane = createAccountLane({
    maximumBatch: store.maximumBatch,
    maximumRunning: 3,
    async commit(commands, waitMs) {
      const accounts = [...new Set(commands.map(({ accountId }) => accountId))]
      const [accountId = ''] = accounts
      batches.push(accounts)
      busy.set(accountId, (busy.get(accountId) ?? 0) + 1)
      most = Math.max(most, busy.size)
      const isAlone = busy.get(accountId) === 1
      await pause(2)
      for (const ends = performance.now() + (waitMs ?? 20); locked.has(accountId) && performance.now() < ends; )
        await pause(2)
      busy.delete(accountId)
      if (!isAlone) throw new Error('two batches of one account')
      if (locked.has(accountId)) return commands.map(() => null)
      return store.ledger.commit(commands, rules)
    },
    ...options,
  })
  const keys = async (id: string) => (await store.ledger.entries(id, { limit: 10_000 })).map(({ key }) => key).reverse()
  return { lane, locked, batches, keys, most: () => most }
}

describe('a lane of accounts', () => {
  it('S2.3 sends batches of one account each, a few at a time, and keeps the order of every account', async () => {
    const { lane, batches, keys, most } = await start({ maximumBatch: 10 })
    const commands = Array.from({ length: 400 }, (_, index) => grant(ids[index % ids.length] ?? '', `k${index}`))
    const ended = await Promise.allSettled(commands.map((command) => lane.submit(command)))
    expect(new Set(codes(ended))).toEqual(new Set(['applied']))
    expect(batches.every((accounts) => accounts.length === 1)).toBe(true)
    expect(batches.length).toBe(2 * ids.length)
    expect(most()).toBe(3)
    for (const id of ids)
      expect(await keys(id)).toEqual(
        commands.flatMap((command) => (command.accountId === id && 'key' in command ? command.key : [])),
      )
  })

  it('S2.3 gives every account its turn, though one never stops', async () => {
    const { lane } = await start({ maximumRunning: 1, maximumBatch: 1 })
    let isOver = false
    const hot = (async () => {
      for (let index = 0; !isOver; index += 1)
        await Promise.all([0, 1, 2].map((n) => lane.submit(grant(heldId, `h${index}.${n}`))))
    })()
    const began = performance.now()
    await Promise.all(ids.slice(1).map((id) => lane.submit(grant(id, 'one'))))
    expect(performance.now() - began).toBeLessThan(2_000)
    isOver = true
    await hot
  })

  it('S2.3 an account that is kept locked delays no other, keeps its order, and is refused as busy after a while', async () => {
    const { lane, locked, keys } = await start({ lockTimeoutMs: 2_000, maximumRunning: 1 })
    locked.add(heldId)
    const held = Array.from({ length: 30 }, (_, index) => lane.submit(grant(heldId, `h${index}`)))
    await pause(60)
    const began = performance.now()
    for (let index = 0; index < 10; index += 1) await lane.submit(grant(freeId, `f${index}`))
    expect(performance.now() - began).toBeLessThan(1_000)
    const later = lane.submit(grant(heldId, 'later'))
    locked.clear()
    await Promise.all([...held, later])
    expect(await keys(heldId)).toEqual([...Array.from({ length: 30 }, (_, index) => `h${index}`), 'later'])
    const { lane: other, locked: kept } = await start({ lockTimeoutMs: 80 })
    kept.add(heldId)
    await expect(other.submit(grant(heldId, 'h'))).rejects.toMatchObject({ code: 'account_busy' })
  })

  it('S2.3 what fails for one account is answered to its callers alone, and a spoiled batch is halved', async () => {
    const { lane, keys } = await start()
    const poison = { ...grant(heldId, 'poison'), amount: undefined } as unknown as LedgerCommand
    const commands = [grant(heldId, 'a'), poison, grant(heldId, 'b'), grant(freeId, 'a')]
    const ended = await Promise.allSettled(commands.map((command) => lane.submit(command)))
    expect(ended.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'fulfilled'])
    expect([await keys(heldId), await keys(freeId)]).toEqual([['a', 'b'], ['a']])
  })

  it('S2.3 refuses what is too much, and an idle lane has waited for everything', async () => {
    const { lane, keys } = await start({ maximumWaiting: 10 })
    const ended = Promise.allSettled(Array.from({ length: 15 }, (_, index) => lane.submit(grant(heldId, `h${index}`))))
    await lane.idle()
    expect(await keys(heldId)).toHaveLength(10)
    expect(codes(await ended).filter((code) => code === 'overloaded')).toHaveLength(5)
  })
})
