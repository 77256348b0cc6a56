import { type AnyProvider, BillingError, createBilling, defineCatalog } from 'billfold'
import { memoryStore } from 'billfold/adapters/memory'
import { expect, it } from 'vitest'
import { createClock } from './setting.js'

const tiers = [
  { upTo: '100', sparks: '2' },
  { upTo: null, sparks: '1', per: '3' },
] as const
const catalog = defineCatalog({
  meters: {
    units: { rate: { mode: 'per_unit', sparks: '100', per: '3' } },
    graduated: { rate: { mode: 'graduated', tiers } },
    volume: { rate: { mode: 'volume', tiers } },
    packages: { rate: { mode: 'package', sparks: '7', per: '10' } },
    largest: { aggregation: 'max', rate: { mode: 'per_unit', sparks: '5', per: '1' } },
    calls: { rate: { mode: 'larger', sparks: '1', per: '3', minimum: '2' } },
    stored: { aggregation: 'time_weighted', decimals: 6, rate: { mode: 'per_unit', sparks: '30', per: '1' } },
  },
  models: { m: { prices: { input: '1.1', output: '7' }, batch: '0.5' } },
  plans: {
    free: {},
    included: {
      meters: {
        units: { included: '20' },
        graduated: { included: '30' },
        volume: { included: '10' },
        largest: { included: '3' },
        stored: { included: '2' },
      },
      credits: { sparks: '50', rollover: '20' },
    },
    overage: { overage: true, meters: { units: { included: '20' } } },
    own: { byo: true },
    unlimited: { meters: { units: { included: 'unlimited' }, graduated: { included: 'unlimited' } } },
  },
})
const names = ['units', 'graduated', 'volume', 'packages', 'largest', 'calls', 'stored'] as const

const provider = {
  id: 'meters',
  metering: { maximumAgeMs: 1e12, dedupeWindowMs: 1e12, report: async () => [] },
} as unknown as AnyProvider

/** Whole numbers below a limit, the same for the same seed. */
function numbersOf(seed: number): (limit: number) => number {
  let state = seed * 7_919 + 13
  return (limit) => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
    return Math.floor((state / 2_147_483_648) * limit)
  }
}

/** Something at random that may be refused; usage and holds that came of it are remembered. */
async function stepOf(pick: (limit: number) => number, place: Place, idempotencyKey: string): Promise<void> {
  const { billing, used, held } = place
  const meter = names[pick(names.length)] ?? 'units'
  const tokens = { input: pick(1_000) + 1, output: pick(1_000) }
  const measure = (name: string) =>
    name === 'calls'
      ? { model: 'm', tokens, ...(pick(2) === 0 && { serviceTier: 'batch' as const }) }
      : { quantity: pick(60) + 1 }
  const common = { accountId: 'a', idempotencyKey }
  const any = <T>(list: readonly T[]): T | undefined => list[pick(list.length)]
  switch (pick(9)) {
    case 0: {
      const kind = pick(2) === 0 ? 'paid' : 'promotional'
      await billing.credits.grant({ ...common, amount: pick(300) + 1, kind, reason: 'more' })
      return
    }
    case 1: {
      const usage = any(used)
      if (usage) await billing.usage.amend({ ...common, ...measure(usage.meter), id: usage.id, reason: 'less' })
      return
    }
    case 2: {
      const usage = any(used)
      if (usage) await billing.usage.void({ ...common, id: usage.id, reason: 'none' })
      return
    }
    case 3: {
      const name = any(['units', 'packages', 'calls'] as const) ?? 'units'
      const { id } = await billing.hold({ ...common, meter: name, ...measure(name), ttlMs: 86_400_000 })
      held.push({ id, meter: name })
      return
    }
    case 4: {
      const hold = any(held)
      const onExcess = pick(2) === 0 ? 'debt' : 'write_off'
      if (!hold) return
      const { usage } = await billing.capture({ ...common, holdId: hold.id, ...measure(hold.meter), onExcess })
      if (usage) used.push({ id: usage.id, meter: hold.meter })
      return
    }
    default: {
      const onInsufficient = pick(4) === 0 ? 'refuse' : 'record'
      const { id } = await billing.recordUsage({ ...common, meter, ...measure(meter), onInsufficient })
      used.push({ id, meter })
    }
  }
}

interface Place {
  readonly billing: ReturnType<typeof open>['billing']
  readonly used: { readonly id: string; readonly meter: string }[]
  readonly held: { readonly id: string; readonly meter: string }[]
}

function open() {
  const clock = createClock()
  const store = memoryStore(clock)
  const billing = createBilling({
    catalog,
    store,
    providers: { metering: provider as never },
    environment: { now: clock.now },
  })
  return { ...clock, store, billing }
}

it.each([...catalog.plans.keys()])('S3.11 S1.2 explain agrees with all that was recorded on plan %s', async (plan) => {
  for (let seed = 1; seed <= 8; seed += 1) {
    const pick = numbersOf(seed)
    const { billing, store, advance } = open()
    const place: Place = { billing, used: [], held: [] }
    await store.accounts.ensure({ id: 'a', email: null, name: null, plan })
    for (let step = 0; step < 50; step += 1) {
      advance(pick(3) === 0 ? pick(3 * 86_400_000) : pick(1_000))
      await stepOf(pick, place, `k-${step}`).catch((error: unknown) => {
        if (!BillingError.is(error) || error.code === 'invariant_violated') throw error
      })
    }
    const rows = await store.ledger.entries('a', { limit: 1_000 })
    const grants = rows.flatMap(({ burns }) => burns.map(({ grantId }) => grantId))
    const holds = place.held.map(({ id }) => id)
    for (const id of new Set([...rows.map((row) => row.id), ...grants, ...holds]))
      expect(await billing.explain({ accountId: 'a', id }), `seed ${seed}`).toMatchObject({
        problems: [],
        agrees: true,
      })
    await billing.close()
  }
})
