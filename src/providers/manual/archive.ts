import { decodeExact, encodeExact } from '../../core/domain/exact-json.js'
import { dedupeOf } from '../../core/domain/ledger/key.js'
import { BillingError } from '../../core/errors.js'
import type { Listed, ListPage } from '../../core/ports/page.js'
import type { Store, StoredRecord } from '../../core/ports/store.js'
import { once } from '../door/once.js'
import { takeTurns } from '../door/turns.js'

/** What is kept under an id. */
export interface Kept {
  readonly id: string
  readonly kind: 'invoice' | 'payment' | 'series' | 'waiting'
  readonly party: string
}

/** What was decided: the answer, and what is to be written with it, all or nothing. */
export interface Decision<Answer> {
  readonly answer: Answer
  readonly writes: readonly Kept[]
}

/** Where invoices and payments are kept. */
export interface Archive {
  /** The id of what a key makes. */
  idOf(prefix: 'inv' | 'pay' | 'ref', key: string): string
  get<Found extends Kept>(kind: Found['kind'], id: string): Promise<Found | null>
  /** Newest first; only those that fit, however many do not. */
  list<Found extends Kept>(
    kind: Found['kind'],
    party: string,
    page: ListPage,
    fits: (found: Found) => boolean,
  ): Promise<Listed<Found>>
  /** Reads, decides and writes as one: if what was read has changed meanwhile, all of it is done again. */
  change<Answer>(
    decide: (
      read: <Found extends Kept>(kind: Found['kind'], id: string) => Promise<Found | null>,
    ) => Promise<Decision<Answer>>,
  ): Promise<Answer>
}

/** Each attempt that fails has let somebody else through, so this many are reached only by a store that refuses everything. */
const attempts = 500

export function createArchive(store: Store, owner: string): Archive {
  const { records } = store
  const turns = takeTurns(1)
  const ready = once(() => store.migrate())

  async function changeOnce<Answer>(decide: Parameters<Archive['change']>[0]): Promise<{ answer: Answer } | null> {
    const seen = new Map<string, number>()
    const { answer, writes } = await decide(async (kind, id) => {
      const found = await records.get(owner, id)
      seen.set(id, found?.revision ?? 0)
      return found?.kind === kind ? read(found) : null
    })
    const next = writes.map((kept) => ({
      id: kept.id,
      kind: kept.kind,
      party: kept.party,
      revision: (seen.get(kept.id) ?? 0) + 1,
      body: encodeExact(kept),
    }))
    const isWritten = next.length === 0 || (await records.write(owner, next))
    return isWritten ? { answer: answer as Answer } : null
  }

  return {
    idOf: (prefix, key) => `${prefix}_${dedupeOf(owner, prefix, key)}`,
    async get(kind, id) {
      await ready()
      const found = await records.get(owner, id)
      return found?.kind === kind ? read(found) : null
    },
    async list(kind, party, { limit, after }, fits) {
      await ready()
      const items: Kept[] = []
      let before = after
      for (;;) {
        const page = await records.list(owner, { kind, party, limit: 100, ...(before === undefined ? {} : { before }) })
        items.push(...page.map((record) => read<Kept>(record)).filter((found) => fits(found as never)))
        before = page.at(-1)?.id
        // One more than was asked for says that there is another page.
        if (items.length > limit || page.length < 100) break
      }
      const shown = items.slice(0, limit)
      return { items: shown as never, next: items.length > limit ? (shown.at(-1)?.id ?? null) : null }
    },
    // One after the other within a process, so that only other processes can be in the way.
    change: (decide) =>
      turns(owner, async () => {
        await ready()
        for (let attempt = 0; attempt < attempts; attempt += 1) {
          const done = await changeOnce<never>(decide as never)
          if (done) return done.answer
          await new Promise((resolve) => setTimeout(resolve, Math.random() * 10))
        }
        throw new BillingError('provider_unavailable', `What ${owner} keeps is written by too many at once: try again.`)
      }),
  }
}

function read<Found extends Kept>({ body }: StoredRecord): Found {
  return decodeExact(body) as Found
}
