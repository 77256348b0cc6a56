import { expectEqual } from '../conformance.js'
import type { StoreCase } from './world.js'

const odd = `{"price":{"$bigint":"9007199254740993"},"text":"a'b\\\\ \\n ÄŁ 🙂 %$1"}`

/** Price cards: the prices behind the versions that usage names. */
export const priceCases: readonly StoreCase[] = [
  {
    name: 'S1.2 prices: a card is read back to the letter, by its version and no other',
    async run({ store }) {
      const version = `3f2a90c1d7e4 book's "list"@1.2.3;batch=0.5#1a2b`
      await store.prices.keep(version, odd)
      expectEqual(await store.prices.get(version), odd, 'the card')
      expectEqual(await store.prices.get(version.toUpperCase()), null, 'the card of another version')
      expectEqual(await store.prices.get(''), null, 'the card of no version')
    },
  },
  {
    name: 'S1.2 prices: the first card of a version stays',
    async run({ store }) {
      await store.prices.keep('v1', '1')
      await Promise.all([store.prices.keep('v1', '2'), store.prices.keep('v2', '3'), store.prices.keep('v1', '1')])
      expectEqual([await store.prices.get('v1'), await store.prices.get('v2')], ['1', '3'], 'the cards')
    },
  },
  {
    name: 'S1.2 prices: cards of hundreds of kilobytes are kept whole',
    async run({ store }) {
      const large = odd.repeat(8_000)
      await store.prices.keep('large', large)
      expectEqual((await store.prices.get('large')) === large, true, 'whether it is the same')
    },
  },
  {
    name: 'S1.2 prices: a card is there after the store was opened again',
    needs: 'reopen',
    async run(world) {
      await world.store.prices.keep('v1', odd)
      await world.reopen()
      expectEqual(await world.store.prices.get('v1'), odd, 'the card')
    },
  },
  {
    name: 'S1.2 prices: what one connection keeps another reads',
    needs: 'second',
    async run(world) {
      const second = await world.second()
      await Promise.all([world.store.prices.keep('v1', odd), second.prices.keep('v1', odd)])
      expectEqual([await world.store.prices.get('v1'), await second.prices.get('v1')], [odd, odd], 'the cards')
    },
  },
]
