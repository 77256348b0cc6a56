import type { Able } from '../config.js'
import type { BillingContext } from '../context.js'
import type { UsageCommand } from '../domain/ledger/command.js'
import { dedupeOf, fingerprintOf } from '../domain/ledger/key.js'
import type { LedgerOutcome } from '../domain/ledger/outcome.js'
import type { LedgerEntry } from '../domain/ledger/state.js'
import { BillingError, invariant } from '../errors.js'
import { inParallel } from '../in-parallel.js'
import type { TraceObservation } from '../ports/capabilities/traces.js'
import { replaceMeasure, takeBack } from './amendments.js'
import { readCost, readQuantity, readTokens } from './fields.js'
import { isNewer } from './newest-observation.js'
import { type PulledMeasure, type PulledPart, type PulledUsage, pulledParts, pulledUsage } from './pulled-usage.js'
import { unrated } from './rate.js'
import { errorOf } from './refusal.js'
import { usageCommand } from './usage.js'

/** An observation, whose it is, and what it comes to. */
export interface PulledItem {
  readonly observation: TraceObservation
  readonly accountId: string
  readonly usage: PulledUsage
}

/** What became of a part of it. */
export type PulledEnd =
  | { readonly status: 'recorded' | 'amended' | 'unchanged' | 'nothing' }
  | { readonly status: 'refused'; readonly error: BillingError }

/** A part of an item on its way into the ledger. */
interface Part {
  readonly item: PulledItem
  readonly part: PulledPart
  /** Begins the keys of all that the ledger hears of it. */
  readonly key: string
}

type Reader = Able<'traces'>

/**
 * Records what is new, and corrects what is not as it was. Nearly all of it is new or as it was, and goes to the ledger at once; what is
 * neither is looked into one by one.
 */
export async function settlePulled(
  ctx: BillingContext,
  provider: Reader,
  items: readonly PulledItem[],
): Promise<readonly Readonly<Record<PulledPart, PulledEnd>>[]> {
  const parts = items.flatMap((item) =>
    pulledParts.map((part): Part => ({ item, part, key: keyOf(provider, item, part) })),
  )
  const firsts = await Promise.all(parts.map((part) => attempt(() => first(ctx, part))))
  const corrections = await lastCorrections(ctx, parts, firsts)
  const ends = firsts.map((end, index): PulledEnd | null => {
    if (end.status !== 'there') return end
    const last = corrections.get(end.id)
    const isSame = last === undefined ? end.isSame : last !== none && last === wantedBy(parts[index])
    return isSame ? { status: 'unchanged' } : null
  })
  const open = parts.map((part, index) => ({ part, index })).filter(({ index }) => ends[index] === null)
  await inParallel(open, 4, async ({ part, index }) => {
    ends[index] = await attempt(() => correct(ctx, provider, part))
  })
  return items.map((_, index) => {
    const own = pulledParts.map((part, place) => [part, ends[index * pulledParts.length + place]])
    return Object.fromEntries(own) as Record<PulledPart, PulledEnd>
  })
}

/** The ledger has something under the key: of this measure, or of another one. */
interface There {
  readonly status: 'there'
  readonly id: string
  readonly isSame: boolean
}

/** Records the part, if it is new and anything; says what is there if it is not. */
async function first(ctx: BillingContext, part: Part): Promise<PulledEnd | There> {
  const wanted = part.item.usage[part.part]
  if (part.part === 'time' && wanted === null && ctx.pulling.compute === null) return { status: 'nothing' }
  const found = await submit(ctx, part, part.key, wanted)
  return found ?? { status: wanted === null ? 'nothing' : 'recorded' }
}

/** Sends the usage, or where there is none only its key. @returns what was there, or `null` */
async function submit(
  ctx: BillingContext,
  part: Part,
  key: string,
  wanted: PulledMeasure | null,
): Promise<There | null> {
  const outcome = await ctx.ledger.submit(commandOf(ctx, part, key, wanted))
  if (outcome.status === 'applied') {
    ctx.wake()
    return null
  }
  const found = foundIn(outcome)
  if (found) return found
  invariant(outcome.status === 'refused', 'a key was answered with something else than usage')
  if (wanted === null) return null
  throw errorOf(outcome)
}

function foundIn(outcome: LedgerOutcome): There | null {
  if (outcome.status === 'duplicate') return { status: 'there', id: outcome.result.id, isSame: true }
  if (outcome.status === 'refused' && outcome.code === 'idempotency_conflict')
    return { status: 'there', id: String(outcome.details?.id), isSame: false }
  return null
}

