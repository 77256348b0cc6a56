import * as z from 'zod'
import type { Able } from '../config.js'
import type { BillingContext } from '../context.js'
import { checkId } from '../domain/ids.js'
import { BillingError, type ErrorCode } from '../errors.js'
import type { TraceObservation, TraceQuery } from '../ports/capabilities/traces.js'
import { type AnyProvider, requireCapability } from '../ports/provider.js'
import { parse, readMoment, type TimeInput, text } from './fields.js'
import { isNewer } from './newest-observation.js'
import { type PulledItem, settlePulled } from './pulled-item.js'
import { pulledParts, pulledUsage } from './pulled-usage.js'

/** Which traces to read: those that began in a time, or one; without either, those since the last time. */
export interface PullInput {
  /** Included; default where the last pull stopped, `lateMs` before. */
  readonly from?: TimeInput
  /** Excluded; default now. */
  readonly to?: TimeInput
  /** Only this trace. */
  readonly traceId?: string
  /** Whose traces, where several providers keep some. */
  readonly provider?: string
  /** For how long what was read before is read again, since costs come late; default a day. */
  readonly lateMs?: number
}

/** Something that was read and is not charged as it should be, and why. */
export interface PullProblem {
  readonly traceId: string
  readonly observationId: string
  /**
   * `unknown_account`: nobody here is called so, and nobody is charged; `other_account`: it was charged to another account before, and
   * stays with it; `refused`: it cannot be rated or recorded, as `code` says; `not_marked`: all is recorded, only the mark at the provider
   * is missing.
   */
  readonly reason: 'unknown_account' | 'other_account' | 'refused' | 'not_marked'
  readonly code: ErrorCode | null
  readonly message: string
}

/** What a pull came to. */
export interface PullReport {
  /** What was read, each once. */
  readonly observations: number
  /** Usage that is new. */
  readonly recorded: number
  /** Usage that came to something else since, and was corrected. */
  readonly amended: number
  readonly unchanged: number
  /** What is no usage: events of ours, what goes on still, calls on keys of one's own, and what no meter is told of. */
  readonly skipped: {
    readonly own: number
    readonly unfinished: number
    readonly byo: number
    readonly unmetered: number
  }
  /** Traces that were marked as processed. */
  readonly marked: number
  readonly problems: readonly PullProblem[]
}

const dayMs = 86_400_000

const pullSchema = z
  .strictObject({
    from: z
      .unknown()
      .transform((value) => readMoment(value, 'from'))
      .optional(),
    to: z
      .unknown()
      .transform((value) => readMoment(value, 'to'))
      .optional(),
    traceId: text(200).optional(),
    provider: text(60).optional(),
    lateMs: z
      .int()
      .min(0)
      .max(400 * dayMs)
      .default(dayMs),
  })
  .refine(({ traceId, from, to }) => traceId === undefined || (from === undefined && to === undefined), {
    error: 'give either a traceId, or from and to',
  })
  .refine(({ from, to }) => from === undefined || to === undefined || from < to, { error: 'from must be before to' })

type Reader = Able<'traces'>

/**
 * Reads finished observations and records them as usage: each once, under a key that is kept for ever; what changed since is billed as
 * the difference. May be repeated, overlap, and run in several processes at once; what a crash cut off is done by the next pull.
 *
 * @throws BillingError `invalid_request`, `capability_missing`, and what the provider fails with: all that was read before is recorded
 * @see docs/providers/langfuse.md#pulling-usage
 */
export async function pullUsage(ctx: BillingContext, input: PullInput = {}): Promise<PullReport> {
  const request = parse(pullSchema, input)
  const provider = readerOf(ctx, request.provider)
  if (request.traceId !== undefined) return pullAll(ctx, provider, { traceId: request.traceId })
  const now = ctx.environment.now()
  const position = await ctx.store.pulls.position(provider.id)
  const to = request.to ?? now
  const from = request.from ?? (position ?? to) - request.lateMs
  if (from >= to) throw new BillingError('invalid_request', 'from must be before to.')
  const report = await pullAll(ctx, provider, { from, to })
  // Never over a gap, nor over what has yet to happen.
  if (position === null || from <= position) await ctx.store.pulls.advance(provider.id, Math.min(to, now))
  return report
}

function readerOf(ctx: BillingContext, id: string | undefined): Reader {
  const readers = [...ctx.roles.all.values()].filter((provider): provider is Reader => provider.traces !== undefined)
  const [only, second] = readers
  if (id === undefined && only && !second) return only
  if (id === undefined) throw new BillingError('invalid_request', `Say whose traces: ${namesOf(readers)}.`)
  const named = ctx.roles.all.get(id)
  if (!named) throw new BillingError('invalid_request', `No provider is called ${id}: say one of ${namesOf(readers)}.`)
  requireCapability(named, 'traces')
  return named as Reader
}

function namesOf(providers: readonly AnyProvider[]): string {
  return providers.map(({ id }) => id).join(', ')
}

/** The report while it is being made. */
interface Tally {
  recorded: number
  amended: number
  unchanged: number
  marked: number
  readonly seen: Set<string>
  readonly skipped: { own: number; unfinished: number; byo: number; unmetered: number }
  readonly problems: PullProblem[]
  /** Accounts that are there. */
  readonly known: Set<string>
}

