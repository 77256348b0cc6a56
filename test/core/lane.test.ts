import { BillingError, type LedgerCommand, type LedgerOutcome, type Store } from 'billfold'
import { memoryStore } from 'billfold/adapters/memory'
import { describe, expect, it, vi } from 'vitest'
import { dedupeOf, fingerprintOf } from '../../src/core/domain/ledger/key.js'
import { createLane, type LaneOptions } from '../../src/core/lane.js'
import { grant as grantTo, ids, poison as poisonTo, rules } from './lane-commands.js'

const [accountId = ''] = ids

/** A lane before a memory store with some accounts, and every batch that was sent. */
async function start(options: Partial<LaneOptions> & { readonly before?: (size: number) => Promise<void> } = {}) {
  const store = memoryStore()
  for (const id of ids) await store.accounts.ensure({ id, email: null, name: null, plan: 'free' })
  const batches: (readonly LedgerCommand[])[] = []
  const { before, ...rest } = options
  const lane = createLane({
    maximumBatch: store.maximumBatch,
    async commit(commands) {
      batches.push(commands)
      await before?.(batches.length)
      return store.ledger.commit(commands, rules)
    },
    ...rest,
  })
  return { store, lane, batches, sizes: () => batches.map((batch) => batch.length) }
}

const grant = (key: string, change: Parameters<typeof grantTo>[2] = {}) => grantTo(accountId, key, change)
const grants = (count: number, prefix = 'g') => Array.from({ length: count }, (_, index) => grant(`${prefix}${index}`))

const poison = poisonTo(accountId)

function gate() {
  let open = () => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { opened, open: () => open() }
}

async function balanceOf(store: Store, id = accountId): Promise<bigint | undefined> {
  return (await store.ledger.snapshot(id))?.account.balance
}

const statuses = (outcomes: readonly PromiseSettledResult<LedgerOutcome>[]) =>
  outcomes.map((outcome) => (outcome.status === 'fulfilled' ? outcome.value.status : outcome.reason.code))

