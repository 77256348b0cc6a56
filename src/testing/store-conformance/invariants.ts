import type { LedgerCommand } from '../../core/domain/ledger/command.js'
import type { Hold, LedgerEntry } from '../../core/domain/ledger/state.js'
import { utcDay } from '../../core/domain/period.js'
import type { Store } from '../../core/ports/store.js'
import { expectEqual } from '../conformance.js'
import { telling } from './catalog.js'
import { capture, changePlan, expire, grant, hold, million, release, suspension, usage } from './commands.js'
import type { StoreCase, World } from './world.js'

/** What must add up whatever was done, tried with a long sequence of commands that is the same every time. */
export const invariantCases: readonly StoreCase[] = [1, 2, 3].flatMap((seed): readonly StoreCase[] => [
  {
    name: `S3.11 invariants: whatever commands come, all that is kept adds up (sequence ${seed})`,
    async run(world) {
      await expectToAddUp(world, [world.store], seed)
    },
  },
  {
    name: `S3.11 invariants: whatever commands come through two connections, all that is kept adds up (sequence ${seed})`,
    needs: 'second',
    async run(world) {
      await expectToAddUp(world, [world.store, await world.second()], seed)
    },
  },
])

const accountIds = ['a', 'b', 'c'] as const
const steps = 40

async function expectToAddUp(world: World, stores: readonly Store[], seed: number): Promise<void> {
  const random = createRandom(seed)
  await world.accounts('allowance', ...accountIds)
  for (let step = 0; step < steps; step += 1) {
    const batches = Array.from({ length: 3 }, () =>
      Array.from({ length: 1 + random(5) }, () => nextCommand(random, world.now())),
    )
    await Promise.all(batches.map((batch, index) => stores[index % stores.length]?.ledger.commit(batch, telling)))
    await world.pass(random(5))
  }
  await world.pass(100)
  await world.commit(accountIds.map(expire), telling)
  expectEqual(await world.store.ledger.due(9), [], 'what is due after everything that was over has been expired')
  const reported = await sparksReported(world)
  for (const accountId of accountIds) await expectAccount(world, accountId, reported)
  const { findings } = await world.store.ledger.verify({ limit: 10 })
  expectEqual(findings, [], 'what the store itself finds wrong')
}

async function expectAccount(world: World, accountId: string, reported: ReadonlyMap<string, bigint>): Promise<void> {
  const { account, grants, counters } = await world.snapshot(accountId)
  const rows = await world.rows(accountId)
  const holds = await holdsOf(world, accountId)
  expectEqual(new Set(rows.map((row) => row.id)).size, rows.length, `how many different rows ${accountId} has`)
  expectEqual(account.balance, sum(rows.map((row) => row.amount)), `the balance of ${accountId} and its rows`)
  let balance = 0n
  for (const row of rows) {
    balance += row.amount
    expectEqual(row.balanceAfter, balance, `the balance of ${accountId} after ${row.id}`)
    if (row.usage) expectEqual(sum(Object.values(row.usage.settledBy)), row.usage.sparks, `the split of ${row.id}`)
  }
  expectEqual(account.held, sum(holds.map((each) => each.sparks)), `what is held of ${accountId} and its open holds`)
  const left = sum(grants.map((each) => each.remaining))
  expectEqual(left, balance > 0n ? balance : 0n, `what is left of the grants of ${accountId} and its balance`)
  for (const counter of counters) {
    const counted = rows.filter((row) => row.result.kind === 'usage' && isCountedIn(row, counter))
    expectEqual(
      counter.used,
      sum(counted.map((row) => row.usage?.quantity ?? 0n)),
      `the use of ${counter.meter} by ${accountId}`,
    )
    const units = holds.filter((each) => each.meter === counter.meter && each.periodStartsAt === counter.startsAt)
    expectEqual(
      counter.held,
      sum(units.map((each) => each.quantity)),
      `the units of ${counter.meter} held by ${accountId}`,
    )
  }
  await expectRollups(world, accountId, rows)
  expectReported(accountId, rows, reported)
}

