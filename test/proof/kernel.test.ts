import { expect, it, vi } from 'vitest'
import { commit, createBooks, expectRepeats, expectReports, expectToAddUp } from '../model/books.js'
import { planNames } from '../model/catalog.js'
import { batchesOf, reduceSteps, show } from '../model/reduce.js'
import { createSequence, type Sequence, type Step } from '../model/sequence.js'
import { counts } from './counts.js'

vi.setConfig({ testTimeout: counts.modelTimeoutMs })

it(`S3.11 S2.3 S2.6 all that is kept adds up after every batch of ${counts.operations} operations, whatever they are`, async () => {
  let operations = 0
  for (let seed = 1; operations < counts.operations; seed += 1) {
    const sequence = createSequence(seed, 100, '', true)
    operations += sequence.steps.length
    const failure = failureOf(sequence, seed)
    if (failure === null) continue
    const few = await reduceSteps(sequence.steps, async (steps) => failureOf({ ...sequence, steps }, seed) !== null)
    expect.fail(`seed ${seed}: ${failureOf({ ...sequence, steps: few }, seed)}\n${show(few)}`)
  }
})

function failureOf({ accountIds, steps }: Sequence, seed: number): string | null {
  try {
    run(accountIds, steps, planNames[seed % planNames.length] ?? 'credits')
    return null
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

function run(accountIds: readonly string[], steps: readonly Step[], plan: string): void {
  const books = createBooks(accountIds, plan)
  const firsts = new Map<string, unknown>()
  for (const batch of batchesOf(steps)) {
    const commands = batch.map(({ command }) => command)
    const { outcomes } = commit(books, commands, batch[0]?.at ?? 0)
    expectToAddUp(books)
    expectRepeats(firsts, commands, outcomes)
  }
  expectReports(books)
}
