import * as z from 'zod'
import type { BillingContext } from '../context.js'
import type { Budget, BudgetInterval, BudgetStatus } from '../domain/budget.js'
import type { MicroSparks } from '../domain/sparks.js'
import { BillingError } from '../errors.js'
import {
  accountId,
  given,
  idempotencyKey,
  idField,
  parse,
  quoted,
  readDimensions,
  readSparks,
  type SparksInput,
} from './fields.js'
import { type Page, type PageInput, pageFields, pageOf, readCursor } from './paging.js'
import { keyed, requireAccount, submit } from './steps.js'

/** Whom a budget is for: an API key, a user, or whatever has a value of one of the catalog's `budgetDimensions`. */
export type BudgetScope =
  | { readonly apiKeyId: string }
  | { readonly userId: string }
  | { readonly dimension: string; readonly value: string }

/** Which budget: without a scope that of the whole account. */
export interface BudgetInput {
  readonly accountId: string
  readonly scope?: BudgetScope
}

/** What may be charged in a period. */
export interface SetBudgetInput extends BudgetInput {
  /** Sparks as decimal text or a whole number, micro-sparks as bigint; 0 allows nothing; `null` takes the budget away. */
  readonly limit: SparksInput | null
  /** How often it begins anew, on the clocks of the account's zone. */
  readonly interval: BudgetInterval
  readonly idempotencyKey: string
}

/** A budget and how much of it is gone, in micro-sparks. */
export interface BudgetView {
  /** `null` for the whole account. */
  readonly scope: BudgetScope | null
  readonly limit: MicroSparks
  readonly interval: BudgetInterval
  readonly used: MicroSparks
  /** Reserved by open holds. */
  readonly held: MicroSparks
  readonly remaining: MicroSparks
  /** `near` above 80 %, `reached` when all is used. */
  readonly status: BudgetStatus
  /** When its period began; `null` for one that is never renewed. */
  readonly periodStartsAt: Date | null
  /** When it begins anew; `null` for never. */
  readonly resetsAt: Date | null
}

const scopeSchema = z
  .strictObject({
    apiKeyId: idField('apiKeyId').optional(),
    userId: idField('userId').optional(),
    dimension: z.string().optional(),
    value: z.string().optional(),
  })
  .transform((scope, { addIssue }): BudgetScope => {
    const { apiKeyId, userId, dimension, value } = scope
    const names = Object.keys(scope).length
    if (apiKeyId !== undefined && names === 1) return { apiKeyId }
    if (userId !== undefined && names === 1) return { userId }
    if (dimension !== undefined && value !== undefined && names === 2) return { dimension, value }
    addIssue('must be { apiKeyId }, { userId } or { dimension, value }')
    return z.NEVER
  })

const budgetFields = { accountId, scope: scopeSchema.optional() }

const setSchema = z.strictObject({
  ...budgetFields,
  limit: given('limit').transform((value) => (value === null ? null : readSparks(value, 'zero'))),
  interval: z.enum(['day', 'week', 'month', 'year', 'never']),
  idempotencyKey,
})

/**
 * Sets what an account, or a key, user or other dimension within it, may be charged in a period; requests that would go over it are
 * refused as `quota_exceeded`. What was used in the period stays counted unless the interval changes. Idempotent by `idempotencyKey`.
 *
 * @returns the budget as it stands now, or `null` after it was taken away
 * @throws BillingError `not_found`, `invalid_amount`, `amount_out_of_range`, `option_unsupported` (a dimension that the catalog has no
 * budgets for), `invalid_metadata`, `invalid_request`, `idempotency_conflict`
 */
export async function setBudget(ctx: BillingContext, input: SetBudgetInput): Promise<BudgetView | null> {
  const request = parse(setSchema, input)
  const { idempotencyKey: _, ...body } = request
  const scope = scopeName(ctx, request.scope)
  const { limit, interval } = request
  await submit(ctx, {
    kind: 'set_budget',
    ...keyed(ctx, 'set_budget', 'ent', request, body),
    scope,
    limit,
    interval,
  })
  return readBudget(ctx, request.accountId, scope)
}

