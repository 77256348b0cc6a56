import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { memoryStore } from '../../src/adapters/memory.js'
import { postgresStore } from '../../src/adapters/postgres.js'
import { sqliteStore } from '../../src/adapters/sqlite.js'
import { type PostgresServer, startPostgres } from '../adapters/postgres-server.js'
import { planNames } from '../model/catalog.js'
import { compare, type Subject } from '../model/compare.js'
import { reduceSteps, show } from '../model/reduce.js'
import { createSequence, type Step } from '../model/sequence.js'
import { counts } from './counts.js'

vi.setConfig({ testTimeout: counts.modelTimeoutMs })

const commands = 100
/** A store gets so many sequences, each with accounts of its own, before it is replaced. */
const perStore = 25
const firstSeed = Number(process.env.MODEL_SEED ?? 1)
const isReplay = process.env.MODEL_SEED !== undefined

let folder: string
let server: PostgresServer
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'billfold-model-'))
  server = await startPostgres()
})
afterAll(async () => {
  await server?.stop()
  rmSync(folder, { recursive: true, force: true })
})

let opened = 0
const kinds = [
  { kind: 'memory', sequences: counts.modelOnMemory, open: (now: () => number) => memoryStore({ now }) },
  {
    kind: 'SQLite',
    sequences: counts.modelOnSqlite,
    open: (now: () => number) => sqliteStore({ path: join(folder, `${++opened}.db`), durability: 'normal', now }),
  },
  {
    kind: 'PostgreSQL',
    sequences: counts.modelOnPostgres,
    open(now: () => number) {
      const schema = `model_${process.pid}_${Date.now().toString(36)}_${++opened}`
      return postgresStore({ connectionString: server.connectionString, schema, now })
    },
  },
]

describe.each(kinds)('the model and the ledger on $kind', ({ kind, sequences, open }) => {
  const count = isReplay ? 1 : sequences

  it(`S3.11 S3.9 S2.3 S2.6 S0.6 C5 agree on ${count} sequences of ${commands} commands, each delivered up to five times`, async () => {
    let subject = await openSubject()
    let runs = 0
    try {
      for (let seed = firstSeed; seed < firstSeed + count; seed += 1) {
        if (seed % perStore === 0) {
          await subject.store.close()
          subject = await openSubject()
        }
        const failure = await failureOf(seed)
        if (failure === null) continue
        const kept = await reduceSteps(
          stepsOf(seed, 'x').map((_, index) => index),
          async (indices) => {
            const other = await failureOf(seed, indices)
            return other !== null && nameOf(other) === nameOf(failure)
          },
        )
        const last = await failureOf(seed, kept)
        const steps = stepsOf(seed, 'x')
        const few = show(kept.flatMap((index) => steps[index] ?? []))
        expect.fail(`seed ${seed} on ${kind} (replay: MODEL_SEED=${seed}): ${last ?? failure}\n${few}`)
      }
    } finally {
      await subject.store.close()
    }

    async function openSubject(): Promise<Subject> {
      let now = 0
      const store = open(() => now)
      await store.migrate()
      return {
        store,
        setNow(at) {
          now = at
        },
      }
    }

    async function failureOf(seed: number, indices?: readonly number[]): Promise<string | null> {
      runs += 1
      const prefix = `s${seed}.${runs}.`
      const { accountIds } = createSequence(seed, 1, prefix, true)
      const all = stepsOf(seed, prefix)
      const steps = indices ? indices.flatMap((index) => all[index] ?? []) : all
      try {
        await compare(subject, accountIds, steps, planNames[seed % planNames.length] ?? 'credits')
        return null
      } catch (error) {
        return (error instanceof Error ? error.message : String(error)).replaceAll(prefix, '')
      }
    }
  })
})

function stepsOf(seed: number, prefix: string): readonly Step[] {
  return createSequence(seed, commands, prefix, true).steps
}

/** What is wrong, without the numbers, which are others when commands are left out. */
function nameOf(failure: string): string {
  return failure.replace(/\d+/g, '#').slice(0, 40)
}