describe('a lane', () => {
  it('S2.3 sends what comes together as one commit, and each caller gets an answer of its own', async () => {
    const { lane, store, sizes } = await start()
    const outcomes = await Promise.all(grants(800).map((command) => lane.submit(command)))
    expect(sizes()).toEqual([800])
    const ids = outcomes.map((outcome) =>
      outcome.status === 'refused' || !('id' in outcome.result) ? '' : outcome.result.id,
    )
    expect(ids).toEqual(grants(800).map((command) => ('id' in command ? command.id : '')))
    expect(await balanceOf(store)).toBe(800n)
  })

  it('C1 answers while the tests of an app put clocks by hand in the place of timers', async () => {
    const { lane } = await start()
    vi.useFakeTimers()
    try {
      expect((await lane.submit(grant('frozen'))).status).not.toBe('refused')
    } finally {
      vi.useRealTimers()
    }
  }, 2_000)

  it('collects while it is busy, and sends what is there when it comes back', async () => {
    const first = gate()
    const { lane, sizes } = await start({ before: async (batch) => (batch === 1 ? first.opened : undefined) })
    const submitted = [lane.submit(grant('first'))]
    await new Promise((resolve) => setTimeout(resolve, 5))
    for (const command of grants(300)) submitted.push(lane.submit(command))
    await new Promise((resolve) => setTimeout(resolve, 5))
    for (const command of grants(200, 'h')) submitted.push(lane.submit(command))
    expect(sizes()).toEqual([1])
    first.open()
    expect(await Promise.all(submitted)).toHaveLength(501)
    expect(sizes()).toEqual([1, 500])
  })

  it('keeps to the most commands of a batch', async () => {
    const { lane, sizes } = await start()
    await Promise.all(grants(2_500).map((command) => lane.submit(command)))
    expect(sizes()).toEqual([1_000, 1_000, 500])
    const small = await start({ maximumBatch: 64 })
    await Promise.all(grants(130).map((command) => small.lane.submit(command)))
    expect(small.sizes()).toEqual([64, 64, 2])
  })

  it('keeps to 256 KiB a batch, whatever the text is in, and sends alone what is larger', async () => {
    const usage = (key: string, dimensions: Readonly<Record<string, string>>): LedgerCommand => ({
      kind: 'usage',
      accountId,
      id: `use_${key}`,
      key,
      dedupe: dedupeOf(accountId, 'usage', key),
      fingerprint: fingerprintOf({ key }),
      usage: {
        meter: 'ai_tokens',
        quantity: 1n,
        sparks: 1n,
        costUsd: null,
        model: null,
        provider: null,
        serviceTier: null,
        tokens: null,
        dimensions,
        priceVersion: 'v1',
      },
      occurredAt: null,
      onInsufficient: 'record',
      holdId: null,
      keepsHold: false,
      onExcess: 'debt',
      budgets: [],
    })
    const large = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`k${index}`, 'v'.repeat(500)]))
    const { lane, batches, sizes } = await start()
    await Promise.all(Array.from({ length: 30 }, (_, index) => lane.submit(usage(`u${index}`, large))))
    expect(sizes()).toEqual([10, 10, 10])
    for (const batch of batches) expect(JSON.stringify(batch, bigintAsText).length).toBeLessThan(300 * 1024)

    const reasons = await start()
    await Promise.all(
      grants(1_000).map((command) => reasons.lane.submit({ ...command, reason: 'x'.repeat(500) } as LedgerCommand)),
    )
    expect(reasons.sizes().length).toBeGreaterThan(1)
    expect(reasons.sizes().reduce((sum, size) => sum + size, 0)).toBe(1_000)

    const huge = await start()
    const enormous = { text: 'v'.repeat(300 * 1024) }
    await Promise.all(
      [grant('a'), usage('b', enormous), usage('c', enormous), grant('d')].map((it) => huge.lane.submit(it)),
    )
    expect(huge.sizes()).toEqual([1, 1, 1, 1])
  })

  it('S2.3 keeps the order of an account, also over batches that are cut apart', async () => {
    const { lane, store } = await start({ maximumBatch: 7 })
    const commands = Array.from({ length: 200 }, (_, index) => grant(`g${index}`, { accountId: ids[index % 3] ?? '' }))
    await Promise.allSettled([...commands.slice(0, 90), poison, ...commands.slice(90)].map((it) => lane.submit(it)))
    for (const [index, id] of ids.slice(0, 3).entries()) {
      const entries = await store.ledger.entries(id, { limit: 1_000 })
      const expected = commands
        .filter((_, position) => position % 3 === index)
        .map((command) => 'key' in command && command.key)
      expect(entries.map(({ key }) => key).reverse()).toEqual(expected)
    }
  })

  it('S2.3 answers equal keys in one batch once as applied and otherwise as duplicates', async () => {
    const { lane, store, sizes } = await start()
    const outcomes = await Promise.all(Array.from({ length: 50 }, () => lane.submit(grant('same'))))
    expect(outcomes.map(({ status }) => status)).toEqual(['applied', ...Array(49).fill('duplicate')])
    expect(sizes()).toEqual([50])
    expect(await balanceOf(store)).toBe(1n)
  })

  it('leaves a busy account behind nobody: what comes later is in the next batch but full ones', async () => {
    const { lane, batches } = await start({ maximumBatch: 100 })
    const busy = grants(1_000).map((command) => lane.submit(command))
    const late = lane.submit(grant('late', { accountId: ids[1] ?? '' }))
    await late
    expect(batches).toHaveLength(11)
    await Promise.all(busy)
    const first = await lane.submit(grant('again', { accountId: ids[1] ?? '' }))
    expect(first.status).toBe('applied')
  })
})

