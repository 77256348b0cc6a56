import * as z from 'zod'
import type { Catalog, MeterName } from '../catalog.js'
import type { BillingContext } from '../context.js'
import { scopesOf } from '../domain/budget.js'
import type { LedgerCommand, RatedUsage } from '../domain/ledger/command.js'
import type { HoldResult, LedgerOutcome } from '../domain/ledger/outcome.js'
import { isPeriodRated } from '../domain/rating/rate.js'
import type { Remedy } from '../domain/remedy.js'
import { microPerUnit } from '../domain/sparks.js'
import { BillingError, invariant } from '../errors.js'
import { maximumStaleMs, type WatchedLease } from '../leases.js'
import { type AttributionInput, attributionFields, dimensionsOf } from './attribution.js'
import { accountId, meterName, parse, type QuantityInput, readQuantity } from './fields.js'
import { rate, requireMeter } from './rate.js'
import { errorOf } from './refusal.js'
import { keyed } from './steps.js'

/** What to reserve for this process, of which meter. */
export interface LeaseInput<C extends Catalog = Catalog> extends AttributionInput {
  readonly accountId: string
  readonly meter: MeterName<C>
  /**
   * How much is reserved at once at least, in the meter's unit, or in Sparks for a meter that is rated by cost; default 1. It grows to
   * what is used in two seconds, and shrinks to a twentieth of what the account has.
   */
  readonly size?: QuantityInput
  /** How long what is reserved outlives a process that is gone, in milliseconds; 5 seconds to an hour, default a minute. */
  readonly ttlMs?: number
}

/** Leave for one piece of work, given out of a lease. Its usage is recorded with it, or it is given back. */
export interface LeaseToken {
  /** The hold that reserves it. */
  readonly holdId: string
  /** In micro-units of the meter, or micro-sparks. */
  readonly amount: bigint
  /** Gives it back: nothing was used. Harmless to repeat, and after its usage was recorded. */
  cancel(): void
}

/** Credits, budgets and quota reserved for this process, out of which it answers by itself. */
export interface Lease {
  /**
   * Leave for so much, at once and without waiting: in the meter's unit (a whole number, or `bigint` in millionths), or in Sparks for a
   * meter that is rated by cost. `null`: not out of what is reserved now; ask `authorize`.
   */
  tryAuthorize(amount: number | bigint): LeaseToken | null
  /**
   * Leave for so much, reserved in the ledger first when what this process has does not suffice.
   *
   * @throws BillingError `insufficient_credits`, `quota_exceeded`, `invalid_state` (suspended, or the lease is closed)
   */
  authorize(amount: number | bigint): Promise<LeaseToken>
  /** Gives back what is reserved and not given out. What was given out is recorded all the same. */
  close(): Promise<void>
}

/** What a piece of work came to. */
type Used = Pick<RatedUsage, 'quantity' | 'sparks'>

/** What the recording of usage needs of a token. */
export interface LeaseShare extends LeaseToken {
  readonly accountId: string
  /** Takes what was used out of what is reserved here. */
  settle(used: Used): void
}

const nothing = { quantity: 0n, sparks: 0n }

/** One is made for each piece of work: a class takes one object, where functions of its own would take five. */
class Leave implements LeaseShare {
  readonly accountId: string
  readonly holdId: string
  readonly amount: bigint
  #end: ((token: LeaseShare, used: Used) => void) | null

  constructor(accountId: string, holdId: string, amount: bigint, end: (token: LeaseShare, used: Used) => void) {
    this.accountId = accountId
    this.holdId = holdId
    this.amount = amount
    this.#end = end
  }

  settle(used: Used): void {
    const end = this.#end
    this.#end = null
    end?.(this, used)
  }

  cancel(): void {
    this.settle(nothing)
  }
}

/** Whether something is leave that a lease gave. */
export function isLeaseToken(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'settle' in value && 'holdId' in value
}

