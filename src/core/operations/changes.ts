import * as z from 'zod'
import type { BillingContext } from '../context.js'
import type { BillingEvent } from '../domain/event.js'
import { balanceOf } from '../domain/ledger/draft.js'
import type { Balance } from '../domain/ledger/outcome.js'
import { BillingError } from '../errors.js'
import type { News, StoredBalance } from '../ports/store.js'
import { accountId, parse } from './fields.js'
import { requireAccount } from './steps.js'
import { longBackMs, pageSize, shortBackMs, toldTypes, watch } from './watch.js'

/** Whose changes, and from where on. */
export interface ChangesInput {
  readonly accountId: string
  /** The `cursor` of the last event that was seen; without one from now on. */
  readonly after?: string
  /** Ends them. */
  readonly signal?: AbortSignal
}

/** Something that changed of an account. */
export type AccountChange =
  /** What it has now, in micro-sparks: at the beginning, and whenever it has changed. */
  | { readonly kind: 'balance'; readonly balance: Balance }
  | { readonly kind: 'event'; readonly cursor: string; readonly event: BillingEvent }
  /** The cursor was older than a day: what happened before now is to be read anew. */
  | { readonly kind: 'reset' }

const changesSchema = z.strictObject({
  accountId,
  after: z.string().optional(),
  signal: z.instanceof(AbortSignal).optional(),
})

/** How much waits for somebody who does not come to fetch it. */
const mostWaiting = 1_000

/**
 * What changes of an account, until the signal or the service ends: its balance, and its billing events but for those that are the house's own.
 * After a `cursor` each event comes that the account had since then; some of the minute before it may come again, under the same id. Who does
 * not keep up is not waited for: it ends, to be begun again after the last cursor. What was committed in a transaction of yours that was open for
 * longer than a minute may be missing while it goes on; the balance never is.
 *
 * @throws BillingError `not_found`, `invalid_cursor` (another account's, or one that was changed)
 * @example for await (const change of billing.changes({ accountId, signal })) if (change.kind === 'balance') show(change.balance)
 */
export async function* changes(ctx: BillingContext, input: ChangesInput): AsyncGenerator<AccountChange, void, void> {
  const { accountId: account, after, signal } = parse(changesSchema, input)
  const list = { list: 'changes', accountId: account }
  const since = after === undefined ? null : await placeOf(ctx, list, after)
  await requireAccount(ctx, account)

  const waiting: News['events'][number][] = []
  let balance: StoredBalance | undefined
  let isOver = false
  let rouse = () => {}
  const end = () => {
    isOver = true
    rouse()
  }
  const stop = watch(ctx, {
    accountId: account,
    found(events, now) {
      balance = now ?? balance
      if (waiting.length + events.length > mostWaiting) end()
      else waiting.push(...events)
      rouse()
    },
  })
  // One of its own: many listeners on the service's would be taken for a leak.
  const over = AbortSignal.any([ctx.lifetime.stopping, ...(signal ? [signal] : [])])
  over.addEventListener('abort', end)
  if (over.aborted) end()

  /** Events that were handed out, with when they were stored. */
  const seen = new Map<string, number>()
  const toChange = async ({ event, storedAt }: News['events'][number]): Promise<AccountChange> => {
    seen.set(event.id, storedAt)
    return { kind: 'event', cursor: await ctx.cursors.seal(list, `${storedAt} ${event.id}`), event }
  }
  try {
    const { asOf } = await ctx.store.outbox.news([account], { types: toldTypes, after: never, limit: 1 })
    let from = asOf - shortBackMs
    if (since === 'expired') yield { kind: 'reset' }
    else if (since !== null) {
      from = since - longBackMs
      for await (const found of eventsSince(ctx, account, from)) yield await toChange(found)
    }
    let shown: StoredBalance | undefined
    balance ??= (await ctx.store.ledger.balances([account])).get(account)
    for (;;) {
      if (balance && (balance.balance !== shown?.balance || balance.held !== shown.held)) {
        shown = balance
        yield { kind: 'balance', balance: balanceOf(balance) }
      }
      for (let found = waiting.shift(); found; found = waiting.shift()) {
        if (!seen.has(found.event.id) && found.storedAt >= from) yield await toChange(found)
      }
      forgetOld(seen)
      if (isOver) return
      if (waiting.length > 0) continue
      await new Promise<void>((resolve) => {
        rouse = resolve
        if (isOver || waiting.length > 0) resolve()
      })
    }
  } finally {
    stop()
    over.removeEventListener('abort', end)
  }
}

const never = { storedAt: Number.MAX_SAFE_INTEGER, id: '' }

/** When the event of a cursor was stored. @throws BillingError `invalid_cursor` */
async function placeOf(
  ctx: BillingContext,
  list: Parameters<BillingContext['cursors']['open']>[0],
  cursor: string,
): Promise<number | 'expired'> {
  try {
    return Number.parseInt(await ctx.cursors.open(list, cursor), 10)
  } catch (error) {
    if (BillingError.is(error) && error.details.isExpired === true) return 'expired'
    throw error
  }
}

async function* eventsSince(
  ctx: BillingContext,
  account: string,
  from: number,
): AsyncGenerator<News['events'][number]> {
  for (let after = { storedAt: from, id: '' }; ; ) {
    const { events } = await ctx.store.outbox.news([account], { types: toldTypes, after, limit: pageSize })
    yield* events
    const last = events.at(-1)
    if (!last || events.length < pageSize) return
    after = { storedAt: last.storedAt, id: last.event.id }
  }
}

/** Nobody looks back further than this. */
function forgetOld(seen: Map<string, number>): void {
  if (seen.size < 100) return
  const newest = Math.max(...seen.values())
  for (const [id, at] of seen) if (at < newest - 2 * longBackMs) seen.delete(id)
}
