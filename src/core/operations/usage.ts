import * as z from 'zod'
import type { Catalog, MeterName } from '../catalog.js'
import type { BillingContext } from '../context.js'
import { providerOf } from '../delivery/destination.js'
import { scopesOf } from '../domain/budget.js'
import type { AmendCommand, UsageCommand } from '../domain/ledger/command.js'
import { dedupeOf, fingerprintOf } from '../domain/ledger/key.js'
import type { Balance, LedgerOutcome, SettledBy, UsageResult } from '../domain/ledger/outcome.js'
import type { MicroSparks } from '../domain/sparks.js'
import { BillingError, invariant, withOutcome } from '../errors.js'
import type { DeliveryStatus } from '../ports/store.js'
import { type AttributionInput, dimensionsOf } from './attribution.js'
import { parse, type TimeInput } from './fields.js'
import { checkLeave, type LeaseShare, type LeaseToken } from './lease-token.js'
import type { MeasureInput } from './measure.js'
import { type QuotaView, quotaView } from './quota-view.js'
import { rate, unrated } from './rate.js'
import { errorOf, refusalOf } from './refusal.js'
import { accepted } from './steps.js'
import { parseUsage, type UsageRequest } from './usage-input.js'

/** One fact of consumption. */
export interface RecordUsageInput<C extends Catalog = Catalog> extends MeasureInput, AttributionInput {
  readonly accountId: string
  readonly meter: MeterName<C>
  /** What makes a repeat harmless: the id of the request that was served, say. Kept for ever. */
  readonly idempotencyKey: string
  /** When it was used; default now. At most 5 minutes ahead. */
  readonly occurredAt?: TimeInput
  /** The hold this usage settles. */
  readonly holdId?: string
  /** Leave that a lease gave for it: what the usage takes comes out of what that reserved. */
  readonly leaseToken?: LeaseToken
  /** Default `record`: usage that happened is never dropped, what nothing covers is debt. `refuse` throws and writes nothing. */
  readonly onInsufficient?: 'record' | 'refuse'
  /**
   * An open transaction of your own on the store's database: the usage is recorded if it commits, and leaves nothing if it does not. For
   * PostgreSQL a client of `pg` on which a transaction was begun, at READ COMMITTED; other stores refuse it (`option_unsupported`), and
   * so is a `leaseToken` beside it. Send nothing else on it until the call has answered.
   */
  readonly transaction?: object
}

/** How a provider stands with a usage event; `carried`: below one whole Spark, it goes out with the next. */
export type UsageDelivery = 'queued' | 'carried' | 'delivered' | 'parked' | 'uncertain'

/** What became of recorded usage. Credit is in micro-sparks. */
export interface RecordedUsage {
  readonly id: string
  /** `pending_commit`: in a transaction of yours, which has yet to commit. */
  readonly status: 'recorded' | 'pending_commit' | 'duplicate'
  readonly sparks: MicroSparks
  /** Exact cost before margin; `null` when it was not rated by cost. */
  readonly costUsd: string | null
  /** Who paid, in micro-sparks; the parts sum to `sparks`. */
  readonly settledBy: SettledBy
  readonly balance: Balance
  readonly quota: QuotaView
  /** By provider: what it has confirmed, and what is still on its way. */
  readonly deliveries: Readonly<Record<string, UsageDelivery>>
}

/**
 * Records one fact of consumption: rates it, debits it, counts it, and queues it for the providers, in one durable step.
 *
 * Idempotent by `idempotencyKey`: a repeat answers as the first did, with `status: 'duplicate'` and the deliveries as they stand now.
 *
 * @throws BillingError `not_found` (call `accounts.ensure`), `invalid_request`, `invalid_quantity`, `invalid_timestamp`,
 * `timestamp_out_of_range`, `invalid_metadata`, `idempotency_key_required`, `invalid_idempotency_key`, `idempotency_conflict`,
 * `model_not_priced`, `account_busy` (another transaction keeps the account locked); with a hold `invalid_state`; with
 * `onInsufficient: 'refuse'` `insufficient_credits`, `quota_exceeded`
 * @example await billing.recordUsage({ accountId, meter: 'ai_tokens', quantity: 1200, idempotencyKey: requestId })
 */
export function recordUsage<C extends Catalog>(
  ctx: BillingContext,
  input: RecordUsageInput<C>,
): Promise<RecordedUsage> {
  try {
    const command = usageCommand(ctx, input)
    const { leaseToken, transaction } = input
    if (transaction !== undefined) return recordedIn(ctx, command, transaction, leaseToken)
    if (leaseToken !== undefined) return recordedWithin(ctx, command, leaseToken as LeaseShare)
    return recorded(ctx, command)
  } catch (error) {
    return Promise.reject(error)
  }
}

/** One item's result: what was recorded, or why it was not. */
export type BatchItem = RecordedUsage | { readonly status: 'refused'; readonly error: BillingError }

const recordUsageBatchSchema = z.strictObject({ events: z.array(z.unknown()).min(1, 'must not be empty') })

