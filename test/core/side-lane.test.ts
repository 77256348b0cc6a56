import type { LedgerCommand, LedgerOutcome } from 'billfold'
import { memoryStore } from 'billfold/adapters/memory'
import { describe, expect, it } from 'vitest'
import { createLane, type LaneOptions } from '../../src/core/lane.js'
import { codes, grant, ids, pause, poison, rules } from './lane-commands.js'

const [heldId = '', freeId = ''] = ids

/** A lane before a memory store, some of whose accounts somebody else keeps locked. */
async function start(options: Partial<LaneOptions> = {}) {
  const store = memoryStore()
  for (const id of ids) await store.accounts.ensure({ id, email: null, name: null, plan: 'free' })
  const locked = new Set<string>()
  const batches: { readonly accounts: readonly string[]; readonly waitMs: number | undefined }[] = []
  let waiting = 0
  let mostWaiting = 0
  const lane = createLane({
    maximumBatch: store.maximumBatch,
    async commit(commands, waitMs) {
      batches.push({ accounts: [...new Set(commands.map(({ accountId }) => accountId))], waitMs })
      const ends = performance.now() + (waitMs ?? 20)
      waiting += 1
      mostWaiting = Math.max(mostWaiting, waiting)
      while (commands.some(({ accountId }) => locked.has(accountId)) && performance.now() < ends) await pause(2)
      waiting -= 1
      const held = new Set(locked)
      const free = commands.filter(({ accountId }) => !held.has(accountId))
      const outcomes = (await store.ledger.commit(free, rules)).values()
      return commands.map(({ accountId }) => (held.has(accountId) ? null : (outcomes.next().value ?? null)))
    },
    ...options,
  })
  const keys = async (id: string) => (await store.ledger.entries(id, { limit: 10_000 })).map(({ key }) => key).reverse()
  return { lane, locked, batches, keys, mostWaiting: () => mostWaiting }
}

