import type { CheckoutIntent, IntentStatus } from '../../core/ports/store.js'
import { expectEqual, expectError } from '../conformance.js'
import type { StoreCase, World } from './world.js'

type NewIntent = Parameters<World['store']['intents']['open']>[0]

/** Checkout intents: one sale per key, from open to one final status. */
export const intentCases: readonly StoreCase[] = [
  {
    name: 'S1.4 intents: an intent is read back with everything it was opened with',
    async run(world) {
      await world.accounts('credits', 'a')
      const given: NewIntent = {
        ...intent('1'),
        kind: 'subscription',
        plan: 'pro',
        package: null,
        sparks: 2n ** 62n,
        amountNanos: 2n ** 62n + 1n,
        successUrl: `https://app.example/paid?name="it's"&city=北京`,
      }
      const opened = await world.store.intents.open(given)
      const { createdAt } = opened.intent
      const expected: CheckoutIntent = {
        ...given,
        status: 'open',
        externalId: null,
        url: null,
        createdAt,
        expiresAt: null,
        paidNanos: null,
        completedAt: null,
      }
      expectEqual(opened, { intent: expected, created: true }, 'what opening answers')
      expectEqual(
        Number.isSafeInteger(createdAt) && Math.abs(createdAt - world.now()) < 300_000,
        true,
        'the time of it',
      )
      expectEqual(await world.store.intents.get('a', '1'), expected, 'the intent')
      expectEqual(await world.store.directory.intentById('1'), expected, 'the intent by its id')
    },
  },
  {
    name: 'S1.4 intents: the same key answers the intent that is there, also when it is opened several times at once',
    async run(world) {
      await world.accounts('credits', 'a', 'b')
      const results = await Promise.all(
        Array.from({ length: 8 }, (_, index) => world.store.intents.open({ ...intent(`chk_${index}`), key: 'k' })),
      )
      expectEqual(results.filter((result) => result.created).length, 1, 'how many were new')
      const ids = new Set(results.map((result) => result.intent.id))
      expectEqual(ids.size, 1, 'how many intents there are')
      const again = await world.store.intents.open({ ...intent('late'), key: 'k', fingerprint: 'other', sparks: 1n })
      expectEqual(
        [again.created, ids.has(again.intent.id), again.intent.fingerprint],
        [false, true, 'f'],
        'the late one',
      )
      const other = await world.store.intents.open({ ...intent('other'), accountId: 'b', key: 'k' })
      expectEqual([other.created, other.intent.id], [true, 'other'], 'the intent of another account under that key')
      expectEqual(await world.store.intents.get('a', 'late'), null, 'the intent that was not needed')
    },
  },
  {
    name: 'S1.4 intents: what is known of the session is kept, and what is not said stays',
    async run(world) {
      await world.accounts('credits', 'a')
      const { intent: opened } = await world.store.intents.open(intent('1'))
      const expiresAt = world.now() + 86_400_000
      const change = { status: 'pending', externalId: 'cs_1', url: 'https://pay.example/1', expiresAt } as const
      const pending = await world.store.intents.update('a', '1', change)
      expectEqual(pending, { ...opened, ...change }, 'the intent with its page')
      const completed = await world.store.intents.update('a', '1', { status: 'completed' })
      const { completedAt } = completed
      expectEqual(completed, { ...pending, status: 'completed', completedAt }, 'the completed intent')
      const isNear = completedAt !== null && Math.abs(completedAt - world.now()) < 300_000
      expectEqual(isNear, true, 'whether the time of completion is known')
      expectEqual(await world.store.intents.get('a', '1'), completed, 'the intent read back')
      expectEqual(await world.store.intents.update('a', '1', {}), completed, 'the intent after a change of nothing')
    },
  },
  {
    name: 'S1.4 intents: a final status stays, whatever is told later',
    async run(world) {
      await world.accounts('credits', 'a')
      const finals = ['completed', 'expired', 'mismatched'] as const
      const statuses: readonly IntentStatus[] = ['open', 'pending', ...finals]
      for (const final of finals) {
        await world.store.intents.open(intent(final))
        const first = await world.store.intents.update('a', final, { status: final })
        for (const status of statuses) {
          await world.pass(2)
          if (final === 'expired' && status === 'completed') continue
          expectEqual(
            await world.store.intents.update('a', final, { status }),
            first,
            `${final}, after ${status} was told`,
          )
        }
        expectEqual(first.completedAt !== null, final === 'completed', `whether ${final} has a time of completion`)
      }
    },
  },
  {
    name: 'S1.4 intents: what had come to nothing and is paid after all is completed, and stays so',
    async run(world) {
      await world.accounts('credits', 'a')
      await world.store.intents.open(intent('1'))
      await world.store.intents.update('a', '1', { status: 'expired' })
      const paid = await world.store.intents.update('a', '1', { status: 'completed', paidNanos: 5n })
      expectEqual([paid.status, paid.paidNanos, paid.completedAt !== null], ['completed', 5n, true], 'the intent')
      expectEqual(await world.store.intents.update('a', '1', { status: 'expired' }), paid, 'the intent afterwards')
      expectEqual(await world.store.intents.completed('a', paid.kind), [paid], 'what is completed')
    },
  },
  {
    name: 'S3.10 intents: the intent of another account is not there',
    async run(world) {
      await world.accounts('credits', 'a', 'b')
      await world.store.intents.open(intent('1'))
      expectEqual(await world.store.intents.get('b', '1'), null, 'the intent, asked for by another account')
      await expectError('not_found', () => world.store.intents.update('b', '1', { status: 'completed' }))
      await expectError('not_found', () => world.store.intents.update('a', 'none', { status: 'completed' }))
      expectEqual(await world.store.intents.latest('b', 'f'), null, 'the latest of another account')
      expectEqual((await world.store.intents.get('a', '1'))?.status, 'open', 'how the intent stands')
    },
  },
  {
    name: 'S1.4 intents: the latest of equal sales is found by its fingerprint',
    async run(world) {
      await world.accounts('credits', 'a')
      expectEqual(await world.store.intents.latest('a', 'f'), null, 'the latest of none')
      for (const id of ['b', 'c', 'a']) {
        await world.store.intents.open(intent(id))
        await world.pass(5)
      }
      await world.store.intents.open({ ...intent('d'), fingerprint: 'other' })
      await world.store.intents.update('a', 'b', { status: 'pending', externalId: 'cs' })
      expectEqual((await world.store.intents.latest('a', 'f'))?.id, 'a', 'the latest')
      await world.store.intents.update('a', 'a', { status: 'expired' })
      expectEqual((await world.store.intents.latest('a', 'f'))?.status, 'expired', 'how the latest stands')
    },
  },
  {
    name: 'intents: those that wait are listed oldest first, over all accounts, and no more than asked for',
    async run(world) {
      await world.accounts('credits', 'a', 'b')
      for (const [id, accountId] of [
        ['5', 'a'],
        ['4', 'b'],
        ['3', 'a'],
        ['2', 'a'],
        ['1', 'b'],
      ] as const) {
        await world.store.intents.open({ ...intent(id), accountId })
        await world.pass(5)
      }
      await world.store.intents.update('b', '4', { status: 'pending' })
      await world.store.intents.update('a', '3', { status: 'expired' })
      await world.store.intents.update('a', '2', { status: 'completed' })
      const waiting = async (limit: number) => (await world.store.intents.waiting(limit)).map((each) => each.id)
      expectEqual(
        [await waiting(9), await waiting(2)],
        [
          ['5', '4', '1'],
          ['5', '4'],
        ],
        'the intents that wait',
      )
    },
  },
  {
    name: 'intents: a sale is found by what its own provider calls it',
    async run(world) {
      await world.accounts('credits', 'a', 'b')
      for (const [id, provider] of [
        ['1', 'stripe'],
        ['2', 'lago'],
        ['3', 'stripe'],
      ] as const) {
        await world.store.intents.open({ ...intent(id), provider })
        if (id !== '3') await world.store.intents.update('a', id, { externalId: 'cs_same' })
      }
      const find = async (provider: string, externalId: string) =>
        (await world.store.directory.intentByExternalId(provider, externalId))?.id ?? null
      expectEqual(
        [await find('stripe', 'cs_same'), await find('lago', 'cs_same'), await find('stripe', 'cs_none')],
        ['1', '2', null],
        'the sales',
      )
      expectEqual(await world.store.directory.intentById('none'), null, 'a sale that is not there')
    },
  },
  {
    name: 'G23 intents: an account’s sales since a moment are listed oldest first, and those that wait whenever they were begun',
    needs: 'clock',
    async run(world) {
      await world.accounts('credits', 'a', 'b')
      for (const id of ['1', '2', '3', '4']) {
        await world.store.intents.open({ ...intent(id), accountId: id === '4' ? 'b' : 'a' })
        await world.pass(10)
      }
      await world.store.intents.update('a', '1', { status: 'pending' })
      await world.store.intents.update('a', '2', { status: 'completed' })
      await world.store.intents.update('a', '3', { status: 'expired' })
      const since = async (from: number) => (await world.store.intents.since('a', from)).map(({ id }) => id)
      expectEqual(
        [await since(0), await since(world.now() - 20)],
        [
          ['1', '2', '3'],
          ['1', '3'],
        ],
        'the sales',
      )
    },
  },
]

function intent(id: string): NewIntent {
  return {
    id,
    accountId: 'a',
    provider: 'stripe',
    kind: 'credits',
    sparks: 500_000_000_000n,
    plan: null,
    package: 'small',
    currency: 'USD',
    amountNanos: 20_000_000_000n,
    successUrl: 'https://app.example/paid',
    cancelUrl: 'https://app.example/cancelled',
    key: `key:${id}`,
    fingerprint: 'f',
  }
}
