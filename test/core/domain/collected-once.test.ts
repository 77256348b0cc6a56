import { defineCatalog } from 'billfold'
import { memoryStore } from 'billfold/adapters/memory'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { LedgerCommand } from '../../../src/core/domain/ledger/command.js'
import { countedAt, type LedgerEntry, type LedgerRules } from '../../../src/core/domain/ledger/state.js'
import {
  amend,
  changePlan,
  changeTerms,
  grant,
  million,
  usage,
} from '../../../src/testing/store-conformance/commands.js'

const hourMs = 3_600_000
const dayMs = 24 * hourMs
const names = ['stripe', 'lago', 'acme'] as const
const meters = ['ai_tokens', 'images'] as const
const plans = ['postpaid', 'given', 'prepaid', 'byo'] as const
const runs = process.env.BILLFOLD_PROOF === 'full' ? 5_000 : 150

const provider = fc.constantFrom(...names)
const plan = fc.constantFrom(...plans)
const meter = fc.constantFrom(...meters)
const sparks = fc.integer({ min: 1, max: 9_000_000 }).map(BigInt)

/** What happens to an account. */
const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('use' as const),
      meter,
      sparks,
      ageHours: fc.nat({ max: 90 * 24 }),
      isLate: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('amend' as const), which: fc.nat(), to: fc.option(sparks) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('grant' as const), sparks }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('promote' as const), provider }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('subscribe' as const), plan, provider, dayOfMonth: fc.nat({ max: 27 }) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('unsubscribe' as const), plan }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('wait' as const), hours: fc.integer({ min: 1, max: 40 * 24 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('configure' as const),
      order: fc.shuffledSubarray([...names], { minLength: 1 }),
    }),
  },
)

const worlds = fc.record({
  included: fc.tuple(fc.nat({ max: 20 }), fc.nat({ max: 20 })),
  order: fc.shuffledSubarray([...names], { minLength: 1 }),
  plan,
  steps: fc.array(step, { minLength: 4, maxLength: 30 }),
})

it('C4 of random catalogs, moves and subscriptions: every unit is charged by whoever collected when it was used, and by nobody else', async () => {
  await fc.assert(
    fc.asyncProperty(worlds, async ({ included, order, plan: first, steps }) => {
      const catalog = defineCatalog({
        meters: Object.fromEntries(
          meters.map((name) => [name, { rate: { mode: 'per_unit', sparks: '1', per: '1' } }] as const),
        ),
        plans: {
          postpaid: {
            overage: true,
            meters: { ai_tokens: { included: String(included[0]) }, images: { included: String(included[1]) } },
          },
          given: { overage: true, credits: { sparks: String(included[1] + 1) } },
          prepaid: { meters: { ai_tokens: { included: String(included[0]) } } },
          byo: { byo: true },
        },
      } as const)
      let now = Date.parse('2026-03-13T11:17:05Z')
      const store = memoryStore({ now: () => now })
      let rules: LedgerRules = { catalog, metering: order, tracing: [], collecting: order[0] ?? null }
      await store.accounts.ensure({ id: 'a', email: null, name: null, plan: first })
      const used: string[] = []
      /** Who collects from when on, worked out beside the ledger. */
      const seen: { readonly at: number; readonly collectors: readonly { provider: string; from: number }[] }[] = []
      let keys = 0
      for (const each of steps) {
        keys += 1
        // No two things happen at the same moment, so that it is plain which came first.
        now += 1
        const key = String(keys)
        if (each.kind === 'wait') now += each.hours * hourMs
        if (each.kind === 'configure') rules = { ...rules, metering: each.order, collecting: each.order[0] ?? null }
        const command = commandOf(each, key, now, used)
        if (!command) continue
        const [outcome] = await store.ledger.commit([command], rules)
        if (command.kind === 'usage' && outcome?.status === 'applied') used.push(command.id)
        const state = await store.ledger.snapshot('a')
        seen.push({ at: now, collectors: state?.account.collectors ?? [] })
      }
      const rows = (await store.ledger.entries('a', { limit: 1_000 })).filter((row) => row.usage)
      expectOneCollector(rows, seen)
      await expectTold(store, rows)
      expect((await store.ledger.verify({ limit: 10 })).findings).toEqual([])
    }),
    { numRuns: runs },
  )
}, 120_000)

