// A process of its own that pulls: `pull-processes.test.ts` starts several on one database.
import { LangfuseClient } from '@langfuse/client'
import pg from 'pg'
import { postgresStore } from '../../../src/adapters/postgres.js'
import { sqliteStore } from '../../../src/adapters/sqlite.js'
import { createBilling } from '../../../src/core/billing-service.js'
import { defineCatalog } from '../../../src/core/catalog.js'
import type { Store } from '../../../src/core/ports/store.js'
import { langfuseProvider } from '../../../src/providers/langfuse/index.js'

interface Task {
  readonly sqlite?: string
  readonly postgres?: { readonly connectionString: string; readonly schema: string }
  readonly langfuse: { readonly baseUrl: string; readonly publicKey: string; readonly secretKey: string }
  readonly from: number
  readonly to: number
  readonly times: number
}

const task = JSON.parse(process.argv[2] ?? '') as Task
const pool = task.postgres && new pg.Pool({ connectionString: task.postgres.connectionString, max: 4 })

function openStore(): Store {
  if (!pool || !task.postgres) return sqliteStore({ path: task.sqlite ?? '' })
  // The test's server may lose commits, which the store would refuse.
  return { ...postgresStore({ pool, schema: task.postgres.schema }), migrate: async () => {} }
}

const billing = createBilling({
  catalog: defineCatalog({ meters: { model_calls: { unit: 'token', rate: { mode: 'by_cost' } } } }),
  store: openStore(),
  providers: { tracing: langfuseProvider({ ...task.langfuse, client: new LangfuseClient(task.langfuse) }) },
  pull: { generations: 'model_calls' },
})
for (let time = 0; time < task.times; time += 1) {
  const from = task.from + ((time * 7) % 20) * 60_000
  await billing.sync.pull({ from: new Date(time % 2 === 0 ? task.from : from), to: new Date(task.to) })
}
await billing.close()
await pool?.end()
