import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Store } from 'billfold'
import { memoryStore } from 'billfold/adapters/memory'
import { sqliteStore } from 'billfold/adapters/sqlite'

/** A store that the tests of operations run on. */
export interface TestedStore {
  readonly name: string
  /** A new, empty store; closing it leaves nothing behind. */
  open(options?: { readonly now?: () => number }): Promise<Store>
}

/** Every store this package ships that needs no server. */
export const stores: readonly TestedStore[] = [
  { name: 'memory', open: async (options) => memoryStore(options) },
  {
    name: 'sqlite',
    async open(options) {
      const folder = await mkdtemp(join(tmpdir(), 'billfold-operations-'))
      // Nothing here outlives the process, so waiting for the disk would only be slow.
      const store = sqliteStore({ path: join(folder, 'billing.db'), durability: 'normal', ...options })
      return {
        ...store,
        async close() {
          await store.close()
          await rm(folder, { recursive: true, force: true })
        },
      }
    },
  },
]
