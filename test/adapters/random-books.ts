import type { Store } from 'billfold'
import { rules } from '../model/catalog.js'
import { batchesOf } from '../model/reduce.js'
import { createSequence, type Step } from '../model/sequence.js'

/** A store, with the clock that it goes by. */
export interface Subject {
  readonly store: Store
  setNow(now: number): void
}

/** Fills the books of two accounts with a random sequence of all commands. The same seed gives the same books. */
export async function fillBooks(
  { store, setNow }: Subject,
  seed: number,
  count = 300,
  plan = 'postpaid',
): Promise<void> {
  const { accountIds, steps } = createSequence(seed, count, `s${seed}`)
  await replay({ store, setNow }, accountIds, steps, plan)
}

export async function replay(
  { store, setNow }: Subject,
  accountIds: readonly string[],
  steps: readonly Step[],
  plan: string,
): Promise<void> {
  setNow(steps[0]?.at ?? 0)
  await store.outbox.subscribe('listener', ['credit.granted', 'quota.near'])
  for (const id of accountIds) await store.accounts.ensure({ id, email: null, name: null, plan })
  for (const batch of batchesOf(steps)) {
    setNow(batch[0]?.at ?? 0)
    await store.ledger.commit(
      batch.map(({ command }) => command),
      rules,
    )
  }
}
