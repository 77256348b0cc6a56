import * as z from 'zod'
import type { BillingContext } from '../context.js'
import type { CreditGrant, GrantKind } from '../domain/credit-grant.js'
import { balanceOf } from '../domain/ledger/draft.js'
import type { Balance } from '../domain/ledger/outcome.js'
import type { CounterAccount, EntryOperation } from '../domain/ledger/state.js'
import type { MicroSparks } from '../domain/sparks.js'
import { BillingError, invariant } from '../errors.js'
import {
  accountId,
  given,
  idempotencyKey,
  parse,
  quoted,
  readSparks,
  readTime,
  type SparksInput,
  type TimeInput,
  text,
} from './fields.js'
import { keyed, requireAccount, submit } from './steps.js'

/** Credits to give. */
export interface GrantCreditsInput {
  readonly accountId: string
  /** Sparks as decimal text or a whole number; micro-sparks as bigint. */
  readonly amount: SparksInput
  /** Only `sparks`; said aloud it guards against granting money. */
  readonly unit?: 'sparks'
  /** Default `promotional`. */
  readonly kind?: GrantKind
  /** Why, for people; at most 500 characters. */
  readonly reason: string
  /** Lower burns first among grants that expire together; default 0. */
  readonly priority?: number
  readonly expiresAt?: TimeInput
  readonly idempotencyKey: string
}

/** Credits that were given, and the balance after it, in micro-sparks. */
export interface GrantedCredits {
  readonly id: string
  readonly status: 'recorded' | 'duplicate'
  readonly amount: MicroSparks
  readonly balance: Balance
}

const grantSchema = z.strictObject({
  accountId,
  amount: given('amount').transform((value) => readSparks(value)),
  unit: z.string().optional(),
  kind: z.enum(['promotional', 'paid']).default('promotional'),
  reason: text(500),
  priority: z.int().min(-1000).max(1000).default(0),
  expiresAt: z
    .unknown()
    .optional()
    .transform((value) => (value === undefined ? null : readTime(value, 'expiresAt'))),
  idempotencyKey,
})

/**
 * Gives credits. What the account owes is paid first. Idempotent by `idempotencyKey`.
 *
 * @throws BillingError `invalid_amount`, `amount_out_of_range`, `unit_mismatch`, `timestamp_out_of_range`, `not_found`, `idempotency_conflict`
 */
export async function grantCredits(ctx: BillingContext, input: GrantCreditsInput): Promise<GrantedCredits> {
  const request = parse(grantSchema, input)
  if (request.unit !== undefined && request.unit !== 'sparks') {
    throw new BillingError('unit_mismatch', `Credits are counted in sparks, not ${quoted(request.unit)}.`)
  }
  const { idempotencyKey: _, ...body } = request
  const { amount, priority, expiresAt, reason } = request
  const command = {
    kind: 'grant',
    ...keyed(ctx, 'grant', 'grt', request, body),
    amount,
    grantKind: request.kind,
    priority,
    expiresAt,
    reason,
    payment: null,
  } as const
  const { status, result } = await submit(ctx, command)
  invariant(result.kind === 'entry', 'a grant answered another result')
  return {
    id: result.id,
    status: status === 'applied' ? 'recorded' : status,
    amount: result.amount,
    balance: result.balance,
  }
}

/** What an account has, in micro-sparks, with the open grants in the order they burn. */
export interface CreditBalance extends Balance {
  readonly grants: readonly CreditGrantView[]
}

/** An open grant, with what is left of it; amounts are micro-sparks. */
export interface CreditGrantView {
  readonly id: string
  readonly kind: GrantKind
  readonly amount: MicroSparks
  readonly remaining: MicroSparks
  readonly priority: number
  readonly reason: string
  readonly grantedAt: Date
  readonly expiresAt: Date | null
}

/** @throws BillingError `not_found` */
export async function getBalance(ctx: BillingContext, input: { readonly accountId: string }): Promise<CreditBalance> {
  const request = parse(z.strictObject({ accountId }), input)
  const snapshot = await ctx.store.ledger.snapshot(request.accountId)
  if (!snapshot) throw new BillingError('not_found', `No account ${request.accountId}: call accounts.ensure first.`)
  return { ...balanceOf(snapshot.account), grants: snapshot.grants.map(grantView) }
}

/** One change of a balance. */
export interface CreditTransaction {
  readonly id: string
  readonly operation: EntryOperation
  readonly counterAccount: CounterAccount
  /** What it added, in micro-sparks; negative took. */
  readonly amount: MicroSparks
  readonly balanceAfter: MicroSparks
  readonly meter: string | null
  readonly reason: string
  readonly recordedAt: Date
}

/**
 * Every change of the balance, newest first, a page at a time.
 *
 * @throws BillingError `not_found`, `invalid_cursor` (a cursor belongs to its account), `invalid_range` (limit), `invalid_request`
 */
export async function listTransactions(
  ctx: BillingContext,
  input: { readonly accountId: string; readonly limit?: number; readonly cursor?: string },
): Promise<{ readonly items: readonly CreditTransaction[]; readonly nextCursor: string | null }> {
  const schema = z.strictObject({
    accountId,
    limit: z.unknown().transform(readLimit).default(50),
    cursor: z.unknown().optional(),
  })
  const { limit, cursor, ...request } = parse(schema, input)
  const before = cursor === undefined ? {} : { before: readCursor(cursor, request.accountId) }
  await requireAccount(ctx, request.accountId)
  const rows = await ctx.store.ledger.entries(request.accountId, { limit: limit + 1, movedOnly: true, ...before })
  const page = rows.slice(0, limit)
  const last = page.at(-1)
  return {
    items: page.map((entry) => ({
      id: entry.id,
      operation: entry.operation,
      counterAccount: entry.counterAccount,
      amount: entry.amount,
      balanceAfter: entry.balanceAfter,
      meter: entry.usage?.meter || null,
      reason: entry.reason,
      recordedAt: new Date(entry.recordedAt),
    })),
    nextCursor: rows.length > limit && last ? btoa(`${request.accountId}|${last.cursor}`) : null,
  }
}

function readLimit(value: unknown): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= 100) return value
  throw new BillingError('invalid_range', 'limit must be a whole number from 1 to 100.', {
    details: { field: 'limit' },
  })
}

function readCursor(cursor: unknown, account: string): string {
  const [owner, position, ...rest] = decodeCursor(cursor).split('|')
  if (owner === account && position && /^[1-9]\d{0,17}$/.test(position) && rest.length === 0) return position
  throw new BillingError('invalid_cursor', 'cursor must be the nextCursor of a page of the same account.')
}

/** What is not base64 is answered like a cursor of somebody else. */
function decodeCursor(cursor: unknown): string {
  if (typeof cursor !== 'string' || cursor.length > 400) return ''
  try {
    return atob(cursor)
  } catch {
    return ''
  }
}

function grantView({ accountId: _, ...grant }: CreditGrant): CreditGrantView {
  return {
    ...grant,
    grantedAt: new Date(grant.grantedAt),
    expiresAt: grant.expiresAt === null ? null : new Date(grant.expiresAt),
  }
}
