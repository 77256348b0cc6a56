import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sqliteStore } from 'billfold/adapters/sqlite'
import { type StoreConformanceSubject, storeConformance } from 'billfold/testing'
import { afterAll, expect, it } from 'vitest'

const folder = mkdtempSync(join(tmpdir(), 'billfold-sqlite-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

let files = 0
const subject: StoreConformanceSubject = {
  clock: 'given',
  async open(options) {
    files += 1
    return openAt(join(folder, `${files}.db`), options)
  },
  async reopen(store, options) {
    const path = await pathOf(store)
    await store.close()
    return openAt(path, options)
  },
  second: async (store, options) => openAt(await pathOf(store), options),
}

type Options = Parameters<StoreConformanceSubject['open']>[0]
type Store = ReturnType<typeof sqliteStore>

async function openAt(path: string, options: Options): Promise<Store> {
  const store = sqliteStore({ path, ...options })
  await store.migrate()
  return store
}

async function pathOf(store: Store): Promise<string> {
  return (await store.health()).details.file ?? ''
}

const cases = storeConformance(subject)
for (const { name, run } of cases) it.concurrent(`C5 ${name}`, run)

it('C5 is tried in every case', () => {
  expect(cases.filter(({ skip }) => skip !== undefined)).toEqual([])
})
