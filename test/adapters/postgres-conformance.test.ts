import { postgresStore } from 'billfold/adapters/postgres'
import { type StoreConformanceSubject, storeConformance } from 'billfold/testing'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { postgresSchemas } from './postgres-schemas.js'
import { type PostgresServer, startPostgres } from './postgres-server.js'

let server: PostgresServer
let pool: pg.Pool
beforeAll(async () => {
  server = await startPostgres()
  pool = new pg.Pool({ connectionString: server.connectionString })
})
afterAll(async () => {
  await pool?.end()
  await server?.stop()
})

const schemas = postgresSchemas('t', () => pool)

type Options = Parameters<StoreConformanceSubject['open']>[0]
type Store = ReturnType<typeof postgresStore>

async function openAt(schema: string, options: Options): Promise<Store> {
  const store = postgresStore({ connectionString: server.connectionString, schema, ...options })
  await store.migrate()
  return store
}

async function schemaOf(store: Store): Promise<string> {
  return (await store.health()).details.schema ?? ''
}

const shared = {
  async reopen(store: Store, options: Options) {
    const schema = await schemaOf(store)
    await store.close()
    return openAt(schema, options)
  },
  second: async (store: Store, options: Options) => openAt(await schemaOf(store), options),
}

const subjects: Readonly<Record<string, StoreConformanceSubject>> = {
  'with a given clock': {
    clock: 'given',
    open: (options) => openAt(schemas.take(), options),
    ...shared,
  },
  'by its own clock': {
    clock: 'own',
    open: () => openAt(schemas.take(), {}),
    ...shared,
  },
}

// Each case once: by the server's clock, as an app runs, but for those that move the clock.
const casesOf = (clock: string, subject: StoreConformanceSubject) =>
  storeConformance(subject).filter(({ needs }) => (needs === 'clock') === (clock === 'with a given clock'))

describe.each(Object.entries(subjects))('postgresStore %s', (clock, subject) => {
  for (const { name, run } of casesOf(clock, subject)) it.concurrent(`C5 ${name}`, () => schemas.during(run))
})

it('C5 is tried in every case', () => {
  const tried = Object.entries(subjects).flatMap(([clock, subject]) => casesOf(clock, subject))
  expect(tried.filter(({ skip }) => skip !== undefined)).toEqual([])
  const [subject] = Object.values(subjects)
  expect(tried.length).toBe(subject && storeConformance(subject).length)
})