const getBudgetSchema = z.strictObject(budgetFields)

/** One budget as it stands now, or `null` where there is none. @throws BillingError `not_found`, `option_unsupported`, `invalid_request` */
export async function getBudget(ctx: BillingContext, input: BudgetInput): Promise<BudgetView | null> {
  const request = parse(getBudgetSchema, input)
  const scope = scopeName(ctx, request.scope)
  await requireAccount(ctx, request.accountId)
  return readBudget(ctx, request.accountId, scope)
}

const listBudgetsSchema = z.strictObject({ accountId, ...pageFields })

/**
 * All budgets of the account as they stand now, a page at a time.
 *
 * @throws BillingError `not_found`, `invalid_cursor`, `invalid_range` (limit)
 */
export async function listBudgets(
  ctx: BillingContext,
  input: { readonly accountId: string } & PageInput,
): Promise<Page<BudgetView>> {
  const { limit, cursor, ...request } = parse(listBudgetsSchema, input)
  const list = { list: 'budgets', ...request }
  const after = await readCursor(ctx, list, cursor)
  await requireAccount(ctx, request.accountId)
  const page = { limit: limit + 1, ...(after === undefined ? {} : { after }) }
  const budgets = await ctx.store.ledger.budgets(request.accountId, page)
  return pageOf(ctx, list, budgets, limit, {
    item: (budget) => budgetView(ctx, budget),
    position: ({ scope }) => scope,
  })
}

/** A budget as callers see it. */
export function budgetView(ctx: BillingContext, budget: Budget): BudgetView {
  const { interval, used, held, status, startsAt, endsAt } = budget
  const limit = budget.limitSparks ?? 0n
  const left = limit - used - held
  return {
    scope: scopeOf(ctx, budget.scope),
    limit,
    interval,
    used,
    held,
    remaining: left > 0n ? left : 0n,
    status,
    periodStartsAt: endsAt === null ? null : new Date(startsAt),
    resetsAt: endsAt === null ? null : new Date(endsAt),
  }
}

/** The budget of an API key, if it has one. */
export function readKeyBudget(ctx: BillingContext, account: string, apiKeyId: string): Promise<BudgetView | null> {
  return readBudget(ctx, account, keyScope(apiKeyId))
}

/** The name the ledger has for the scope of an API key. */
export function keyScope(apiKeyId: string): string {
  return dimensionOf({ apiKeyId }).join('=')
}

async function readBudget(ctx: BillingContext, account: string, scope: string): Promise<BudgetView | null> {
  const budget = await ctx.store.ledger.budget(account, scope)
  return budget && budgetView(ctx, budget)
}

/** The name the ledger has for a scope, as `scopesOf` makes it. */
function scopeName(ctx: BillingContext, scope: BudgetScope | undefined): string {
  if (!scope) return 'account'
  const [name, value] = dimensionOf(scope)
  if (ctx.catalog.budgetDimensions.includes(name)) {
    readDimensions({ [name]: value })
    return `${name}=${value}`
  }
  const message = `There are no budgets by ${quoted(name)}: name it in the catalog's budgetDimensions.`
  throw new BillingError('option_unsupported', message, { details: { field: 'scope' } })
}

function dimensionOf(scope: BudgetScope): readonly [name: string, value: string] {
  if ('apiKeyId' in scope) return ['api_key', scope.apiKeyId]
  return 'userId' in scope ? ['user', scope.userId] : [scope.dimension, scope.value]
}

function scopeOf(ctx: BillingContext, name: string): BudgetScope | null {
  if (name === 'account') return null
  const known = ctx.catalog.budgetDimensions.find((each) => name.startsWith(`${each}=`))
  const dimension = known ?? name.slice(0, name.indexOf('='))
  const value = name.slice(dimension.length + 1)
  if (dimension === 'api_key') return { apiKeyId: value }
  return dimension === 'user' ? { userId: value } : { dimension, value }
}
