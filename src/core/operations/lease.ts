import * as z from 'zod'
import type { Catalog, MeterName } from '../catalog.js'
import type { BillingContext } from '../context.js'
import { scopesOf } from '../domain/budget.js'
import type { LedgerCommand } from '../domain/ledger/command.js'
import type { HoldResult, LedgerOutcome } from '../domain/ledger/outcome.js'
import { isPeriodRated } from '../domain/rating/rate.js'
import type { Remedy } from '../domain/remedy.js'
import { microPerUnit } from '../domain/sparks.js'
import { BillingError, invariant } from '../errors.js'
import { maximumStaleMs, type WatchedLease } from '../leases.js'
import { type AttributionInput, attributionFields, dimensionsOf } from './attribution.js'
import { accountId, meterName, parse, type QuantityInput, readQuantity } from './fields.js'
import type { LeaseShare, LeaseToken, Used } from './lease-token.js'
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

const nothing = { quantity: 0n, sparks: 0n }

/** What a lease gives out of: a hold, and in the next period another one. */
interface Reservation {
  holdId: string
}

/** One is made for each piece of work: a class takes one object, where functions of its own would take five. */
class Leave implements LeaseShare {
  readonly accountId: string
  readonly reservation: Reservation
  readonly amount: bigint
  #end: ((leave: Leave, used: Used) => void) | null

  constructor(accountId: string, reservation: Reservation, amount: bigint, end: (leave: Leave, used: Used) => void) {
    this.accountId = accountId
    this.reservation = reservation
    this.amount = amount
    this.#end = end
  }