describe('a lane whose store has a fault', () => {
  it('S2.3 takes a command that spoils its batch out, and commits its neighbours once', async () => {
    const { lane, store, sizes } = await start()
    const commands = grants(200)
    commands.splice(77, 0, poison)
    const outcomes = await Promise.allSettled(commands.map((command) => lane.submit(command)))
    expect(outcomes.filter(({ status }) => status === 'rejected')).toHaveLength(1)
    expect(outcomes[77]?.status).toBe('rejected')
    expect(await balanceOf(store)).toBe(200n)
    expect(sizes().length).toBeLessThan(20)
  })

  it('S2.3 takes every spoiling command out, when all spoil too', async () => {
    const { lane, store } = await start()
    const spoiled = [...grants(5), poison, poison, ...grants(5, 'h'), poison]
    const outcomes = await Promise.allSettled(spoiled.map((command) => lane.submit(command)))
    expect(outcomes.filter(({ status }) => status === 'rejected')).toHaveLength(3)
    expect(await balanceOf(store)).toBe(10n)
    const all = await Promise.allSettled([poison, poison, poison].map((command) => lane.submit(command)))
    expect(all.every(({ status }) => status === 'rejected')).toBe(true)
    expect(await lane.submit(grant('after'))).toMatchObject({ status: 'applied' })
  })

  it('S2.3 sends the same batch again when the store was unavailable, and applies once what had been committed', async () => {
    const store = memoryStore()
    await store.accounts.ensure({ id: accountId, email: null, name: null, plan: 'free' })
    const sent: (readonly LedgerCommand[])[] = []
    const lane = createLane({
      maximumBatch: 1_000,
      async commit(commands) {
        sent.push(commands)
        const outcomes = await store.ledger.commit(commands, rules)
        if (sent.length < 3) throw new BillingError('storage_unavailable', 'The connection was lost after sending.')
        return outcomes
      },
    })
    const outcomes = await Promise.all(grants(20).map((command) => lane.submit(command)))
    expect(new Set(outcomes.map(({ status }) => status))).toEqual(new Set(['duplicate']))
    expect(sent).toHaveLength(3)
    expect(sent[1]).toEqual(sent[0])
    expect(await balanceOf(store)).toBe(20n)
  })

  it('S2.3 lets everybody know after some attempts, and goes on with what comes then', async () => {
    let isDown = true
    const { lane, store, sizes } = await start({
      attempts: 3,
      before: async () => {
        if (isDown) throw new BillingError('storage_unavailable', 'Nobody is there.')
      },
    })
    const outcomes = await Promise.allSettled(grants(20).map((command) => lane.submit(command)))
    expect(new Set(statuses(outcomes))).toEqual(new Set(['storage_unavailable']))
    expect(sizes()).toEqual([20, 20, 20])
    isDown = false
    await Promise.all(grants(20).map((command) => lane.submit(command)))
    expect(await balanceOf(store)).toBe(20n)
  })

  for (const code of ['outcome_unknown', 'overloaded', 'storage_full', 'schema_version_mismatch'] as const) {
    it(`S2.3 refuses a whole batch as ${code} at once: no part of it would fare better`, async () => {
      const { lane, sizes } = await start({
        before: async () => {
          throw new BillingError(code, 'Not now.')
        },
      })
      const outcomes = await Promise.allSettled(grants(20).map((command) => lane.submit(command)))
      expect(new Set(statuses(outcomes))).toEqual(new Set([code]))
      expect(sizes()).toEqual([20])
    })
  }

  it('S2.3 says so when a store answers too few outcomes', async () => {
    const { lane } = await start({ commit: async () => [] })
    await expect(lane.submit(grant('g'))).rejects.toMatchObject({ code: 'invariant_violated' })
  })

  it('S2.3 survives a store that throws before it begins, and one that throws no error', async () => {
    const { lane } = await start({
      commit: () => {
        throw 'no error at all'
      },
    })
    const outcomes = await Promise.allSettled(grants(4).map((command) => lane.submit(command)))
    expect(outcomes).toEqual(Array(4).fill({ status: 'rejected', reason: 'no error at all' }))
    await lane.idle()
  })
})

describe('a lane that is full', () => {
  it('S2.3 refuses one more as overloaded, and loses nothing of what it took', async () => {
    const first = gate()
    const { lane, store } = await start({
      maximumWaiting: 50,
      before: async (batch) => (batch === 1 ? first.opened : undefined),
    })
    const taken = [lane.submit(grant('first'))]
    await new Promise((resolve) => setTimeout(resolve, 5))
    const offered = grants(80).map((command) => lane.submit(command))
    const settled = Promise.allSettled(offered)
    first.open()
    const answers = statuses(await settled)
    expect(answers.slice(0, 50)).toEqual(Array(50).fill('applied'))
    expect(answers.slice(50)).toEqual(Array(30).fill('overloaded'))
    await Promise.all(taken)
    expect(await balanceOf(store)).toBe(51n)
    const error = await Promise.allSettled([offered[79]])
    expect(error[0]).toMatchObject({ reason: { retryable: true, outcome: 'not_applied', httpStatus: 503 } })
    expect(await lane.submit(grant('g79'))).toMatchObject({ status: 'applied' })
  })
})

describe('a lane that is idle', () => {
  it('says so when nothing waits and nothing is under way', async () => {
    const first = gate()
    const { lane, store } = await start({ maximumBatch: 10, before: async () => first.opened })
    await lane.idle()
    const submitted = grants(35).map((command) => lane.submit(command))
    let isIdle = false
    const idle = lane.idle().then(() => {
      isIdle = true
    })
    await new Promise((resolve) => setTimeout(resolve, 10))
    expect(isIdle).toBe(false)
    first.open()
    await idle
    expect(await balanceOf(store)).toBe(35n)
    await Promise.all(submitted)
  })

  it('waits also for what is submitted by those who got an answer', async () => {
    const { lane, store } = await start()
    const chain = lane.submit(grant('one')).then(() => lane.submit(grant('two')))
    await lane.idle()
    await chain
    await lane.idle()
    expect(await balanceOf(store)).toBe(2n)
  })

  it('waits when a commit fails as well', async () => {
    const { lane } = await start()
    const failing = lane.submit(poison).catch(() => 'failed')
    await lane.idle()
    expect(await failing).toBe('failed')
  })
})

function bigintAsText(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value
}
