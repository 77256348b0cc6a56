import type { TestProject } from 'vitest/node'
import { startPostgres } from '../../adapters/postgres-server.js'

declare module 'vitest' {
  export interface ProvidedContext {
    /** Where the PostgreSQL of this run is. */
    readonly postgres: string
  }
}

/** One server for all files of the run. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = await startPostgres({ forgetful: true })
  project.provide('postgres', server.connectionString)
  return () => server.stop()
}