  get holdId(): string {
    return this.reservation.holdId
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
/** How long what is known of the end of a period is relied on: a change of terms may end it earlier. */
const periodKnownMs = 10_000

/**
 * Reserves credits, budgets and quota of a meter for this process, which then answers for them by itself in well under a microsecond. No
 * number of processes can overspend, since everything is reserved in the ledger first. A suspension, or the end of its API key, reaches a lease within a second.
 *
 * @throws BillingError `not_found`, `invalid_request`, `option_unsupported` (a meter that is no sum), `insufficient_credits`,
 * `quota_exceeded`, `invalid_state` (suspended, or an API key that has ended)
 */
export async function createLease<C extends Catalog>(ctx: BillingContext, input: LeaseInput<C>): Promise<Lease> {
  const request = parse(leaseSchema, input)
  const meter = requireMeter(ctx.catalog, request.meter)
  const isByCost = meter.rate !== null && !isPeriodRated(meter.rate) && ['by_cost', 'larger'].includes(meter.rate.mode)
  const dimensions = dimensionsOf(request)
  const budgets = scopesOf(dimensions, ctx.catalog.budgetDimensions)
  const { ttlMs, apiKeyId = null } = request

  let reservation: Reservation | null = null
  /** What is reserved and neither given out nor used; below zero where more is given out than could be reserved in a new period. */
  let free = 0n
  /** What is given out and not used yet. */
  let out = 0n
  /** When the period ends that the hold reserves in, by the process's own clock and by the app's, and when that was asked; `null`: unknown. */
  let period: { readonly endsAt: number; readonly appEndsAt: number; readonly askedAt: number } | null = null
  let usableUntil = 0
  let seenAt = 0
  let isSuspended = false
  /** When the key was last asked about before something was reserved for it. */
  let keySeenAt = Number.POSITIVE_INFINITY
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

  const command = (amount: bigint, more: Reservation | null): LedgerCommand => {
    const id = ctx.newId('clm')
    const names = keyed(ctx, 'lease', 'hld', { accountId: request.accountId, idempotencyKey: id }, { id })
    const usage = { ...measured(amount), meter: meter.name }
    if (!more) return { kind: 'hold', ...names, usage, ttlMs, reason: 'lease', dimensions, budgets }
    return { kind: 'extend', ...names, holdId: more.holdId, ttlMs, more: amount === 0n ? null : usage }
  }

  const releaseOf = (holdId: string): LedgerCommand => {
    const id = ctx.newId('clm')
    const names = keyed(ctx, 'lease', 'ent', { accountId: request.accountId, idempotencyKey: id }, { id })
    return { kind: 'release', ...names, holdId }
  }

  const isPeriodOver = (): boolean =>
    period !== null && (performance.now() >= period.endsAt || ctx.environment.now() >= period.appEndsAt)

  const lose = (): void => {
    reservation = null
    period = null
    free = 0n
    out = 0n
  }

  /** Reserves so much; where that is refused, what would be let through, as long as it is at least `least`. */
  const reserve = async (amount: bigint, least: bigint): Promise<void> => {
    if (reservation && isPeriodOver()) return move(reservation, amount, least)
    const sentAt = performance.now()
    let wanted = amount
    let outcome = await ctx.ledger.submit(command(wanted, reservation))
    if (outcome.status === 'refused' && isOver(outcome) && reservation) {
      lose()
      outcome = await ctx.ledger.submit(command(wanted, reservation))
    }
    if (outcome.status === 'refused') {
      const affordable = affordableOf(outcome, isByCost)
      if (affordable < least || affordable === 0n) throw errorOf(outcome)
      wanted = larger(least, affordable / 20n)
      outcome = await ctx.ledger.submit(command(wanted, reservation))
    }
    if (outcome.status === 'refused') throw errorOf(outcome)
    invariant(outcome.result.kind === 'hold', 'a lease answered another result')
    took(outcome.result, wanted, sentAt)
    await knowPeriod()
  }

  /**
   * A new period has limits of its own, and usage counts when it happens. So what was reserved in the old one is given back, and what is
   * given out is reserved in the new one, beside what is to be given out there.
   */
  const move = async (from: Reservation, amount: bigint, least: bigint): Promise<void> => {
    const sentAt = performance.now()
    let wanted = amount + out
    // Sent together, so that nobody takes in between what is given back.
    let [, outcome] = await Promise.all([
      ctx.ledger.submit(releaseOf(from.holdId)),
      ctx.ledger.submit(command(wanted, null)),
    ])
    if (outcome.status === 'refused') {
      const refusal = outcome
      const affordable = affordableOf(refusal, isByCost)
      wanted = smaller(affordable, larger(least + out, affordable / 20n))
      if (wanted > 0n) outcome = await ctx.ledger.submit(command(wanted, null))
      if (outcome.status === 'refused') {
        lose()
        throw errorOf(outcome)
      }
    }
    invariant(outcome.result.kind === 'hold', 'a lease answered another result')
    period = null
    // What is given out goes along.
    from.holdId = outcome.result.id
    free = -out
    took(outcome.result, wanted, sentAt)
    await knowPeriod()
  }

  /** Asks until when the period lasts that the hold reserves in. One that the account is no longer in is over. */
  const knowPeriod = async (): Promise<void> => {
    const askedAt = performance.now()
    if (!reservation || (period && askedAt - period.askedAt < periodKnownMs)) return
    const appTime = ctx.environment.now()
    const [hold, snapshot] = await Promise.all([
      ctx.store.ledger.hold(request.accountId, reservation.holdId),
      ctx.store.ledger.snapshot(request.accountId),
    ])
    const counter = snapshot?.counters.find(
      (each) => each.meter === meter.name && each.startsAt === hold?.periodStartsAt,
    )
    const leftMs = snapshot && counter ? counter.endsAt - snapshot.now : 0
    period = { endsAt: askedAt + leftMs, appEndsAt: appTime + leftMs, askedAt }
  }

  const took = (result: HoldResult, amount: bigint, sentAt: number): void => {
    reservation ??= { holdId: result.id }
    free += amount
    // By the process's own clock, from before the request was sent: never later than by the ledger's.
    usableUntil = sentAt + ttlMs - marginMs
    // That it was let through says nothing of the key, which the ledger does not know.
    seenAt = Math.min(sentAt, keySeenAt)
    isSuspended = false
    const seconds = Math.max((sentAt - measuredFrom) / 1_000, 0.001)
    const twoSeconds = BigInt(Math.ceil((Number(givenOut) / seconds) * 2))
    const share = amount > 0n && result.sparks > 0n ? (result.balance.available * amount) / result.sparks / 20n : target
    target = larger(request.size, smaller(twoSeconds, share))
    givenOut = 0n
    measuredFrom = sentAt
  }

  const reserveWithKey = async (amount: bigint, least: bigint): Promise<void> => {
    if (apiKeyId !== null) {
      keySeenAt = performance.now()
      if ((await ctx.store.apiKeys.endedAmong([apiKeyId])).length > 0)
        throw new BillingError('invalid_state', `API key ${apiKeyId} was revoked or has expired.`)
    }
    await reserve(amount, least)
  }

  const refill = (least: bigint): Promise<void> => {
    reserving ??= reserveWithKey(larger(target, least), least).finally(() => {
      reserving = null
    })
    return reserving
  }

  const refillQuietly = (): void => {
    if (!reserving && !isClosed) refill(1n).catch(() => {})
  }

  const take = (amount: bigint): LeaseToken | null => {
    if (amount > free || isSuspended || isClosed || !reservation || !period) return null
    const now = performance.now()
    if (now >= usableUntil || now - seenAt >= maximumStaleMs) return null
    if (now >= period.endsAt || ctx.environment.now() >= period.appEndsAt) {
      refillQuietly()
      return null
    }
    free -= amount
    out += amount
    givenOut += amount
    if (free * 4n < target) refillQuietly()
    return new Leave(request.accountId, reservation, amount, end)
  }

  const end = (leave: Leave, used: Used): void => {
    if (leave.reservation !== reservation) return
    out -= leave.amount
    free += leave.amount - (isByCost ? used.sparks : used.quantity)
  }

  const lease: Lease & WatchedLease = {
    accountId: request.accountId,
    apiKeyId,
    tryAuthorize: (amount) => take(microOf(amount)),
    async authorize(amount) {
      const micro = microOf(amount)
      for (let attempt = 0; ; attempt += 1) {
        const given = take(micro)
        if (given) return given
        if (isClosed) throw new BillingError('invalid_state', 'The lease is closed.')
        if (attempt === 10)
          throw new BillingError('overloaded', 'Others of this lease took what was reserved; try again.')
        await refill(isPeriodOver() ? micro : free < micro ? micro - free : 0n)
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
      if (isPeriodOver() || usableUntil - performance.now() < ttlMs / 2) refillQuietly()
    },
    async close() {
      if (isClosed) return
      isClosed = true
      ctx.leases.delete(lease)
      await reserving?.catch(() => {})
      if (!reservation) return
      const outcome = await ctx.ledger.submit(releaseOf(reservation.holdId))
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
