'use server'

import { randomUUID } from 'node:crypto'
import type { RemedyView } from 'billfold'
import { catalog } from '@/server/catalog'
import { parrot } from '@/server/parrot'
import { requireSession } from '@/server/session'
import { tasks } from '@/server/work'

/** A way on after a refusal. */
interface Way {
  readonly words: string
  /** Where it is; `null` where nothing can be done. */
  readonly address: string | null
}

/** What came of a piece of work, and the key of the next one. */
export interface Outcome {
  readonly key: string
  readonly message: string | null
  /** Every way on; `null` where nothing was refused. */
  readonly ways: readonly Way[] | null
}

/** Asks first, works, then records what was used. The key makes a double click count once. */
export async function work(before: Outcome, form: FormData): Promise<Outcome> {
  const { accountId } = await requireSession()
  const name = String(form.get('task'))
  const task = tasks.get(name)
  if (!task) return { ...before, message: 'Parrot does not know how.', ways: null }
  const { billing } = await parrot()
  const decision = await billing.authorize({ accountId, ...task.work })
  const key = randomUUID()
  if (!decision.allowed) {
    const message = 'Parrot refused, and nothing was charged. You can:'
    return { key, message, ways: decision.remedies.map(wayOf) }
  }
  const { settledBy } = await billing.recordUsage({
    accountId,
    ...task.work,
    idempotencyKey: `${before.key}-${name}`,
  })
  const { credits = 0n } = settledBy
  const payer = credits > 0n ? `${wholeSparks(credits)} Sparks of your credit` : 'what your plan includes'
  return { key, message: `${task.done} Paid from ${payer}.`, ways: null }
}

function wayOf(remedy: RemedyView): Way {
  switch (remedy.kind) {
    case 'top_up':
      return {
        words: `Buy credits: ${wholeSparks(remedy.missingSparks)} Sparks are missing`,
        address: '/settings/billing',
      }
    case 'upgrade':
      return {
        words: `Change to the ${catalog.plans.get(remedy.plan)?.title ?? remedy.plan} plan`,
        address: '/settings/plans',
      }
    case 'smaller_request':
      return { words: 'Ask for something smaller', address: null }
    case 'wait':
      return { words: `Wait until ${remedy.until.toISOString().slice(0, 10)}`, address: null }
  }
}

/** Rounded up: who pays that much has enough. */
function wholeSparks(microSparks: bigint): string {
  return ((microSparks + 999_999n) / 1_000_000n).toLocaleString('en-US')
}