const leaseSchema = z.strictObject({
  accountId,
  meter: meterName,
  ...attributionFields,
  size: z
    .unknown()
    .transform((value) => readQuantity(value))
    .default(microPerUnit),
  ttlMs: z.int().min(5_000).max(3_600_000).default(60_000),
})

/** What of a lease's time is not relied on: what the way to the ledger and back may take. */
const marginMs = 2_000
/**
 * Reserves credits, budgets and quota of a meter for this process, which then answers for them by itself in well under a microsecond. No
 * number of processes can overspend, since everything is reserved in the ledger first. A suspension reaches a lease within a second.
 *
 * @throws BillingError `not_found`, `invalid_request`, `option_unsupported` (a meter that is no sum), `insufficient_credits`,
 * `quota_exceeded`, `invalid_state` (suspended)
 */
export async function createLease<C extends Catalog>(ctx: BillingContext, input: LeaseInput<C>): Promise<Lease> {
  const request = parse(leaseSchema, input)
  const meter = requireMeter(ctx.catalog, request.meter)
  const isByCost = meter.rate !== null && !isPeriodRated(meter.rate) && ['by_cost', 'larger'].includes(meter.rate.mode)
  const dimensions = dimensionsOf(request)
  const budgets = scopesOf(dimensions, ctx.catalog.budgetDimensions)
  const { ttlMs } = request

  let holdId: string | null = null
  /** What is reserved and neither given out nor used. */
  let free = 0n
  let usableUntil = 0
  let seenAt = 0
  let isSuspended = false
  let isClosed = false
  let reserving: Promise<void> | null = null
  /** What was given out since the last reservation, and when that was: how fast it goes. */
  let givenOut = 0n
  let measuredFrom = performance.now()
  let target = request.size

  const measured = (amount: bigint) =>
    isByCost
      ? { quantity: 0n, sparks: amount, costUsd: null }
      : rate(ctx.catalog, meter.name, { quantity: amount }, ctx.environment.now(), dimensions)

  const command = (amount: bigint): LedgerCommand => {
    const id = ctx.newId('clm')
    const names = keyed(ctx, 'lease', 'hld', { accountId: request.accountId, idempotencyKey: id }, { id })
    const usage = { ...measured(amount), meter: meter.name }
    if (holdId === null) return { kind: 'hold', ...names, usage, ttlMs, reason: 'lease', dimensions, budgets }
    return { kind: 'extend', ...names, holdId, ttlMs, more: amount === 0n ? null : usage }
  }

  /** Reserves so much; where that is refused, what would be let through, as long as it is at least `least`. */
  const reserve = async (amount: bigint, least: bigint): Promise<void> => {
    const sentAt = performance.now()
    let wanted = amount
    let outcome = await ctx.ledger.submit(command(wanted))
    if (outcome.status === 'refused' && isOver(outcome) && holdId !== null) {
      holdId = null
      free = 0n
      outcome = await ctx.ledger.submit(command(wanted))
    }
    if (outcome.status === 'refused') {
      const affordable = affordableOf(outcome, isByCost)
      if (affordable < least || affordable === 0n) throw errorOf(outcome)
      wanted = larger(least, affordable / 20n)
      outcome = await ctx.ledger.submit(command(wanted))
    }
    if (outcome.status === 'refused') throw errorOf(outcome)
    invariant(outcome.result.kind === 'hold', 'a lease answered another result')
    took(outcome.result, wanted, sentAt)
  }

  const took = (result: HoldResult, amount: bigint, sentAt: number): void => {
    holdId = result.id
    free += amount
    // By the process's own clock, from before the request was sent: never later than by the ledger's.
    usableUntil = sentAt + ttlMs - marginMs
    seenAt = sentAt
    isSuspended = false
    const seconds = Math.max((sentAt - measuredFrom) / 1_000, 0.001)
    const twoSeconds = BigInt(Math.ceil((Number(givenOut) / seconds) * 2))
    const share = amount > 0n && result.sparks > 0n ? (result.balance.available * amount) / result.sparks / 20n : target
    target = larger(request.size, smaller(twoSeconds, share))
    givenOut = 0n
    measuredFrom = sentAt
  }

  const refill = (least: bigint): Promise<void> => {
    reserving ??= reserve(larger(target, least), least).finally(() => {
      reserving = null
    })
    return reserving
  }

  const refillQuietly = (): void => {
    if (!reserving && !isClosed) refill(1n).catch(() => {})
  }

  const take = (amount: bigint): LeaseToken | null => {
    if (amount > free || isSuspended || isClosed || holdId === null) return null
    const now = performance.now()
    if (now >= usableUntil || now - seenAt >= maximumStaleMs) return null
    free -= amount
    givenOut += amount
    if (free * 4n < target) refillQuietly()
    return new Leave(request.accountId, holdId, amount, end)
  }

  const end = (token: LeaseShare, used: Used): void => {
    if (token.holdId === holdId) free += token.amount - (isByCost ? used.sparks : used.quantity)
  }

  const lease: Lease & WatchedLease = {
    accountId: request.accountId,
    tryAuthorize: (amount) => take(microOf(amount)),
    async authorize(amount) {
      const micro = microOf(amount)
      for (let attempt = 0; ; attempt += 1) {
        const given = take(micro)
        if (given) return given
        if (isClosed) throw new BillingError('invalid_state', 'The lease is closed.')
        if (attempt === 10)
          throw new BillingError('overloaded', 'Others of this lease took what was reserved; try again.')
        await refill(free < micro ? micro : 0n)
      }
    },
    seen(at) {
      seenAt = at
      isSuspended = false
    },
    suspend() {
      isSuspended = true
    },
    renew() {
      if (usableUntil - performance.now() < ttlMs / 2) refillQuietly()
    },
    async close() {
      if (isClosed) return
      isClosed = true
      ctx.leases.delete(lease)
      await reserving?.catch(() => {})
      if (holdId === null) return
      const id = ctx.newId('clm')
      const names = keyed(ctx, 'lease', 'ent', { accountId: request.accountId, idempotencyKey: id }, { id })
      const outcome = await ctx.ledger.submit({ kind: 'release', ...names, holdId })
      if (outcome.status === 'refused' && !isOver(outcome)) throw errorOf(outcome)
    },
  }
  await refill(request.size)
  ctx.leases.add(lease)
  return lease
}