function commandOf(ctx: BillingContext, part: Part, key: string, wanted: PulledMeasure | null): UsageCommand {
  const { observation, accountId } = part.item
  const { traceId, id, startedAt, metadata } = observation
  const subscription = metadata.billfold_subscription ?? metadata.subscription
  const { meter, ...measure } = wanted ?? { meter: 'none', quantity: '1' }
  const command = usageCommand(ctx, {
    accountId,
    meter,
    ...measure,
    idempotencyKey: key,
    occurredAt: new Date(startedAt),
    dimensions: { trace: traceId, observation: id, ...(subscription === undefined ? {} : { subscription }) },
  })
  const fingerprint = fingerprintOf(bodyOf(wanted))
  if (wanted !== null) return { ...command, fingerprint, isPulled: true }
  return { ...command, fingerprint, usage: unrated, refusal: nothing }
}

const nothing = { status: 'refused', code: 'not_found', message: 'Nothing of it was recorded.', details: {} } as const

/** What makes two measures the same, in the usage and in what corrects it. */
function bodyOf(wanted: PulledMeasure | null): Readonly<Record<string, unknown>> {
  return { pulled: wanted }
}

/** What a part is to come to, as a fingerprint. */
function wantedBy(part: Part | undefined): string | null {
  return part ? fingerprintOf(bodyOf(part.item.usage[part.part])) : null
}

/** The fingerprint of what a pull made last of the usage that is there, where one corrected it; read at once for each account. */
async function lastCorrections(
  ctx: BillingContext,
  parts: readonly Part[],
  firsts: readonly (PulledEnd | There)[],
): Promise<ReadonlyMap<string, string>> {
  const byAccount = new Map<string, Map<string, string>>()
  for (const [index, end] of firsts.entries()) {
    const part = parts[index]
    if (end.status !== 'there' || !part) continue
    const { accountId } = part.item
    const own = byAccount.get(accountId) ?? new Map<string, string>()
    byAccount.set(accountId, own.set(end.id, part.key))
  }
  const last = new Map<string, string>()
  for (const [accountId, own] of byAccount) {
    const rows = await ctx.store.ledger.corrections(accountId, [...own.keys()])
    const byEntry = new Map<string, LedgerEntry[]>()
    for (const row of rows) byEntry.set(row.corrects ?? '', [...(byEntry.get(row.corrects ?? '') ?? []), row])
    for (const [id, key] of own) {
      const { corrections, fingerprint } = follow(accountId, key, byEntry.get(id) ?? [])
      if (corrections > 0) last.set(id, fingerprint)
    }
  }
  return last
}

/** How often a pull corrected usage, and to what the last time; what a person corrected is not looked at. */
function follow(accountId: string, key: string, rows: readonly LedgerEntry[]) {
  const byDedupe = new Map(rows.map((row) => [row.dedupe, row.fingerprint]))
  let corrections = 0
  let fingerprint = ''
  for (;;) {
    const next = byDedupe.get(dedupeOf(accountId, 'amend', correctionKey(key, corrections + 1)))
    if (next === undefined) return { corrections, fingerprint }
    corrections += 1
    fingerprint = next
  }
}

/** How often others may come first before it is left to the next pull. */
const attempts = 20

/**
 * Brings the ledger to what the provider says now. What the ledger has is looked at first, and the provider is asked after that; the
 * correction has the number that follows on what was seen, so that of two processes only one can make it, and the other looks again. A
 * correction is therefore never made by an answer that is older than the one before it.
 */
async function correct(ctx: BillingContext, provider: Reader, part: Part): Promise<PulledEnd> {
  let status: 'amended' | 'unchanged' = 'unchanged'
  for (let round = 0; round < attempts; round += 1) {
    const kept = await keptOf(ctx, part)
    // As it was read: most often somebody has corrected it already.
    if (round === 0 && kept.fingerprint === fingerprintOf(bodyOf(part.item.usage[part.part]))) return { status }
    const wanted = await measureNow(ctx, provider, part)
    if (wanted === undefined || kept.fingerprint === fingerprintOf(bodyOf(wanted))) return { status }
    try {
      await step(ctx, part, kept, wanted)
      status = 'amended'
    } catch (error) {
      if (!BillingError.is(error) || error.code !== 'idempotency_conflict') throw error
    }
  }
  throw new BillingError('provider_response_invalid', `${provider.id} says something else each time it is asked.`)
}

