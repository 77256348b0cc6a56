import { expectEqual } from '../conformance.js'
import { telling } from './catalog.js'
import {
  altered,
  expectApplied,
  expectRefused,
  expectRepeat,
  grant,
  hold,
  million,
  strict,
  suspension,
  usage,
} from './commands.js'
import { required, type StoreCase, type World } from './world.js'

/** The store itself: migration, health, and what outlives it. */
export const lifecycleCases: readonly StoreCase[] = [
  {
    name: 'store: migrating again is harmless, also several times at once',
    async run(world) {
      await world.accounts('credits', 'a')
      await world.one(grant('a', 'g', million))
      await world.store.migrate()
      await Promise.all([world.store.migrate(), world.store.migrate()])
      expectEqual((await world.state('a')).balance, million, 'the balance')
    },
  },
  {
    name: 'store: it says what it is, how healthy it is, and how much it takes at once',
    async run({ store }) {
      const { name, details } = await store.health()
      expectEqual([typeof store.name, store.name.length > 0, name.length > 0], ['string', true, true], 'its names')
      const areTexts = Object.values(details).every((detail) => typeof detail === 'string')
      expectEqual(areTexts, true, 'whether the details of its health are text')
      expectEqual(Number.isInteger(store.maximumBatch) && store.maximumBatch >= 1, true, 'whether a batch has a size')
    },
  },
  {
    name: 'store: stores that were opened apart share nothing',
    async run(world) {
      expectEqual(await world.store.accounts.get('a'), null, 'the account of another case')
      expectEqual([await world.store.outbox.backlog(), await world.store.inbox.backlog()], [[], []], 'the backlogs')
      expectEqual([await world.store.ledger.due(9), await world.store.intents.waiting(9)], [[], []], 'what is due')
    },
  },
  {
    name: 'store: everything that was acknowledged is there when it is opened again, as it was',
    needs: 'reopen',
    async run(world) {
      await fill(world)
      const before = await everything(world)
      await world.reopen()
      expectEqual(world.store.durable, true, 'whether the store says that it is durable')
      expectEqual(await everything(world), before, 'what is there')
      await world.store.migrate()
      expectEqual(await everything(world), before, 'what is there after it was migrated')
    },
  },
  {
    name: 'store: work goes on where it stopped when it is opened again: keys, holds, carries, fences, subscriptions',
    needs: 'reopen',
    async run(world) {
      await fill(world)
      const lease = { limit: 1, leaseMs: 60_000 }
      const claimed = required((await world.store.outbox.claim('traces', lease))[0], 'a delivery')
      const event = required((await world.store.inbox.claim(lease))[0], 'a webhook event')
      const first = await world.one(usage('a', 'carry', 600_000n), telling)
      await world.reopen()

      expectRepeat(await world.one(usage('a', 'carry', 600_000n), telling), first)
      expectRefused(await world.one(altered(grant('a', 'g', 1n))), 'idempotency_conflict')
      expectApplied([await world.one(usage('a', 'carried', 600_000n), telling)])
      const named = required((await world.rows('a')).at(-1), 'the last row').deliveries.meters
      expectEqual(named, 'dlv_meters_usage_carried', 'the delivery that carries both')
      expectApplied([await world.one(usage('a', 'held', million, { holdId: 'hold_h' }))])
      expectRefused(await world.one(strict('b', 'more', 2n ** 62n)), 'invalid_state')

      const { id, fence } = claimed
      const again = await world.store.outbox.claim('traces', { limit: 100, leaseMs: 60_000 })
      expectEqual(
        again.some((delivery) => delivery.id === id),
        false,
        'whether the claimed delivery is handed out',
      )
      const settlement = {
        id,
        fence,
        status: 'delivered',
        retryInMs: null,
        mayHaveArrived: true,
        error: null,
        event: null,
      } as const
      expectEqual(await world.store.outbox.settle([settlement]), [id], 'what the claim settles')
      const { provider, eventId } = event
      const applied = {
        provider,
        eventId,
        fence: event.fence,
        status: 'applied',
        retryInMs: null,
        error: null,
      } as const
      expectEqual(await world.store.inbox.settle(applied), true, 'whether the claim on the webhook event held')
      expectEqual(
        await world.store.inbox.accept({ provider, eventId, type: 't', payload: '{}' }),
        { created: false },
        'the event',
      )

      await world.store.outbox.claim('consumer:app', { limit: 9, leaseMs: 60_000 })
      await world.one(grant('a', 'later', 1n))
      const told = await world.store.outbox.claim('consumer:app', { limit: 9, leaseMs: 60_000 })
      expectEqual(
        told.map((delivery) => delivery.event?.id),
        ['evt_grant_later'],
        'what the consumer is told',
      )
      expectEqual(
        (await world.store.intents.open({ ...intent, id: 'chk_2' })).created,
        false,
        'whether the sale is new',
      )
    },
  },
]

