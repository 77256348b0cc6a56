import * as z from 'zod'
import type { BillingContext } from '../context.js'
import { encodeExact } from '../domain/exact-json.js'
import type { SuspendCommand } from '../domain/ledger/command.js'
import { parseZone } from '../domain/zone.js'
import type { AccountRecord } from '../ports/store.js'
import { termsVersion } from '../price-cards.js'
import { type AccountTermsInput, type AccountTermsView, parseTerms, termsSchema, termsView } from './account-terms.js'
import { accountId, accountSchema, idempotencyKey, parse, text } from './fields.js'
import { keyed, requireAccount, requireSnapshot, submit } from './steps.js'

/** Who an account is. */
export interface EnsureAccountInput {
  /** Your id of the paying party: 1–128 of `A-Z a-z 0-9 . _ : -`. */
  readonly accountId: string
  readonly email?: string
  readonly name?: string
  /** The IANA time zone of a new account's periods, such as `Europe/Berlin`; default `UTC`. `accounts.update` changes it. */
  readonly zone?: string
}

/** An account as callers see it. */
export interface Account {
  readonly id: string
  readonly email: string | null
  readonly name: string | null
  readonly plan: string
  /** The IANA time zone of its periods. */
  readonly zone: string
  /** Why it may start no new usage; `null` while it may. */
  readonly suspendedFor: string | null
  /** What is agreed with it beside its plan. */
  readonly terms: AccountTermsView | null
  readonly createdAt: Date
}

const zone = z
  .string()
  .max(64)
  .transform((name) => parseZone(name))
const profileFields = { email: z.email().max(254).optional(), name: text(200).optional() }
const ensureSchema = z.strictObject({ accountId, ...profileFields, zone: zone.optional() })

/**
 * Gets the account, or makes it on the catalog's default plan, with the credits that this gives. An e-mail or name given here replaces
 * the one before.
 *
 * @throws BillingError `invalid_id`, `invalid_request`
 */
export async function ensureAccount(
  ctx: BillingContext,
  input: EnsureAccountInput,
): Promise<Account & { readonly created: boolean }> {
  const request = parse(ensureSchema, input)
  const plan = ctx.catalog.defaultPlan
  const { account, created } = await ctx.store.accounts.ensure({
    id: request.accountId,
    email: request.email ?? null,
    name: request.name ?? null,
    plan,
    ...(request.zone === undefined ? {} : { zone: request.zone }),
  })
  // Otherwise they would come with the first other command.
  if (created && ctx.catalog.plans.get(plan)?.credits)
    await submit(ctx, { kind: 'expire', accountId: account.id, id: ctx.newId('clm') })
  return { ...(await accountView(ctx, account)), created }
}

/** @throws BillingError `not_found` */
export async function getAccount(ctx: BillingContext, input: { readonly accountId: string }): Promise<Account> {
  const request = parse(accountSchema, input)
  return accountView(ctx, await requireAccount(ctx, request.accountId))
}

/** What to change of an account; what is not given stays as it is. */
export interface UpdateAccountInput {
  readonly accountId: string
  readonly email?: string
  readonly name?: string
  /** The IANA time zone of its periods. Another one ends the current periods where its own begin. */
  readonly zone?: string
  /** What is agreed with it beside its plan, in place of what was; `null` for nothing. */
  readonly terms?: AccountTermsInput | null
  readonly idempotencyKey: string
}

const updateSchema = z.strictObject({
  accountId,
  ...profileFields,
  zone: zone.optional(),
  terms: termsSchema.nullable().optional(),
  idempotencyKey,
})

/**
 * Changes who an account is and what is agreed with it. Idempotent by `idempotencyKey`.
 *
 * @returns the account as it is now
 * @throws BillingError `not_found`, `invalid_request` (an unknown zone or meter), `invalid_quantity`, `idempotency_conflict`
 */
export async function updateAccount(ctx: BillingContext, input: UpdateAccountInput): Promise<Account> {
  const request = parse(updateSchema, input)
  const { idempotencyKey: _, ...body } = request
  const { terms, email = null, name = null } = request
  const named = keyed(ctx, 'update_account', 'ent', request, body)
  const agreed = terms ? parseTerms(ctx, terms) : terms
  // Kept first, so that what is rated by it can be explained from the first event on.
  if (agreed !== undefined)
    await ctx.store.prices.keep(termsVersion(named.fingerprint), encodeExact(agreed?.rates ?? {}))
  const { status, result } = await submit(ctx, {
    kind: 'change_terms',
    ...named,
    zone: request.zone,
    terms: agreed,
    autoTopUp: undefined,
    reason: updated,
  })
  // After the command, which finds out whether the key is free; a repeat does it again, in case the first call did not get here, unless
  // another update came after it.
  const isLatest = status === 'applied' || (await latestUpdate(ctx, request.accountId)) === result.id
  if (isLatest && (email !== null || name !== null))
    await ctx.store.accounts.ensure({ id: request.accountId, email, name, plan: ctx.catalog.defaultPlan })
  return getAccount(ctx, { accountId: request.accountId })
}

const updated = 'account updated'

/** The row of the account's last update. */
async function latestUpdate(ctx: BillingContext, accountId: string): Promise<string | undefined> {
  const rows = await ctx.store.ledger.entries(accountId, { limit: 100, operation: 'change_terms' })
  return rows.find(({ reason }) => reason === updated)?.id
}

/** Which account to suspend or resume, and why. */
export interface SuspendAccountInput {
  readonly accountId: string
  /** Why, for people; at most 500 characters. */
  readonly reason: string
  /** By a rule: nothing is suspended anew for another reason, and only what is suspended for this one is resumed. Default false. */
  readonly automatic?: boolean
  readonly idempotencyKey: string
}

const suspendSchema = z.strictObject({
  accountId,
  reason: text(500),
  automatic: z.boolean().optional(),
  idempotencyKey,
})

/**
 * Stops the account from starting new usage: `authorize`, `hold` and usage with `onInsufficient: 'refuse'` answer that it is suspended,
 * usage that happened is still recorded. `resume` lets it go on. Harmless for an account that is so already; idempotent by
 * `idempotencyKey`.
 *
 * @returns the account as it is now
 * @throws BillingError `not_found`, `invalid_request`, `idempotency_conflict`
 */
export async function suspendAccount(
  ctx: BillingContext,
  kind: SuspendCommand['kind'],
  input: SuspendAccountInput,
): Promise<Account> {
  const request = parse(suspendSchema, input)
  const { reason, automatic } = request
  const body = automatic ? { reason, automatic } : { reason }
  await submit(ctx, { kind, ...keyed(ctx, kind, 'ent', request, body), reason, isAutomatic: automatic === true })
  return getAccount(ctx, { accountId: request.accountId })
}

async function accountView(ctx: BillingContext, record: AccountRecord): Promise<Account> {
  const { account } = await requireSnapshot(ctx, record.id)
  const { zone, suspendedFor, terms } = account
  const createdAt = new Date(record.createdAt)
  return { ...record, plan: account.plan, zone, suspendedFor, terms: terms && termsView(terms), createdAt }
}