/** What the ledger has of a part. */
interface Kept {
  /** Under which it was recorded, or would be now. */
  readonly key: string
  readonly entry: LedgerEntry | null
  /** How often it was corrected by a pull. */
  readonly corrections: number
  /** Of the measure it came to last. */
  readonly fingerprint: string
}

const none = fingerprintOf(bodyOf(null))

/** What was voided stays void: what it comes to afterwards is usage of its own, under a key that follows. */
async function keptOf(ctx: BillingContext, part: Part): Promise<Kept> {
  const { accountId } = part.item
  for (let life = 0; ; life += 1) {
    const key = life === 0 ? part.key : `${part.key}.${life}`
    const found = await submit(ctx, part, key, null)
    if (!found) return { key, entry: null, corrections: 0, fingerprint: none }
    const entry = await ctx.store.ledger.entry(accountId, found.id)
    invariant(entry !== null, 'usage that was answered is not there')
    const rows = await ctx.store.ledger.corrections(accountId, [entry.id])
    const made = follow(accountId, key, rows)
    const { corrections } = made
    const fingerprint = corrections === 0 ? entry.fingerprint : made.fingerprint
    if (fingerprint !== none) return { key, entry, corrections, fingerprint }
  }
}

function correctionKey(key: string, number: number): string {
  return `${key}.c${number}`
}

/** One step from what is kept towards what is wanted; another meter is usage of its own. */
async function step(ctx: BillingContext, part: Part, kept: Kept, wanted: PulledMeasure | null): Promise<void> {
  const { entry } = kept
  if (!entry) {
    const found = await submit(ctx, part, kept.key, wanted)
    if (found && !found.isSame) throw new BillingError('idempotency_conflict', `Key ${kept.key} was used meanwhile.`)
    return
  }
  const request = {
    accountId: entry.accountId,
    id: entry.id,
    reason: `Pulled again: ${part.item.observation.traceId}`.slice(0, 500),
    idempotencyKey: correctionKey(kept.key, kept.corrections + 1),
  }
  const isOther = wanted === null || wanted.meter !== entry.usage?.meter
  if (!isOther && (await replaced(ctx, request, wanted))) return
  await takeBack(ctx, request, bodyOf(null))
}

/** @returns whether something was left of it */
async function replaced(
  ctx: BillingContext,
  request: Parameters<typeof replaceMeasure>[1],
  wanted: PulledMeasure,
): Promise<boolean> {
  const { quantity, tokens, costUsd, model } = wanted
  const measure = {
    quantity: quantity === undefined ? undefined : readQuantity(quantity, 'zero'),
    tokens: tokens && readTokens(tokens, 'zero'),
    costUsd: costUsd === undefined ? undefined : readCost(costUsd),
    model,
  }
  try {
    await replaceMeasure(ctx, request, measure, bodyOf(wanted))
    return true
  } catch (error) {
    if (BillingError.is(error) && error.code === 'invalid_quantity') return false
    throw error
  }
}

/** What the part comes to by what the provider says now; `undefined` when it does not show it. */
async function measureNow(
  ctx: BillingContext,
  provider: Reader,
  { item, part }: Part,
): Promise<PulledMeasure | null | undefined> {
  const { traceId, id } = item.observation
  let newest: TraceObservation | undefined
  let cursor: string | null = null
  do {
    const page = await provider.traces.list({ traceId }, cursor, { signal: ctx.lifetime.aborting })
    for (const row of page.observations)
      if (row.id === id && (newest === undefined || isNewer(row, newest))) newest = row
    cursor = page.next
  } while (cursor !== null)
  if (newest === undefined) return undefined
  const usage = pulledUsage(newest, ctx.pulling, ctx.catalog)
  return typeof usage === 'string' ? undefined : usage[part]
}

/** Usage that one event cannot be recorded as is told of, and holds up no other; what ails the store ends the pull. */
async function attempt<T>(work: () => Promise<T>): Promise<T | PulledEnd> {
  try {
    return await work()
  } catch (error) {
    if (BillingError.is(error) && !error.retryable && !isOurs(error)) return { status: 'refused', error }
    throw error
  }
}

function isOurs({ code }: BillingError): boolean {
  return code === 'invariant_violated' || code === 'outcome_unknown' || code.startsWith('provider_')
}

function keyOf({ id }: Reader, { observation }: PulledItem, part: PulledPart): string {
  return `pull:${id}:${fingerprintOf([observation.traceId, observation.id, part])}`
}