async function expectRollups({ store }: World, accountId: string, rows: readonly LedgerEntry[]): Promise<void> {
  const sums = new Map<string, readonly bigint[]>()
  for (const { usage: used } of rows) {
    if (!used) continue
    const place = `${utcDay(used.occurredAt)} ${used.meter} ${used.model ?? ''}`
    const [events = 0n, quantity = 0n, sparks = 0n] = sums.get(place) ?? []
    sums.set(place, [events + 1n, quantity + used.quantity, sparks + used.sparks])
  }
  const rollups = await store.ledger.rollups(accountId, { from: '2000-01-01', to: '2200-01-01' })
  const kept = rollups.map((each) => {
    return [`${each.day} ${each.meter} ${each.model}`, [BigInt(each.events), each.quantity, each.sparks]] as const
  })
  expectEqual(new Map(kept), sums, `the sums by day of ${accountId} and its usage`)
}

/** What was reported of a meter in a period is what was used of it, less than a Spark short. */
function expectReported(accountId: string, rows: readonly LedgerEntry[], reported: ReadonlyMap<string, bigint>): void {
  const used = new Map<string, bigint>()
  for (const { usage: each, result } of rows) {
    if (!each || result.kind !== 'usage') continue
    const place = `${accountId} ${each.meter} ${result.quota.periodStartsAt}`
    used.set(place, (used.get(place) ?? 0n) + each.sparks)
  }
  for (const [place, sparks] of used)
    expectEqual(reported.get(place) ?? 0n, sparks / million, `the Sparks reported of ${place}`)
}

async function sparksReported({ store }: World): Promise<ReadonlyMap<string, bigint>> {
  const reported = new Map<string, bigint>()
  for (;;) {
    const claimed = await store.outbox.claim('meters', { limit: 50, leaseMs: 3_600_000, early: true })
    if (claimed.length === 0) return reported
    for (const { accountId, meter, periodStartsAt, sparks } of claimed) {
      const place = `${accountId} ${meter} ${periodStartsAt}`
      reported.set(place, (reported.get(place) ?? 0n) + sparks)
    }
  }
}

async function holdsOf({ store }: World, accountId: string): Promise<readonly Hold[]> {
  const found = await Promise.all(Array.from({ length: 30 }, (_, key) => store.ledger.hold(accountId, `hold_${key}`)))
  return found.flatMap((each) => (each?.status === 'open' ? [each] : []))
}

function isCountedIn(
  { usage: used, result }: LedgerEntry,
  counter: { readonly meter: string; readonly startsAt: number },
) {
  return used?.meter === counter.meter && result.kind === 'usage' && result.quota.periodStartsAt === counter.startsAt
}

/** One of few keys, so that many commands are repeats; whatever may be refused is tried all the same. */
function nextCommand(random: (below: number) => number, now: number): LedgerCommand {
  const accountId = accountIds[random(accountIds.length)] ?? 'a'
  const key = `${accountId}${random(70)}`
  const amount = BigInt(1 + random(3_000_000))
  const meter = random(3) ? 'ai_tokens' : 'storage'
  const holdId = `hold_${random(30)}`
  const rated = { meter, model: random(2) ? 'm' : null, quantity: BigInt(random(9)) * 100_000n }
  switch (random(12)) {
    case 0:
    case 1:
      return grant(accountId, key, amount * 2n, { expiresAt: random(2) ? null : now + 1 + random(60) })
    case 2:
    case 3:
      return hold(accountId, String(random(30)), amount, { ttlMs: random(2) ? 1 + random(30) : 3_600_000, meter })
    case 4:
      return hold(accountId, String(random(30)), amount)
    case 5:
      return capture(accountId, key, holdId, amount, { onExcess: random(2) ? 'debt' : 'write_off' })
    case 6:
      return release(accountId, key, holdId)
    case 7:
      return usage(accountId, `held${key}`, amount, { holdId, rated: { meter } })
    case 8:
      return usage(accountId, key, amount, { rated, occurredAt: now - 86_400_000 * random(90) })
    case 9:
      return random(3) ? expire(accountId) : suspension(random(2) ? 'suspend' : 'resume', accountId, key)
    case 10:
      return changePlan(accountId, key, random(2) ? 'allowance' : 'capped', random(4) ? undefined : now)
    default:
      return usage(accountId, key, amount, { rated, onInsufficient: random(2) ? 'record' : 'refuse' })
  }
}

/** Numbers from 0 to below, the same for the same seed (mulberry32). */
function createRandom(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

function sum(amounts: readonly bigint[]): bigint {
  return amounts.reduce((total, amount) => total + amount, 0n)
}
