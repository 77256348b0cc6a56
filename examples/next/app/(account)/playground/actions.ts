'use server'

import { randomUUID } from 'node:crypto'
import { formatSparks, type RemedyView } from 'billfold'
import { catalog } from '@/server/catalog'
import { parrot } from '@/server/parrot'
import { requireSession } from '@/server/session'
import { tasks } from '@/server/work'

/** What came of a piece of work, and the key of the next one. */
export interface Outcome {
  readonly key: string
  readonly message: string | null
  /** Every way on after a refusal; `null` where there was none. */
  readonly ways: readonly string[] | null
}

/** Asks first, works, then records what was used. The key makes a double click count once. */
export async function work(before: Outcome, form: FormData): Promise<Outcome> {
  const { accountId } = await requireSession()
  const task = tasks[String(form.get('task'))]
  if (!task) return { ...before, message: 'Parrot does not know how.', ways: null }
  const { billing } = await parrot()
  const decision = await billing.authorize({ accountId, ...task.work })
  const key = randomUUID()
  if (!decision.allowed) return { key, message: decision.message, ways: decision.remedies.map(inWords) }
  const { sparks, settledBy } = await billing.recordUsage({
    accountId,
    ...task.work,
    idempotencyKey: `${before.key}-${form.get('task')}`,
  })
  const isIncluded = settledBy.allowance === sparks
  return {
    key,
    message: `${task.done} ${isIncluded ? 'Your plan includes that.' : `That took ${formatSparks(settledBy.credits)} Sparks of your credit.`}`,
    ways: null,
  }
}

function inWords(remedy: RemedyView): string {
  switch (remedy.kind) {
    case 'top_up':
      return `Buy credits: ${formatSparks(remedy.missingSparks)} Sparks are missing.`
    case 'upgrade':
      return `Change to the ${catalog.plans.get(remedy.plan)?.title ?? remedy.plan} plan.`
    case 'smaller_request':
      return 'Ask for less.'
    case 'wait':
      return `Wait until ${remedy.until.toISOString().slice(0, 10)}.`
  }
}
