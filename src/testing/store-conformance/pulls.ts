import { expectEqual } from '../conformance.js'
import type { StoreCase } from './world.js'

const item = (externalId: string, accountId: string) => ({ externalId, accountId })

/** What was read elsewhere: whose it is, and how far the reading has come. */
export const pullCases: readonly StoreCase[] = [
  {
    name: 'S1.3 pulls: whose something is, is said once, by source and id',
    async run({ store: { pulls } }) {
      const a = { accountId: 'a', isMarked: false }
      const b = { accountId: 'b', isMarked: false }
      expectEqual(await pulls.assign('one', [item('2', 'a'), item('1', 'b')]), [a, b], 'what is kept at first')
      expectEqual(
        await pulls.assign('one', [item('1', 'a'), item('3', 'a'), item('2', 'b')]),
        [b, a, a],
        'what is kept when others are named',
      )
      expectEqual(await pulls.assign('two', [item('1', 'a')]), [a], 'what is kept of another source')
      expectEqual(await pulls.assign('one', []), [], 'nothing')
    },
  },
  {
    name: 'S1.3 pulls: what is marked stays so, and what is not kept is not marked',
    async run({ store: { pulls } }) {
      await pulls.assign('one', [item('1', 'a'), item('2', 'a')])
      await pulls.mark('one', ['1', '9'])
      await pulls.mark('one', ['1'])
      const kept = await pulls.assign('one', [item('1', 'b'), item('2', 'b'), item('9', 'b')])
      expectEqual(
        kept.map(({ isMarked }) => isMarked),
        [true, false, false],
        'the marks',
      )
    },
  },
  {
    name: 'S1.3 pulls: a position moves forward, never back, and is of one source',
    async run({ store: { pulls } }) {
      expectEqual(await pulls.position('one'), null, 'the position before there was one')
      await pulls.advance('one', 1_800_000_000_000)
      await pulls.advance('one', 1_700_000_000_000)
      expectEqual(await pulls.position('one'), 1_800_000_000_000, 'the position')
      expectEqual(await pulls.position('two'), null, 'the position of another source')
    },
  },
  {
    name: 'S1.3 pulls: what is kept is there after the store was opened again',
    needs: 'reopen',
    async run(world) {
      await world.store.pulls.assign('one', [item('1', 'a')])
      await world.store.pulls.mark('one', ['1'])
      await world.store.pulls.advance('one', 7)
      await world.reopen()
      const kept = await world.store.pulls.assign('one', [item('1', 'b')])
      expectEqual(kept, [{ accountId: 'a', isMarked: true }], 'what is kept')
      expectEqual(await world.store.pulls.position('one'), 7, 'the position')
    },
  },
  {
    name: 'S1.3 pulls: two connections that name another account at once keep the same one',
    needs: 'second',
    async run(world) {
      const second = await world.second()
      const ids = Array.from({ length: 200 }, (_, index) => String(index))
      const [here, there] = await Promise.all([
        world.store.pulls.assign(
          'one',
          ids.map((id) => item(id, 'a')),
        ),
        second.pulls.assign(
          'one',
          ids.toReversed().map((id) => item(id, 'b')),
        ),
      ])
      expectEqual(here, there.toReversed(), 'what both were told')
    },
  },
]