async function pullAll(ctx: BillingContext, provider: Reader, query: TraceQuery): Promise<PullReport> {
  const tally: Tally = {
    ...{ recorded: 0, amended: 0, unchanged: 0, marked: 0 },
    ...{ seen: new Set(), known: new Set(), problems: [] },
    skipped: { own: 0, unfinished: 0, byo: 0, unmetered: 0 },
  }
  let cursor: string | null = null
  do {
    const page = await provider.traces.list(query, cursor, { signal: ctx.lifetime.aborting })
    await settlePage(ctx, provider, page.observations, tally)
    cursor = page.next
  } while (cursor !== null)
  const { seen, known: _, ...counts } = tally
  return { observations: seen.size, ...counts }
}

async function settlePage(
  ctx: BillingContext,
  provider: Reader,
  page: readonly TraceObservation[],
  tally: Tally,
): Promise<void> {
  const items: PulledItem[] = []
  for (const observation of newestOf(page)) {
    const isRepeat = tally.seen.has(nameOf(observation))
    tally.seen.add(nameOf(observation))
    const usage = pulledUsage(observation, ctx.pulling, ctx.catalog)
    if (typeof usage === 'string') {
      if (!isRepeat) tally.skipped[usage] += 1
      continue
    }
    if (observation.traceId === '') {
      const message = 'It belongs to no trace, by which it could be read again.'
      if (!isRepeat)
        tally.problems.push({ ...placeOf(observation), reason: 'refused', code: 'provider_response_invalid', message })
      continue
    }
    if (usage.isByo && !isRepeat) tally.skipped.byo += 1
    const accountId = ctx.pulling.accountOf(observation)
    if (accountId === null || !(await isKnown(ctx, accountId, tally.known))) {
      const message =
        accountId === null
          ? 'It names no account.'
          : 'It names an account that is not there: call accounts.ensure first.'
      if (!isRepeat) tally.problems.push({ ...placeOf(observation), reason: 'unknown_account', code: null, message })
      continue
    }
    items.push({ observation, accountId, usage })
  }
  const kept = await ctx.store.pulls.assign(
    provider.id,
    items.map(({ observation, accountId }) => ({ externalId: nameOf(observation), accountId })),
  )
  const unmarked = new Set<PulledItem>()
  const owned = items.flatMap((item, index): PulledItem[] => {
    const { accountId = item.accountId, isMarked = true } = kept[index] ?? {}
    if (accountId !== item.accountId) {
      const message = `It was charged to account ${accountId} before, and names ${item.accountId} now.`
      tally.problems.push({ ...placeOf(item.observation), reason: 'other_account', code: null, message })
      return []
    }
    if (!isMarked) unmarked.add(item)
    return [item]
  })
  const settled = await settlePulled(ctx, provider, owned)
  for (const [index, item] of owned.entries()) {
    for (const part of pulledParts) {
      const end = settled[index]?.[part]
      if (end === undefined || end.status === 'nothing') continue
      if (end.status === 'refused') {
        unmarked.delete(item)
        const { code, message } = end.error
        tally.problems.push({ ...placeOf(item.observation), reason: 'refused', code, message })
      } else tally[end.status] += 1
    }
    const parts = Object.values(settled[index] ?? {})
    if (parts.every(({ status }) => status === 'nothing')) unmarked.delete(item)
  }
  await mark(ctx, provider, [...unmarked], tally)
}

/** Of the rows with one name the one that was written last. */
function newestOf(page: readonly TraceObservation[]): Iterable<TraceObservation> {
  const newest = new Map<string, TraceObservation>()
  for (const observation of page) {
    const name = nameOf(observation)
    const other = newest.get(name)
    if (!other || isNewer(observation, other)) newest.set(name, observation)
  }
  return newest.values()
}

/** What names an observation among all of its provider. */
function nameOf({ traceId, id }: TraceObservation): string {
  return `${traceId}/${id}`
}

function placeOf({ traceId, id }: TraceObservation): Pick<PullProblem, 'traceId' | 'observationId'> {
  return { traceId, observationId: id }
}

async function isKnown(ctx: BillingContext, accountId: string, known: Set<string>): Promise<boolean> {
  if (known.has(accountId)) return true
  const account = isId(accountId) ? await ctx.store.accounts.get(accountId) : null
  if (account) known.add(accountId)
  return account !== null
}

function isId(text: string): boolean {
  try {
    checkId(text, 'accountId')
    return true
  } catch {
    return false
  }
}

/** Marks are for people: nothing here is decided by them, and a pull that cannot leave them is no failure. */
async function mark(
  ctx: BillingContext,
  { id, traces }: Reader,
  items: readonly PulledItem[],
  tally: Tally,
): Promise<void> {
  if (!traces.mark || items.length === 0) return
  const traceIds = [...new Set(items.map(({ observation }) => observation.traceId))]
  try {
    await traces.mark(traceIds, { signal: ctx.lifetime.aborting })
  } catch (error) {
    if (!BillingError.is(error)) throw error
    const { code, message } = error
    const [first] = items
    if (first) tally.problems.push({ ...placeOf(first.observation), reason: 'not_marked', code, message })
    return
  }
  await ctx.store.pulls.mark(
    id,
    items.map(({ observation }) => nameOf(observation)),
  )
  tally.marked += traceIds.length
}
