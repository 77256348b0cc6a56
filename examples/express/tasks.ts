import type { RemedyView } from 'billfold'
import { catalog, type ParrotBilling } from './billing.js'
import type { Tokens } from './model.js'

/** What came of a task: what to say, and where it was refused every way on. */
export interface Outcome {
  readonly message: string
  readonly ways: readonly Way[] | null
}

/** A way on after a refusal, and where it is; `null` where nothing can be done. */
interface Way {
  readonly words: string
  readonly address: string | null
}

interface Task {
  readonly model: keyof typeof catalog.config.models
  readonly tokens: Tokens
  readonly done: string
}

/** What Parrot does for people who click, and what it counts: said here, since whoever names the counts names the price. */
export const tasks: ReadonlyMap<string, Task> = new Map(
  Object.entries({
    phrase: {
      model: 'parrot-mini',
      tokens: { input: 120, output: 80 },
      done: 'Parrot said it again, three times.',
    },
    book: {
      model: 'parrot-large',
      tokens: { input: 140_000, output: 7_000 },
      done: 'Parrot read the book. It is about a pirate.',
    },
  } as const),
)

/** Asks first, works, then records what was used, once for a key. */
export async function doTask(
  billing: ParrotBilling,
  accountId: string,
  { model, tokens, done }: Task,
  idempotencyKey: string,
): Promise<Outcome> {
  const work = { accountId, meter: 'ai_tokens', model, tokens: { ...tokens } } as const
  const decision = await billing.authorize(work)
  if (!decision.allowed) {
    return { message: 'Parrot refused, and nothing was charged. You can:', ways: decision.remedies.map(wayOf) }
  }
  const { settledBy } = await billing.recordUsage({ ...work, idempotencyKey })
  const { credits = 0n } = settledBy
  const payer = credits > 0n ? `${wholeSparks(credits)} Sparks of your credit` : 'what your plan includes'
  return { message: `${done} Paid from ${payer}.`, ways: null }
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
