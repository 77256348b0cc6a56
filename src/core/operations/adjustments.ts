import * as z from 'zod'
import type { BillingContext } from '../context.js'
import type { AdjustCommand, ExpireGrantCommand } from '../domain/ledger/command.js'
import type { Balance } from '../domain/ledger/outcome.js'
import type { MicroSparks } from '../domain/sparks.js'
import { BillingError, invariant } from '../errors.js'
import { accountId, idempotencyKey, idField, parse, readSignedSparks, type SparksInput, text } from './fields.js'
import { keyed, submit } from './steps.js'

/** A change of a balance, and the balance after it, in micro-sparks. */
export interface CreditChange {
  readonly id: string
  readonly status: 'recorded' | 'duplicate'
  /** What it added; negative took. */
  readonly amount: MicroSparks
  readonly balance: Balance
}

/** What to correct: by an amount, or what a transaction did. */
export interface AdjustCreditsInput {
  readonly accountId: string
  /**
   * Sparks to add, or with a minus sign to take: decimal text or a whole number; micro-sparks as bigint. Beside `reverses` how much of
   * it to take back, by default all that is left.
   */
  readonly amount?: SparksInput
  /** The id of a transaction to take back: a grant, an adjustment, a capture of Sparks. Usage is amended or voided instead. */
  readonly reverses?: string
  /** Why, for people; at most 500 characters. */
  readonly reason: string
  readonly idempotencyKey: string
}

const adjustSchema = z.strictObject({
  accountId,
  amount: z.unknown().transform(readSignedSparks).optional(),
  reverses: idField('reverses').optional(),
  reason: text(500),
  idempotencyKey,
})

/**
 * Corrects a balance by hand, or takes back what a transaction did. What it adds are promotional credits; what it takes may leave
 * debt. Idempotent by `idempotencyKey`.
 *
 * @throws BillingError `invalid_amount`, `amount_out_of_range`, `invalid_request` (neither an amount nor what to reverse), `not_found`,
 * `invalid_state` (usage, or what corrects another transaction), `refund_exceeds_original` (more than is left of it),
 * `idempotency_conflict`
 */
export async function adjustCredits(ctx: BillingContext, input: AdjustCreditsInput): Promise<CreditChange> {
  const request = parse(adjustSchema, input)
  const { idempotencyKey: _, ...body } = request
  const { amount = null, reverses = null, reason } = request
  if (amount === null && reverses === null)
    throw new BillingError('invalid_request', 'Give an amount of Sparks, or the transaction that it reverses.')
  const named = keyed(ctx, 'adjust', 'ent', request, body)
  return changed(ctx, { kind: 'adjust', ...named, amount, reverses, reason })
}

/** Which credits to end. */
export interface ExpireCreditsInput {
  readonly accountId: string
  readonly grantId: string
  /** Why, for people; at most 500 characters. */
  readonly reason: string
  readonly idempotencyKey: string
}

const expireSchema = z.strictObject({ accountId, grantId: idField('grantId'), reason: text(500), idempotencyKey })

/**
 * Ends what is left of a grant before its time, apart from what open holds have reserved. `amount` says what that took. Idempotent by
 * `idempotencyKey`.
 *
 * @throws BillingError `not_found`, `idempotency_conflict`
 */
export async function expireCredits(ctx: BillingContext, input: ExpireCreditsInput): Promise<CreditChange> {
  const request = parse(expireSchema, input)
  const { idempotencyKey: _, ...body } = request
  const { grantId, reason } = request
  return changed(ctx, { kind: 'expire_grant', ...keyed(ctx, 'expire_grant', 'ent', request, body), grantId, reason })
}

async function changed(ctx: BillingContext, command: AdjustCommand | ExpireGrantCommand): Promise<CreditChange> {
  const { status, result } = await submit(ctx, command)
  invariant(result.kind === 'entry', `${command.kind} answered another result`)
  const { id, amount, balance } = result
  return { id, status: status === 'applied' ? 'recorded' : status, amount, balance }
}
