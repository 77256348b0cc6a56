import type { StoredRecord } from '../../core/ports/store.js'
import { expectEqual } from '../conformance.js'
import type { StoreCase } from './world.js'

const record = (id: string, revision = 1, change: Partial<StoredRecord> = {}): StoredRecord => ({
  id,
  kind: 'invoice',
  party: 'a',
  revision,
  body: `{"text":"a'b\\\\ \\n ÄŁ 🙂 %$1 ${id}"}`,
  ...change,
})

/** Records: what a provider without a service of its own keeps. */
export const recordCases: readonly StoreCase[] = [
  {
    name: 'S3.4 records: one is read back to the letter by its owner and no other',
    async run({ store: { records } }) {
      expectEqual(await records.get('manual', '1'), null, 'what nobody wrote')
      expectEqual(await records.write('manual', [record('1')]), true, 'whether it was written')
      expectEqual(await records.get('manual', '1'), record('1'), 'the record')
      expectEqual(await records.get('other', '1'), null, 'what another owner sees')
    },
  },
  {
    name: 'S3.4 records: only the next revision is written, and all of them or none',
    async run({ store: { records } }) {
      await records.write('manual', [record('1'), record('2')])
      expectEqual(await records.write('manual', [record('1')]), false, 'a new one of what is there')
      expectEqual(await records.write('manual', [record('3', 2)]), false, 'another revision of what is not there')
      expectEqual(
        await records.write('manual', [record('4'), record('1', 3)]),
        false,
        'one of several skips a revision',
      )
      expectEqual(await records.write('manual', [record('1', 2, { body: 'x' }), record('2')]), false, 'one is old')
      expectEqual(
        [await records.get('manual', '1'), await records.get('manual', '4')],
        [record('1'), null],
        'what is there',
      )
      const next = record('1', 2, { body: 'next' })
      expectEqual(await records.write('manual', [next, record('4')]), true, 'whether both were written')
      expectEqual([await records.get('manual', '1'), await records.get('manual', '4')], [next, record('4')], 'both')
    },
  },
  {
    name: 'S3.1 records: those of a kind and party come newest first, page by page, however often they change',
    async run({ store: { records } }) {
      for (const id of ['3', '1', '2']) await records.write('manual', [record(id)])
      await records.write('manual', [record('4', 1, { party: 'b' }), record('5', 1, { kind: 'payment' })])
      await records.write('other', [record('6')])
      await records.write('manual', [record('3', 2)])
      const page = { kind: 'invoice', party: 'a', limit: 2 }
      const idsOf = (found: readonly StoredRecord[]) => found.map(({ id }) => id)
      expectEqual(idsOf(await records.list('manual', page)), ['2', '1'], 'the first page')
      expectEqual(idsOf(await records.list('manual', { ...page, before: '1' })), ['3'], 'the second page')
      expectEqual(await records.list('manual', { ...page, before: 'none' }), [], 'the page after nobody’s')
    },
  },
  {
    name: 'S3.4 records: they are there after the store was opened again',
    needs: 'reopen',
    async run(world) {
      await world.store.records.write('manual', [record('1')])
      await world.reopen()
      expectEqual(await world.store.records.get('manual', '1'), record('1'), 'the record')
    },
  },
  {
    name: 'S3.1 records: of two connections that count at once neither loses or repeats a number',
    needs: 'second',
    async run(world) {
      const stores = [world.store, await world.second()]
      const count = async (name: string, { records }: (typeof stores)[number]) => {
        for (;;) {
          const last = (await records.get('manual', 'count'))?.revision ?? 0
          const next = record('count', last + 1)
          if (await records.write('manual', [next, record(`number:${last + 1}`, 1, { body: name })])) return
        }
      }
      const names = Array.from({ length: 20 }, (_, index) => `name ${index}`)
      await Promise.all(names.map((name, index) => count(name, stores[index % 2] ?? world.store)))
      const numbers = names.map((_, index) => world.store.records.get('manual', `number:${index + 1}`))
      const named = (await Promise.all(numbers)).map((found) => found?.body ?? 'nobody')
      expectEqual(named.toSorted(), names.toSorted(), 'who has a number')
    },
  },
]
