import type { KnownApiKey, NewApiKey, NewApiKeySecret } from '../../core/ports/store.js'
import { expectEqual } from '../conformance.js'
import { required, type StoreCase } from './world.js'

const secret = (name: string): NewApiKeySecret => ({
  id: `by ${name}`,
  digest: `digest of ${name}`,
  hint: `sk-…${name}`,
})

const newKey = (id: string, change: Partial<NewApiKey> = {}): NewApiKey => ({
  id,
  accountId: 'a',
  name: `it's "${id}" 北京`,
  scopes: ['billing:read', 'usage:write'],
  topUpsRaiseBudget: false,
  fingerprint: `f ${id}`,
  expiresAt: null,
  secret: secret('1'),
  ...change,
})

const named = (keys: readonly KnownApiKey[]) => keys.map(({ id }) => id)
const hour = 3_600_000

/** API keys: looked up by id before anybody knows whose they are, and changed one change after another. */
export const apiKeyCases: readonly StoreCase[] = [
  {
    name: 'S2.1 API keys: one is read back as it was added, by its account and by its id alone',
    async run({ store, now }) {
      const given = newKey('key_1', { expiresAt: 4_102_444_800_000, topUpsRaiseBudget: true })
      const added = await store.apiKeys.add(given)
      const { secret: first, ...rest } = given
      const { asOf, ...key } = added
      expectEqual(
        key,
        {
          ...rest,
          secrets: [{ ...first, createdAt: key.createdAt, expiresAt: null }],
          createdAt: key.createdAt,
          revokedAt: null,
          lastUsedAt: null,
        },
        'what adding answers',
      )
      expectEqual(
        [key.createdAt, asOf].every((time) => Math.abs(time - now()) < 300_000),
        true,
        'the time of it',
      )
      for (const found of [await store.apiKeys.get('a', 'key_1'), await store.directory.apiKey('key_1')]) {
        const { asOf: _, ...read } = required(found, 'the key')
        expectEqual(read, key, 'the key')
      }
    },
  },
  {
    name: 'S3.10 API keys: another account cannot read, list or change one, and what is not there is nothing',
    async run({ store: { apiKeys, directory } }) {
      await apiKeys.add(newKey('key_1'))
      expectEqual(await apiKeys.get('b', 'key_1'), null, 'what another account reads')
      expectEqual(await apiKeys.list('b', { limit: 10 }), [], 'what it lists')
      expectEqual(await apiKeys.list('b', { limit: 10, before: 'key_1' }), [], 'what it lists after a key of another')
      expectEqual(await apiKeys.change('b', 'key_1', { kind: 'revoke' }), null, 'what its change answers')
      expectEqual((await apiKeys.get('a', 'key_1'))?.revokedAt, null, 'when it was revoked')
      expectEqual(await directory.apiKey('key_2'), null, 'a key that nobody has')
      expectEqual(await apiKeys.change('a', 'key_2', { kind: 'revoke' }), null, 'a change of it')
      await apiKeys.used('key_2', hour)
    },
  },
  {
    name: 'S2.1 API keys: an id is given once, also when it is asked for several times at once',
    async run({ store: { apiKeys } }) {
      const asked = Array.from({ length: 8 }, (_, index) => newKey('key_1', { secret: secret(`s${index}`) }))
      const answers = await Promise.all(asked.map((key) => apiKeys.add(key)))
      expectEqual(new Set(answers.map(({ secrets }) => secrets[0]?.digest)).size, 1, 'how many secrets were kept')
      expectEqual(new Set(answers.map(({ secrets }) => secrets.length)), new Set([1]), 'how many it has')
      const late = await apiKeys.add(newKey('key_1', { accountId: 'b', fingerprint: 'other' }))
      expectEqual([late.accountId, late.fingerprint], ['a', 'f key_1'], 'whose it stays')
    },
  },
  {
    name: 'S2.1 API keys: those of an account come newest first, page by page, however they change',
    async run({ store: { apiKeys } }) {
      for (const id of ['key_3', 'key_1', 'key_2']) await apiKeys.add(newKey(id))
      await apiKeys.add(newKey('key_4', { accountId: 'b' }))
      await apiKeys.change('a', 'key_3', { kind: 'revoke' })
      expectEqual(named(await apiKeys.list('a', { limit: 2 })), ['key_2', 'key_1'], 'the first page')
      expectEqual(named(await apiKeys.list('a', { limit: 2, before: 'key_1' })), ['key_3'], 'the second page')
      expectEqual(await apiKeys.list('a', { limit: 2, before: 'none' }), [], 'the page after nobody’s')
    },
  },
  {
    name: 'S2.1 API keys: another secret leaves those before it a while; asked for again it changes nothing',
    needs: 'clock',
    async run(world) {
      const { apiKeys } = world.store
      await apiKeys.add(newKey('key_1'))
      await world.pass(1_000)
      const rotate = { kind: 'rotate', secret: secret('2'), overlapMs: hour } as const
      const rotated = required(await apiKeys.change('a', 'key_1', rotate), 'the key')
      const ends = (key: KnownApiKey) => key.secrets.map(({ digest, expiresAt }) => [digest, expiresAt])
      const expected = [
        ['digest of 1', world.now() + hour],
        ['digest of 2', null],
      ]
      expectEqual(ends(rotated), expected, 'until when its secrets open it')
      await world.pass(1_000)
      const again = required(await apiKeys.change('a', 'key_1', { ...rotate, overlapMs: 0 }), 'the key')
      expectEqual(ends(again), expected, 'the same after a repeat')
      await apiKeys.change('a', 'key_1', { kind: 'rotate', secret: secret('3'), overlapMs: 2 * hour })
      const third = required(await world.store.directory.apiKey('key_1'), 'the key')
      const later = [expected[0], ['digest of 2', world.now() + 2 * hour], ['digest of 3', null]]
      expectEqual(ends(third), later, 'nobody’s time is made longer')
    },
  },
  {
    name: 'S2.1 API keys: five secrets open one at most, and of many that are asked for at once none is lost',
    async run({ store: { apiKeys } }) {
      await apiKeys.add(newKey('key_1'))
      const names = ['2', '3', '4', '5', '6', '7', '8']
      const changes = names.map((name) =>
        apiKeys.change('a', 'key_1', { kind: 'rotate', secret: secret(name), overlapMs: hour }),
      )
      const answers = await Promise.all(changes)
      const held = answers.filter((key, index) => key?.secrets.some(({ id }) => id === `by ${names[index]}`))
      expectEqual(held.length, 4, 'how many were taken')
      expectEqual((await apiKeys.get('a', 'key_1'))?.secrets.length, 5, 'how many open it')
      await apiKeys.change('a', 'key_1', { kind: 'rotate', secret: secret('9'), overlapMs: 0 })
      const { secrets, asOf } = required(await apiKeys.get('a', 'key_1'), 'the key')
      const open = secrets.filter(({ expiresAt }) => expiresAt === null || expiresAt > asOf)
      expectEqual(
        open.map(({ digest }) => digest),
        ['digest of 9'],
        'what opens it after all others were ended',
      )
    },
  },
  {
    name: 'S2.1 API keys: one that was revoked stays so, and one that has expired has no new secret',
    needs: 'clock',
    async run(world) {
      const { apiKeys } = world.store
      await apiKeys.add(newKey('key_1'))
      await apiKeys.add(newKey('key_2', { expiresAt: world.now() + hour }))
      await apiKeys.add(newKey('key_3'))
      expectEqual(await apiKeys.endedAmong(['key_1', 'key_2', 'key_3', 'other']), [], 'what has ended')
      const revokedAt = world.now()
      await apiKeys.change('a', 'key_1', { kind: 'revoke' })
      await world.pass(hour)
      const rotate = { kind: 'rotate', secret: secret('2'), overlapMs: 0 } as const
      for (const change of [{ kind: 'revoke' }, rotate, { kind: 'budget', topUpsRaiseBudget: true }] as const) {
        const key = required(await apiKeys.change('a', 'key_1', change), 'the key')
        const kept = [key.revokedAt, key.secrets.length, key.topUpsRaiseBudget]
        expectEqual(kept, [revokedAt, 1, false], `after ${change.kind}`)
      }
      expectEqual((await apiKeys.change('a', 'key_2', rotate))?.secrets.length, 1, 'the secrets of an expired key')
      const ended = await apiKeys.endedAmong(['key_1', 'key_2', 'key_3', 'other'])
      expectEqual([...ended].sort(), ['key_1', 'key_2'], 'what has ended')
      expectEqual(await apiKeys.endedAmong([]), [], 'what has ended of nothing')
    },
  },
  {
    name: 'S2.1 API keys: when one was used is noted once in a while, and not undone by a change',
    needs: 'clock',
    async run(world) {
      const { apiKeys } = world.store
      await apiKeys.add(newKey('key_1'))
      const used = async () => (await apiKeys.get('a', 'key_1'))?.lastUsedAt
      await apiKeys.used('key_1', hour)
      const first = world.now()
      await world.pass(hour - 1)
      await apiKeys.used('key_1', hour)
      expectEqual(await used(), first, 'when it was used')
      await world.pass(1)
      await Promise.all([
        apiKeys.used('key_1', hour),
        apiKeys.change('a', 'key_1', { kind: 'budget', topUpsRaiseBudget: true }),
      ])
      expectEqual(await used(), first + hour, 'when it was used later')
      expectEqual((await apiKeys.get('a', 'key_1'))?.topUpsRaiseBudget, true, 'what was changed')
    },
  },
  {
    name: 'S2.1 API keys: they are there after the store was opened again',
    needs: 'reopen',
    async run(world) {
      const { asOf: _, ...added } = await world.store.apiKeys.add(newKey('key_1'))
      await world.reopen()
      const { asOf: __, ...read } = required(await world.store.directory.apiKey('key_1'), 'the key')
      expectEqual(read, added, 'the key')
    },
  },
  {
    name: 'S2.1 API keys: what one connection revokes, the other sees at once',
    needs: 'second',
    async run(world) {
      const other = await world.second()
      await world.store.apiKeys.add(newKey('key_1'))
      expectEqual((await other.directory.apiKey('key_1'))?.revokedAt, null, 'when it was revoked')
      await world.store.apiKeys.change('a', 'key_1', { kind: 'revoke' })
      expectEqual(typeof (await other.directory.apiKey('key_1'))?.revokedAt, 'number', 'when it was revoked')
      expectEqual(await other.apiKeys.endedAmong(['key_1']), ['key_1'], 'what has ended')
    },
  },
]