/**
 * Records up to 1,000 usage events. One malformed event fails the call before anything is written, with its `index`; otherwise each
 * event gets a result of its own, in order. None can be recorded in a transaction of yours.
 *
 * @throws BillingError as `recordUsage` does for input, and `batch_too_large`
 */
export async function recordUsageBatch<C extends Catalog>(
  ctx: BillingContext,
  input: { readonly events: readonly Omit<RecordUsageInput<C>, 'transaction'>[] },
): Promise<readonly BatchItem[]> {
  const { events } = parse(recordUsageBatchSchema, input)
  if (events.length > 1_000)
    throw new BillingError('batch_too_large', `A batch holds at most 1,000 events, not ${events.length}.`)
  const commands = events.map((event, index) =>
    atIndex(index, () => {
      const command = usageCommand(ctx, event)
      if ((event as RecordUsageInput).transaction === undefined) return command
      throw new BillingError('option_unsupported', 'A batch is a transaction of its own: use `recordUsage`.')
    }),
  )
  const bodies = new Map<string, string>()
  commands.forEach((command, index) => {
    const name = `${command.accountId}|${command.dedupe}`
    if ((bodies.get(name) ?? command.fingerprint) !== command.fingerprint) {
      const message = `Event ${index} repeats key ${command.key} with another body.`
      throw new BillingError('idempotency_conflict', message, { details: { index } })
    }
    bodies.set(name, command.fingerprint)
  })
  await expectRepeats(ctx, commands)
  const results = await Promise.allSettled(commands.map((command) => recorded(ctx, command)))
  return results.map((result): BatchItem => {
    if (result.status === 'fulfilled') return result.value
    if (BillingError.is(result.reason)) return { status: 'refused', error: result.reason }
    throw result.reason
  })
}

/** Of what cannot be rated by now, a batch may hold repeats only. */
async function expectRepeats(ctx: BillingContext, commands: readonly UsageCommand[]): Promise<void> {
  for (const [index, command] of commands.entries()) {
    if (!command.refusal) continue
    try {
      await recorded(ctx, command)
    } catch (error) {
      throw BillingError.is(error) && error.retryable ? error : withIndex(error, index)
    }
  }
}

/** Parses and rates usage; what speaks against it is told when the command is decided. */
export function usageCommand(ctx: BillingContext, input: unknown): UsageCommand {
  const request = parseUsage(input)
  const { leaseToken } = request
  if (leaseToken !== undefined) checkLeave(leaseToken, request.accountId)
  const at = request.occurredAt ?? ctx.environment.now()
  const dimensions = dimensionsOf(request)
  let usage = unrated
  let refusal: UsageCommand['refusal']
  try {
    usage = rate(ctx.catalog, request.meter, request, at, dimensions)
  } catch (error) {
    refusal = refusalOf(error)
  }
  if (request.occurredAt !== undefined && request.occurredAt > ctx.environment.now() + 300_000) {
    throw new BillingError('timestamp_out_of_range', 'occurredAt is more than 5 minutes ahead.')
  }
  return {
    kind: 'usage',
    accountId: request.accountId,
    id: ctx.newId('use'),
    key: request.idempotencyKey,
    dedupe: dedupeOf(request.accountId, 'usage', request.idempotencyKey),
    fingerprint: fingerprintOf(bodyOf(request)),
    refusal,
    usage,
    occurredAt: request.occurredAt ?? null,
    onInsufficient: request.onInsufficient,
    holdId: leaseToken?.holdId ?? request.holdId ?? null,
    keepsHold: leaseToken !== undefined,
    onExcess: 'debt',
    budgets: scopesOf(dimensions, ctx.catalog.budgetDimensions),
  }
}

/** What makes two requests the same: all but the key. It holds no names of fields and no `bigint`, for the sake of speed. */
function bodyOf(request: UsageRequest): readonly unknown[] {
  return [
    request.accountId,
    request.apiKeyId,
    request.costUsd,
    request.dimensions,
    request.holdId,
    request.meter,
    request.model,
    request.occurredAt,
    request.onInsufficient,
    request.provider,
    request.quantity?.toString(),
    request.serviceTier,
    request.tokens,
    request.userId,
  ]
}

/** Records usage in a transaction of the app. */
async function recordedIn(
  ctx: BillingContext,
  command: UsageCommand,
  transaction: object,
  leaseToken: LeaseToken | undefined,
): Promise<RecordedUsage> {
  if (!ctx.join) {
    const message = `The ${ctx.store.name} store cannot work in a transaction of yours: leave \`transaction\` out.`
    throw new BillingError('option_unsupported', message)
  }
  if (leaseToken !== undefined) {
    const message = 'What a lease gave is settled at once, which a transaction could take back: use one or the other.'
    throw new BillingError('option_unsupported', message)
  }
  const { outcome, deliveries } = await ctx.join(transaction, command)
  if (outcome.status === 'refused') throw errorOf(outcome)
  invariant(outcome.result.kind === 'usage', 'usage answered another result')
  if (outcome.status === 'applied')
    return recordedUsage(outcome.result, 'pending_commit', queued(outcome.deliveries ?? {}))
  const words: Record<string, UsageDelivery> = {}
  for (const destination in deliveries) tell(words, destination, wordFor(deliveries[destination]))
  return recordedUsage(outcome.result, 'duplicate', words)
}

