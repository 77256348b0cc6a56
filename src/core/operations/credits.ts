import * as z from 'zod'
import type { BillingContext } from '../context.js'
import type { CreditGrant, GrantKind } from '../domain/credit-grant.js'
import { balanceOf } from '../domain/ledger/draft.js'
import type { Balance } from '../domain/ledger/outcome.js'
import type { CounterAccount, EntryOperation, LedgerEntry } from '../domain/ledger/state.js'
import type { MicroSparks } from '../domain/sparks.js'
import { BillingError, invariant } from '../errors.js'
import { dateOf } from './date.js'
import { daySpan } from './day-span.js'
import {
  accountId,
  accountSchema,
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
import { type Page, type PageInput, pageFields, pageOf, readCursor } from './paging.js'
import { keyed, requireAccount, requireSnapshot, submit } from './steps.js'

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
  /** What its plan gives in each period; 0 for none. */
  readonly planCredits: MicroSparks
  /** What usage since this month began, by UTC, was charged. */
  readonly usedThisMonth: MicroSparks
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
  const request = parse(accountSchema, input)
  const [{ account, grants }, rollups] = await Promise.all([
    requireSnapshot(ctx, request.accountId),
    ctx.store.ledger.rollups(request.accountId, daySpan(ctx, {})),
  ])
  return {
    ...balanceOf(account),
    planCredits: ctx.catalog.plans.get(account.plan)?.credits?.sparks ?? 0n,
    usedThisMonth: rollups.reduce((sum, { charged }) => sum + charged, 0n),
    grants: grants.map(grantView),
  }
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
  /** The transaction it corrects; `null` for one that stands by itself. */
  readonly corrects: string | null
  readonly recordedAt: Date
}

/** Whose changes, and of which kind: `grant`, `usage`, `expire`, …; default all. */
export interface ListTransactionsInput extends PageInput {
  readonly accountId: string
  readonly operation?: Exclude<
    EntryOperation,
    'extend' | 'change_plan' | 'change_terms' | 'set_budget' | 'suspend' | 'resume'
  >
}

const transactionsSchema = z.strictObject({
  accountId,
  operation: z.enum(['usage', 'accrue', 'amend', 'capture', 'grant', 'renew', 'adjust', 'refund', 'expire']).optional(),
  ...pageFields,
})

/**
 * Every change of the balance, newest first, a page at a time.
 *
 * @throws BillingError `not_found`, `invalid_cursor` (a cursor belongs to its account), `invalid_range` (limit), `invalid_request`
 */
export async function listTransactions(
  ctx: BillingContext,
  input: ListTransactionsInput,
): Promise<Page<CreditTransaction>> {
  const { limit, cursor, operation, ...request } = parse(transactionsSchema, input)
  const list = { list: 'transactions', operation, ...request }
  const before = await readCursor(ctx, list, cursor)
  await requireAccount(ctx, request.accountId)
  const page = {
    limit: limit + 1,
    movedOnly: true,
    ...(before === undefined ? {} : { before }),
    ...(operation === undefined ? {} : { operation }),
  }
  const rows = await ctx.store.ledger.entries(request.accountId, page)
  return pageOf(ctx, list, rows, limit, { item: transaction, position: (row) => row.cursor })
}

function transaction(entry: LedgerEntry): CreditTransaction {
  return {
    id: entry.id,
    operation: entry.operation,
    counterAccount: entry.counterAccount,
    amount: entry.amount,
    balanceAfter: entry.balanceAfter,
    meter: entry.usage?.meter || null,
    reason: entry.reason,
    corrects: entry.corrects,
    recordedAt: new Date(entry.recordedAt),
  }
}

function grantView({ accountId: _, ...grant }: CreditGrant): CreditGrantView {
  return {
    ...grant,
    grantedAt: new Date(grant.grantedAt),
    expiresAt: dateOf(grant.expiresAt),
  }
}