function commandOf(
  each: typeof step extends fc.Arbitrary<infer Step> ? Step : never,
  key: string,
  now: number,
  used: readonly string[],
): LedgerCommand | null {
  switch (each.kind) {
    case 'use': {
      const occurredAt = each.isLate ? now - each.ageHours * hourMs : null
      const rated = { meter: each.meter, quantity: each.sparks }
      return usage('a', key, each.sparks, { occurredAt, rated })
    }
    case 'amend': {
      const entryId = used[each.which % Math.max(used.length, 1)]
      return entryId === undefined ? null : amend('a', key, entryId, each.to)
    }
    case 'grant':
      return grant('a', key, each.sparks)
    case 'promote':
      return changeTerms('a', key, { collector: each.provider })
    case 'subscribe': {
      const anchor = now - each.dayOfMonth * dayMs
      const paid = { source: `sub_${key}`, provider: each.provider, period: null }
      return { ...changePlan('a', key, each.plan, anchor), paid }
    }
    case 'unsubscribe':
      return { ...changePlan('a', key, each.plan), paid: null }
    default:
      return null
  }
}

/** What is rated is settled whole, and at most one provider collects of a row: the one that was to collect at its moment, or who did first. */
function expectOneCollector(
  rows: readonly LedgerEntry[],
  seen: readonly { readonly at: number; readonly collectors: readonly { provider: string; from: number }[] }[],
): void {
  const byId = new Map(rows.map((row) => [row.id, row]))
  for (const { usage: fact, corrects, recordedAt } of rows) {
    if (!fact) continue
    const settled = Object.values(fact.settledBy).reduce((sum, part) => sum + part, 0n)
    expect(settled).toBe(fact.sparks)
    const collecting = Object.keys(fact.settledBy).filter((name) => name.startsWith('meter:'))
    if (collecting.length === 0) continue
    const schedule = seen.findLast(({ at, collectors }) => at <= recordedAt && collectors.length > 0)?.collectors ?? []
    const planned = [...schedule].reverse().find(({ from }) => from <= fact.occurredAt) ?? schedule[0]
    const first = corrects === null ? undefined : byId.get(corrects)?.usage
    const before = Object.keys(first?.settledBy ?? {})
    for (const name of collecting)
      expect(
        before.includes(name) || name === `meter:${planned?.provider}`,
        `${name} beside ${planned?.provider}`,
      ).toBe(true)
  }
}

/** By provider, meter and period: what it is told to charge, with the carry, is what it collects; nobody is told of a row on both sides. */
async function expectTold(store: ReturnType<typeof memoryStore>, rows: readonly LedgerEntry[]): Promise<void> {
  const told = new Map<string, bigint>()
  const add = (place: string, amount: bigint) => told.set(place, (told.get(place) ?? 0n) + amount)
  for (const row of rows) {
    const { usage: fact, deliveries } = row
    if (!fact) continue
    for (const name of names) {
      const isOnBothSides = name in deliveries && `shadow:${name}` in deliveries
      const isShared = Object.keys(fact.settledBy).filter((part) => part.startsWith('meter:')).length > 1
      expect(isOnBothSides && !isShared).toBe(false)
    }
    const collected = Object.entries(fact.settledBy).filter(([name]) => name.startsWith('meter:'))
    for (const [name, amount] of collected) add(`${name.slice(6)} ${fact.meter} ${countedAt(row)}`, -amount)
    // On plans without overage everything is told, for show: there are no prices on it.
    if (collected.length === 0)
      for (const name of names) if (name in deliveries) add(`${name} ${fact.meter} ${countedAt(row)}`, -fact.sparks)
  }
  for (const name of names)
    for (;;) {
      const claimed = await store.outbox.claim(name, { limit: 1_000, leaseMs: 1_000_000_000, early: true })
      if (claimed.length === 0) break
      for (const { meter: of, periodStartsAt, sparks: whole } of claimed)
        add(`${name} ${of} ${periodStartsAt}`, whole * million)
    }
  // What is left is the carry: less than one Spark.
  for (const [place, left] of told) expect(left <= 0n && left > -million, `${place}: ${left}`).toBe(true)
}