describe('an account that somebody else keeps locked', () => {
  it('S2.3 delays no other account, and is found to be locked once', async () => {
    const { lane, locked, batches } = await start()
    locked.add(heldId)
    const held = Array.from({ length: 5 }, (_, index) => lane.submit(grant(heldId, `h${index}`)))
    const took: number[] = []
    for (let index = 0; index < 200; index += 1) {
      const began = performance.now()
      held.push(lane.submit(grant(heldId, `later-${index}`)))
      await lane.submit(grant(freeId, `f${index}`))
      took.push(performance.now() - began)
    }
    // If each waited for the account that is locked, all 200 would be late; a busy machine makes a few so.
    expect(took.filter((ms) => ms > 15).length).toBeLessThan(100)
    const main = batches.filter(({ waitMs }) => waitMs === undefined)
    expect(main.filter(({ accounts }) => accounts.includes(heldId))).toHaveLength(1)
    locked.clear()
    expect(new Set(codes(await Promise.allSettled(held)))).toEqual(new Set(['applied']))
    await lane.idle()
    await lane.submit(grant(heldId, 'free again'))
    expect(batches.at(-1)).toEqual({ accounts: [heldId], waitMs: undefined })
  })

  it('S2.3 keeps the order of its commands, also of those behind one that spoils a batch', async () => {
    const { lane, locked, keys } = await start({ maximumBatch: 7 })
    locked.add(heldId)
    const commands = Array.from({ length: 60 }, (_, index) => grant(index % 2 === 0 ? heldId : freeId, `k${index}`))
    commands.splice(9, 0, poison(freeId))
    commands.splice(30, 0, poison(heldId))
    const first = Promise.allSettled(commands.slice(0, 40).map((command) => lane.submit(command)))
    await pause(60)
    const second = Promise.allSettled(commands.slice(40).map((command) => lane.submit(command)))
    setTimeout(() => locked.clear(), 60)
    const ended = [...(await first), ...(await second)]
    expect(ended.filter(({ status }) => status === 'rejected')).toHaveLength(2)
    for (const id of [heldId, freeId]) {
      const wanted = commands.flatMap((command) =>
        command.accountId === id && 'key' in command && command.key !== 'poison' ? command.key : [],
      )
      expect(await keys(id)).toEqual(wanted)
    }
  })

  it('S2.3 that becomes free between two halves of a spoiled batch keeps its order too', async () => {
    let sent = 0
    const { locked, keys, ...setting } = await start()
    locked.add(heldId)
    const store = await start({
      maximumBatch: 100,
      async commit(commands, waitMs) {
        sent += 1
        if (commands.some((command) => 'key' in command && command.key === 'poison')) throw new Error('spoiled')
        const outcomes = await new Promise<readonly LedgerCommand[]>((resolve) => resolve(commands))
        // Free for everything but the first part of the batch that was halved.
        const isHeld = sent === 3
        if (!isHeld) order.push(...outcomes.flatMap((command) => ('key' in command ? command.key : [])))
        return outcomes.map(() => (isHeld && waitMs === undefined ? null : applied))
      },
    })
    const order: string[] = []
    const applied: LedgerOutcome = { status: 'applied', result: { kind: 'expire', expired: 0 } }
    const commands = [
      ...['a', 'b', 'c'].map((key) => grant(heldId, key)),
      poison(freeId),
      ...['d', 'e', 'f', 'g'].map((key) => grant(heldId, key)),
    ]
    await Promise.allSettled(commands.map((command) => store.lane.submit(command)))
    expect(order).toEqual(['a', 'b', 'c', 'd', 'e', 'f', 'g'])
    expect([await keys(heldId), setting.batches]).toEqual([[], []])
  })

  it('S2.3 is refused as busy after a while, and the ones that follow do not find out at the cost of others', async () => {
    const { lane, locked, batches } = await start({ lockTimeoutMs: 80 })
    locked.add(heldId)
    const began = performance.now()
    const error = await lane.submit(grant(heldId, 'h')).catch((reason) => reason)
    expect(error).toMatchObject({ code: 'account_busy', retryable: true, details: { accountId: heldId } })
    expect(performance.now() - began).toBeGreaterThan(75)
    expect(performance.now() - began).toBeLessThan(1_000)
    const again = lane.submit(grant(heldId, 'h')).catch((reason) => reason)
    await lane.submit(grant(freeId, 'f'))
    expect(await again).toMatchObject({ code: 'account_busy' })
    const main = batches.filter(({ waitMs }) => waitMs === undefined)
    expect(main.filter(({ accounts }) => accounts.includes(heldId))).toHaveLength(1)
    locked.clear()
    expect((await lane.submit(grant(heldId, 'h'))).status).toBe('applied')
  })

  it('S2.3 waits a few at a time, and each for no longer than it may though others are locked too', async () => {
    const { lane, locked, mostWaiting } = await start({ lockTimeoutMs: 300 })
    const all = ids.slice(0, 12)
    for (const id of all) locked.add(id)
    const began = performance.now()
    const submitted = Promise.allSettled(all.map((id) => lane.submit(grant(id, 'h'))))
    await pause(50)
    expect((await lane.submit(grant(ids[15] ?? '', 'f'))).status).toBe('applied')
    expect(new Set(codes(await submitted))).toEqual(new Set(['account_busy']))
    expect(performance.now() - began).toBeLessThan(2_500)
    expect(mostWaiting()).toBeLessThanOrEqual(5)
  })

  it('S2.3 counts towards what may wait, and an idle lane has waited for it', async () => {
    const { lane, locked, keys } = await start({ maximumWaiting: 10 })
    locked.add(heldId)
    const taken = [lane.submit(grant(heldId, 'first'))]
    await pause(60)
    const offered = Array.from({ length: 15 }, (_, index) => lane.submit(grant(heldId, `h${index}`)))
    const ended = Promise.allSettled(offered)
    let isIdle = false
    const idle = lane.idle().then(() => {
      isIdle = true
    })
    await pause(30)
    expect(isIdle).toBe(false)
    locked.clear()
    await idle
    const answers = codes(await ended)
    expect(answers.filter((answer) => answer === 'overloaded')).toHaveLength(6)
    expect(await keys(heldId)).toHaveLength(10)
    await Promise.all(taken)
  })
})
