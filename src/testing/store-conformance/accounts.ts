import { newAccountState } from '../../core/domain/ledger/state.js'
import { expectEqual, expectError } from '../conformance.js'
import { changePlan, grant, million, suspension } from './commands.js'
import type { StoreCase } from './world.js'

/** Accounts, what providers call them, and the look-ups that cross them. */
export const accountCases: readonly StoreCase[] = [
  {
    name: 'S2.4 accounts: which of several accounts are suspended is said of those that are asked for, until they are resumed',
    async run({ store, accounts, commit }) {
      await accounts('credits', 'a', 'b', 'c')
      await commit([suspension('suspend', 'a', '1'), suspension('suspend', 'b', '2')])
      const among = async (...ids: readonly string[]) => [...(await store.ledger.suspendedAmong(ids))].sort()
      expectEqual(await among('a', 'b', 'c', 'none'), ['a', 'b'], 'who is suspended')
      expectEqual(await among('b', 'c'), ['b'], 'who of two is suspended')
      await commit([suspension('resume', 'b', '3')])
      expectEqual(await among('a', 'b', 'c'), ['a'], 'who is suspended after one was resumed')
    },
  },
  {
    name: 'accounts: a new account is there at once, with nothing on its ledger',
    async run({ store, now, snapshot, rows }) {
      const given = { id: 'a.B_c:d-9', email: 'ada@example.com', name: `Ada "it's" 中文 👩‍🚀`, plan: 'credits' }
      const { account, created } = await store.accounts.ensure(given)
      expectEqual([account, created], [{ ...given, createdAt: account.createdAt }, true], 'the new account')
      const isNear = Number.isSafeInteger(account.createdAt) && Math.abs(account.createdAt - now()) < 300_000
      expectEqual(isNear, true, 'whether it was made now')
      expectEqual(await store.accounts.get(given.id), account, 'the account')
      const { account: state, grants, counters } = await snapshot(given.id)
      expectEqual(state, newAccountState(given.id, 'credits'), 'its state')
      expectEqual([grants, counters, await rows(given.id)], [[], [], []], 'its grants, counters and rows')
    },
  },
  {
    name: 'accounts: an account that is there keeps all but the e-mail and name that are given',
    async run({ store, pass }) {
      const { account: first } = await store.accounts.ensure({ id: 'a', email: null, name: 'Ada', plan: 'credits' })
      await pass(5)
      const ensure = (email: string | null, name: string | null) =>
        store.accounts.ensure({ id: 'a', email, name, plan: 'unlimited' })
      expectEqual(await ensure(null, null), { account: first, created: false }, 'the account when nothing is given')
      const mailed = { ...first, email: 'ada@example.com' }
      expectEqual(await ensure('ada@example.com', null), { account: mailed, created: false }, 'with an e-mail')
      const named = { ...mailed, name: 'Ada L.' }
      expectEqual(await ensure(null, 'Ada L.'), { account: named, created: false }, 'with another name')
      expectEqual(await store.accounts.get('a'), named, 'the account')
    },
  },
  {
    name: 'accounts: an account that is made several times at once is made once, and keeps its balance',
    async run(world) {
      const ensure = () => world.store.accounts.ensure({ id: 'a', email: null, name: null, plan: 'credits' })
      const results = await Promise.all(Array.from({ length: 10 }, ensure))
      expectEqual(results.filter((result) => result.created).length, 1, 'how many times it was new')
      await world.one(grant('a', 'g', million))
      await Promise.all(Array.from({ length: 5 }, ensure))
      expectEqual((await world.state('a')).balance, million, 'the balance')
    },
  },
  {
    name: 'accounts: the plan that is shown is the one the ledger keeps',
    async run(world) {
      await world.accounts('credits', 'a')
      await world.commit([changePlan('a', 'p', 'capped', Date.UTC(2020, 0, 31)), suspension('suspend', 'a', 's')])
      expectEqual((await world.store.accounts.get('a'))?.plan, 'capped', 'the plan of the account')
      const { plan, anchor, suspendedFor } = await world.state('a')
      expectEqual([plan, anchor, suspendedFor], ['capped', Date.UTC(2020, 0, 31), 'looked into'], 'its state')
      const again = await world.store.accounts.ensure({ id: 'a', email: null, name: null, plan: 'credits' })
      expectEqual(again.account.plan, 'capped', 'the plan when the account is asked for again')
      await world.one(suspension('resume', 'a', 's'))
      expectEqual((await world.state('a')).suspendedFor, null, 'why it is suspended after it was resumed')
    },
  },
  {
    name: 'S3.10 accounts: an account that is not there has no record, no snapshot, no rows and no links',
    async run({ store, accounts }) {
      await accounts('credits', 'a')
      for (const id of ['none', 'A', 'a%', '']) {
        expectEqual(await store.accounts.get(id), null, 'the record')
        expectEqual(await store.ledger.snapshot(id), null, 'the snapshot')
        expectEqual(await store.ledger.entries(id, { limit: 9 }), [], 'the rows')
        expectEqual(await store.accounts.externalId(id, 'stripe'), null, 'what the provider calls it')
      }
    },
  },
  {
    name: 'accounts: the first id a provider gave an account stays, and leads back to it',
    async run({ store, accounts }) {
      await accounts('credits', 'a', 'b')
      expectEqual(await store.accounts.externalId('a', 'stripe'), null, 'the id before there is one')
      expectEqual(await store.accounts.link('a', 'stripe', 'cus_1'), 'cus_1', 'the first id')
      expectEqual(await store.accounts.link('a', 'stripe', 'cus_2'), 'cus_1', 'the id when another is given')
      expectEqual(await store.accounts.link('a', 'lago', 'cus_2'), 'cus_2', 'the id of another provider')
      expectEqual(await store.accounts.link('b', 'stripe', 'cus_2'), 'cus_2', 'the id of another account')
      expectEqual(await store.accounts.externalId('a', 'stripe'), 'cus_1', 'the id that is kept')
      const owners = [
        store.directory.accountByExternalId('stripe', 'cus_1'),
        store.directory.accountByExternalId('stripe', 'cus_2'),
        store.directory.accountByExternalId('lago', 'cus_2'),
        store.directory.accountByExternalId('lago', 'cus_1'),
      ]
      expectEqual(await Promise.all(owners), ['a', 'b', 'a', null], 'the accounts by these ids')
    },
  },
  {
    name: 'accounts: an id that is forgotten makes room for another, leads to its account still, and is never linked again',
    async run({ store, accounts }) {
      await accounts('credits', 'a', 'b')
      await store.accounts.link('a', 'stripe', 'cus_1')
      await store.accounts.link('a', 'lago', 'cus_1')
      expectEqual(await store.accounts.formerId('a', 'stripe'), null, 'the former id before there is one')
      for (const [account, provider, id] of [
        ['a', 'stripe', 'cus_2'],
        ['b', 'stripe', 'cus_1'],
        ['a', 'other', 'cus_1'],
      ] as const)
        expectEqual(
          await store.accounts.unlink(account, provider, id),
          false,
          'whether an id is forgotten that it has not',
        )
      expectEqual(await store.accounts.unlink('a', 'stripe', 'cus_1'), true, 'whether its id is forgotten')
      expectEqual(await store.accounts.unlink('a', 'stripe', 'cus_1'), false, 'whether it is again')
      expectEqual(await store.accounts.externalId('a', 'stripe'), null, 'the id')
      expectEqual([...(await store.accounts.externalIds(['a'], 'stripe'))], [], 'the ids')
      expectEqual(await store.accounts.linked('stripe', { limit: 9 }), [], 'who is known')
      expectEqual(await store.accounts.externalId('a', 'lago'), 'cus_1', 'the id of another provider')
      expectEqual(await store.accounts.formerId('a', 'stripe'), 'cus_1', 'the former id')
      for (const account of ['a', 'b'])
        await expectError('invalid_state', () => store.accounts.link(account, 'stripe', 'cus_1'))
      expectEqual(await store.accounts.link('a', 'stripe', 'cus_2'), 'cus_2', 'the next id')
      expectEqual(await store.accounts.unlink('a', 'stripe', 'cus_2'), true, 'whether the next id is forgotten')
      expectEqual(await store.accounts.formerId('a', 'stripe'), 'cus_2', 'the last former id')
      expectEqual(await store.accounts.link('a', 'stripe', 'cus_0'), 'cus_0', 'the third id')
      for (const id of ['cus_0', 'cus_1', 'cus_2'])
        expectEqual(await store.directory.accountByExternalId('stripe', id), 'a', `the account by ${id}`)
    },
  },
  {
    name: 'S3.10 accounts: an id that leads to one account is refused to another',
    async run({ store, accounts }) {
      await accounts('credits', 'a', 'b')
      await store.accounts.link('a', 'stripe', 'cus_1')
      await expectError('invalid_state', () => store.accounts.link('b', 'stripe', 'cus_1'))
      expectEqual(await store.accounts.externalId('b', 'stripe'), null, 'the id of the other account')
      expectEqual(await store.directory.accountByExternalId('stripe', 'cus_1'), 'a', 'the owner')
      expectEqual(await store.accounts.link('a', 'stripe', 'cus_1'), 'cus_1', 'the id when the owner repeats it')
    },
  },
  {
    name: 'S3.10 accounts: an id that is given to several accounts at once leads to one of them',
    async run({ store, accounts }) {
      const owners = ['a', 'b', 'c', 'd']
      await accounts('credits', ...owners)
      const links = await Promise.allSettled(owners.map((id) => store.accounts.link(id, 'stripe', 'cus_1')))
      expectEqual(links.filter((link) => link.status === 'fulfilled').length, 1, 'how many accounts got it')
      const owner = owners[links.findIndex((link) => link.status === 'fulfilled')]
      expectEqual(await store.directory.accountByExternalId('stripe', 'cus_1'), owner, 'the owner')
      const known = await Promise.all(owners.map((id) => store.accounts.externalId(id, 'stripe')))
      expectEqual(known.filter((id) => id !== null).length, 1, 'how many accounts know the id')
    },
  },
  {
    name: 'accounts: of several ids given at once one is kept, and all are answered that one',
    async run({ store, accounts }) {
      await accounts('credits', 'a')
      const ids = Array.from({ length: 8 }, (_, index) => `cus_${index}`)
      const kept = new Set(await Promise.all(ids.map((id) => store.accounts.link('a', 'stripe', id))))
      expectEqual(kept.size, 1, 'how many ids were answered')
      expectEqual(kept.has((await store.accounts.externalId('a', 'stripe')) ?? ''), true, 'whether it is the one kept')
    },
  },
  {
    name: 'accounts: all of them are listed a page at a time, each once',
    async run({ store, accounts }) {
      await accounts('credits', 'b', 'a', 'd', 'c')
      const first = await store.accounts.list({ limit: 3 })
      const second = await store.accounts.list({ limit: 3, after: first.at(-1) ?? '' })
      expectEqual([first.length, second.length], [3, 1], 'how long the pages are')
      expectEqual([...first, ...second].sort(), ['a', 'b', 'c', 'd'], 'the accounts')
    },
  },
  {
    name: 'accounts: those that a provider knows are listed a page at a time, each once',
    async run({ store, accounts }) {
      await accounts('credits', 'a', 'b', 'c', 'd')
      for (const id of ['c', 'a', 'd']) await store.accounts.link(id, 'stripe', `cus_${id}`)
      await store.accounts.link('b', 'lago', 'cus_b')
      const first = await store.accounts.linked('stripe', { limit: 2 })
      const after = first.at(-1)?.accountId ?? ''
      const second = await store.accounts.linked('stripe', { limit: 2, after })
      expectEqual([first.length, second.length], [2, 1], 'how long the pages are')
      expectEqual(
        [...first, ...second].map(({ accountId, externalId }) => `${accountId} ${externalId}`).sort(),
        ['a cus_a', 'c cus_c', 'd cus_d'],
        'the accounts',
      )
    },
  },
  {
    name: 'S33 accounts: one that is erased has no e-mail or name, its API keys end without theirs, and its books stay',
    async run(world) {
      const { store } = world
      const ada = { email: 'Ada@Example.com', plan: 'credits' }
      await store.accounts.ensure({ id: 'a', name: 'Ada', ...ada })
      await store.accounts.ensure({ id: 'b', name: 'Ada again', ...ada, email: 'ada@example.com' })
      await store.accounts.ensure({ id: 'c', name: null, email: null, plan: 'credits' })
      await world.one(grant('a', 'g', million))
      for (const id of ['a', 'b'])
        await store.apiKeys.add({
          ...{ id: `key_${id}`, accountId: id, name: 'Ada’s laptop', scopes: [], topUpsRaiseBudget: false },
          ...{ fingerprint: 'f', expiresAt: null, secret: { id: 's', digest: 'd', hint: 'h' } },
        })
      const found = (limit = 9) => store.directory.accountsByEmail('ADA@example.com', limit)
      expectEqual([await found(), await found(1)], [['a', 'b'], ['a']], 'who has the e-mail')
      const rows = await world.rows('a')
      const erased = await store.accounts.erase('a')
      expectEqual(
        [erased?.email, erased?.name, await found()],
        [null, null, ['b']],
        'the account, and who has the e-mail',
      )
      expectEqual(await store.accounts.erase('a'), erased, 'the account after another time')
      expectEqual(await store.accounts.erase('nobody'), null, 'what is erased of nobody')
      const [own, other] = [await store.apiKeys.get('a', 'key_a'), await store.apiKeys.get('b', 'key_b')]
      expectEqual([own?.name, own?.revokedAt !== null], ['', true], 'its key')
      expectEqual([other?.name, other?.revokedAt], ['Ada’s laptop', null], 'the key of another account')
      expectEqual(await world.rows('a'), rows, 'its rows')
      expectEqual((await world.state('a')).balance, million, 'its balance')
    },
  },
]