/** Whether a hold is over, so that there is nothing to add to or to give back. */
function isOver(outcome: Extract<LedgerOutcome, { status: 'refused' }>): boolean {
  return outcome.code === 'not_found' || (outcome.code === 'invalid_state' && 'holdId' in outcome.details)
}

/** What the ledger says would be let through. */
function affordableOf({ details }: Extract<LedgerOutcome, { status: 'refused' }>, isByCost: boolean): bigint {
  if (isByCost) {
    const balance = details.balance as HoldResult['balance'] | undefined
    return balance && balance.available > 0n ? balance.available : 0n
  }
  const remedies = (details.remedies ?? []) as readonly Remedy[]
  for (const remedy of remedies) if (remedy.kind === 'smaller_request') return remedy.quantity
  return 0n
}

function microOf(amount: number | bigint): bigint {
  if (typeof amount === 'bigint' && amount > 0n) return amount
  if (typeof amount === 'number' && Number.isSafeInteger(amount) && amount > 0) return BigInt(amount) * microPerUnit
  throw new BillingError(
    'invalid_quantity',
    'The amount must be above zero: a whole number of units, or a bigint of millionths.',
  )
}

function larger(left: bigint, right: bigint): bigint {
  return left > right ? left : right
}

function smaller(left: bigint, right: bigint): bigint {
  return left < right ? left : right
}