const intent = {
  id: 'chk_1',
  accountId: 'a',
  provider: 'stripe',
  kind: 'credits',
  sparks: 2n ** 62n,
  plan: null,
  package: null,
  currency: 'USD',
  amountNanos: 20_000_000_000n,
  successUrl: 'https://app.example/paid',
  cancelUrl: 'https://app.example/cancelled',
  key: 'k',
  fingerprint: 'f',
} as const

/** Something in every part of the store. */
async function fill(world: World): Promise<void> {
  const { store } = world
  await world.accounts('allowance', 'a', 'b')
  await store.accounts.ensure({ id: 'a', email: 'ada@example.com', name: 'Ada', plan: 'allowance' })
  await store.accounts.link('a', 'stripe', 'cus_1')
  await store.outbox.subscribe('app', ['credit.granted', 'quota.near'])
  expectApplied(
    await world.commit(
      [
        grant('a', 'g', 2n ** 62n, { expiresAt: world.now() + 86_400_000 }),
        grant('b', 'b', million, { grantKind: 'promotional' }),
        usage('a', '1', 5n * million, {
          rated: { dimensions: { text: `"it's" 中文` }, tokens: { input: 1 }, model: 'm' },
        }),
        usage('b', '2', 900_000n),
        hold('a', 'h', million, { meter: 'ai_tokens' }),
        suspension('suspend', 'b', 's'),
      ],
      telling,
    ),
  )
  await store.outbox.publish({ id: 'evt_1', type: 'quota.near', accountId: 'a', occurredAt: 1, data: { x: null } })
  await store.inbox.accept({ provider: 'stripe', eventId: 'evt_1', type: 't', payload: '{"ö": 1}' })
  await store.intents.open(intent)
  await store.intents.update('a', 'chk_1', { status: 'pending', externalId: 'cs_1', url: 'https://pay.example/1' })
}

async function everything({ store, rows, snapshot }: World) {
  const parts = ['a', 'b'].map(async (id) => {
    const { account, grants, counters } = await snapshot(id)
    return {
      record: await store.accounts.get(id),
      externalId: await store.accounts.externalId(id, 'stripe'),
      account,
      grants,
      counters,
      rows: await rows(id),
      rollups: await store.ledger.rollups(id, { from: '2000-01-01', to: '2200-01-01' }),
      statuses: await store.outbox.statuses(id, ['dlv_meters_usage_1', 'dlv_traces_usage_2']),
    }
  })
  return {
    accounts: await Promise.all(parts),
    hold: await store.ledger.hold('a', 'hold_h'),
    deliveries: await store.outbox.backlog(),
    webhooks: await store.inbox.backlog(),
    intent: await store.intents.latest('a', 'f'),
    waiting: await store.intents.waiting(9),
    owner: await store.directory.accountByExternalId('stripe', 'cus_1'),
    sale: await store.directory.intentByExternalId('stripe', 'cs_1'),
  }
}
