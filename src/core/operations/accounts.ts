import * as z from 'zod'
import type { BillingContext } from '../context.js'
import type { AccountRecord } from '../ports/store.js'
import { accountId, parse, text } from './fields.js'
import { requireAccount } from './steps.js'

/** Who an account is. */
export interface EnsureAccountInput {
  /** Your id of the paying party: 1–128 of `A-Z a-z 0-9 . _ : -`. */
  readonly accountId: string
  readonly email?: string
  readonly name?: string
}

/** An account as callers see it. */
export interface Account {
  readonly id: string
  readonly email: string | null
  readonly name: string | null
  readonly plan: string
  readonly createdAt: Date
}

const ensureSchema = z.strictObject({ accountId, email: z.email().max(254).optional(), name: text(200).optional() })

/** Gets the account, or makes it on the catalog's default plan. An e-mail or name given here replaces the one before. */
export async function ensureAccount(
  ctx: BillingContext,
  input: EnsureAccountInput,
): Promise<Account & { readonly created: boolean }> {
  const request = parse(ensureSchema, input)
  const { account, created } = await ctx.store.accounts.ensure({
    id: request.accountId,
    email: request.email ?? null,
    name: request.name ?? null,
    plan: ctx.catalog.defaultPlan,
  })
  return { ...accountView(account), created }
}

/** @throws BillingError `not_found` */
export async function getAccount(ctx: BillingContext, input: { readonly accountId: string }): Promise<Account> {
  const request = parse(z.strictObject({ accountId }), input)
  return accountView(await requireAccount(ctx, request.accountId))
}

function accountView(account: AccountRecord): Account {
  return { ...account, createdAt: new Date(account.createdAt) }
}