/** Records usage out of what a lease reserved; when that is over, the usage has happened all the same. */
async function recordedWithin(ctx: BillingContext, command: UsageCommand, token: LeaseShare): Promise<RecordedUsage> {
  try {
    const usage = await recorded(ctx, command)
    token.settle(command.usage)
    return usage
  } catch (error) {
    if (!BillingError.is(error) || (error.code !== 'invalid_state' && error.code !== 'not_found')) throw error
    const { holdId } = token
    // The lease went on into the next period meanwhile.
    if (holdId !== command.holdId) return recordedWithin(ctx, { ...command, holdId }, token)
    return recorded(ctx, { ...command, holdId: null, keepsHold: false })
  }
}

type Recorded = RecordedUsage & { readonly status: 'recorded' | 'duplicate' }

/** Submits a usage command and answers as `recordUsage` does; also how a hold on a meter is captured, and how usage is amended. */
export function recorded(ctx: BillingContext, command: UsageCommand | AmendCommand): Promise<Recorded> {
  // One promise and no frame that waits: with a thousand callers it is what lives longest.
  return ctx.ledger.submit(command).then((outcome) => recordedAs(ctx, command, accepted(ctx, outcome)))
}

function recordedAs(
  ctx: BillingContext,
  { accountId }: Pick<UsageCommand, 'accountId'>,
  outcome: Exclude<LedgerOutcome, { status: 'refused' }>,
): Recorded | Promise<Recorded> {
  invariant(outcome.result.kind === 'usage', 'usage answered another result')
  if (outcome.status === 'duplicate') return recordedBefore(ctx, accountId, outcome.result)
  return recordedUsage(outcome.result, 'recorded', queued(outcome.deliveries ?? {}))
}

/** Answers a repeat: as the first did, with the deliveries as they stand now. */
async function recordedBefore(ctx: BillingContext, accountId: string, result: UsageResult): Promise<Recorded> {
  const deliveries = await deliveriesOf(ctx, accountId, result.id).catch((error: unknown) => {
    // The usage is there, perhaps by this very call: only how its deliveries stand could not be read.
    throw withOutcome(error, 'applied')
  })
  return recordedUsage(result, 'duplicate', deliveries)
}

function recordedUsage<Status extends RecordedUsage['status']>(
  { id, sparks, costUsd, settledBy, balance, quota }: UsageResult,
  status: Status,
  deliveries: RecordedUsage['deliveries'],
): RecordedUsage & { readonly status: Status } {
  return { id, status, sparks, costUsd, settledBy, balance, quota: quotaView(quota), deliveries }
}

/** How deliveries stand that were just made. */
function queued(named: Readonly<Record<string, string | null>>): RecordedUsage['deliveries'] {
  const words: Record<string, UsageDelivery> = {}
  for (const destination in named) tell(words, destination, named[destination] === null ? 'carried' : 'queued')
  return words
}

/** How the deliveries of a ledger row stand, by provider. */
export async function deliveriesOf(
  ctx: BillingContext,
  account: string,
  entryId: string,
): Promise<Readonly<Record<string, UsageDelivery>>> {
  const entry = await ctx.store.ledger.entry(account, entryId)
  const named = Object.entries(entry?.deliveries ?? {})
  const statuses = await ctx.store.outbox.statuses(
    account,
    named.flatMap(([, id]) => id ?? []),
  )
  const words: Record<string, UsageDelivery> = {}
  for (const [destination, id] of named) tell(words, destination, wordFor(id === null ? null : statuses.get(id)))
  return words
}

/** From the furthest to the least: what a provider that is told twice, as a meter and as a trace, has come to. */
const progress: readonly UsageDelivery[] = ['delivered', 'carried', 'queued', 'uncertain', 'parked']

/** Notes how a destination stands under its provider, unless another of the same provider is behind it. */
function tell(words: Record<string, UsageDelivery>, destination: string, word: UsageDelivery): void {
  const provider = providerOf(destination)
  const other = words[provider]
  if (other === undefined || progress.indexOf(word) > progress.indexOf(other)) words[provider] = word
}

/** `null`: there is no delivery yet. */
function wordFor(status: DeliveryStatus | null | undefined): UsageDelivery {
  if (status === null) return 'carried'
  return status === undefined || status === 'pending' ? 'queued' : status
}

function atIndex<T>(index: number, action: () => T): T {
  try {
    return action()
  } catch (error) {
    throw withIndex(error, index)
  }
}

function withIndex(error: unknown, index: number): unknown {
  if (!BillingError.is(error)) return error
  const { code, message, details } = error
  return new BillingError(code, `Event ${index}: ${message}`, { details: { ...details, index }, cause: error })
}
