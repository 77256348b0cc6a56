import * as z from 'zod'
import type { BillingContext } from '../context.js'
import { apiKeyId, type MadeSecret, makeSecret, readSecret } from '../domain/api-key.js'
import type { BudgetInterval } from '../domain/budget.js'
import { dedupeOf, fingerprintOf, isSameDigest } from '../domain/ledger/key.js'
import { BillingError } from '../errors.js'
import type { KnownApiKey } from '../ports/store.js'
import { type BudgetView, readKeyBudget, setBudget } from './budgets.js'
import { dateOf } from './date.js'
import {
  accountId,
  given,
  idempotencyKey,
  idField,
  parse,
  readSparks,
  readTime,
  type SparksInput,
  type TimeInput,
  text,
} from './fields.js'
import { type Page, type PageInput, pageFields, pageOf, readCursor } from './paging.js'
import { requireAccount } from './steps.js'

/** What may be charged with a key in a period. */
export interface ApiKeyBudgetInput {
  /** Sparks as decimal text or a whole number, micro-sparks as bigint; 0 allows nothing. */
  readonly limit: SparksInput
  /** How often it begins anew; default `never`. */
  readonly interval?: BudgetInterval
  /** Whether what the account buys is added to the limit; default `false`. */
  readonly topUpsRaiseBudget?: boolean
}

/** A key to be made. */
export interface IssueApiKeyInput {
  readonly accountId: string
  /** What people know it by; at most 200 characters. */
  readonly name: string
  /** What it may do, in words of the app's or of `billfold/http`; default nothing. */
  readonly scopes?: readonly string[]
  readonly expiresAt?: TimeInput
  readonly budget?: ApiKeyBudgetInput
  readonly idempotencyKey: string
}

/** Which key. */
export interface ApiKeyInput {
  readonly accountId: string
  readonly keyId: string
}

/** A key as callers see it: never what opens it. */
export interface ApiKeyView {
  readonly id: string
  readonly accountId: string
  readonly name: string
  readonly scopes: readonly string[]
  readonly status: 'active' | 'expired' | 'revoked'
  /** How its newest secret begins and ends. */
  readonly hint: string
  /** How many secrets open it: more than one while an exchange overlaps. */
  readonly openSecrets: number
  readonly budget: BudgetView | null
  readonly topUpsRaiseBudget: boolean
  readonly createdAt: Date
  readonly expiresAt: Date | null
  readonly revokedAt: Date | null
  /** Up to ten minutes old; `null` until it was used. */
  readonly lastUsedAt: Date | null
}

/**
 * A key that was made, or has another secret. `secret` is shown this once: it is no field that is printed, copied or written as JSON with the
 * rest. A repeat cannot show it again: whoever lost it asks `rotate` for another one, under another key.
 */
export type IssuedApiKey = ApiKeyView &
  ({ readonly result: 'issued'; readonly secret: string } | { readonly result: 'duplicate'; readonly secret: null })

/** Whose a key is and what it may do; or that it opens nothing, and not why. */
export type VerifiedApiKey =
  | {
      readonly valid: true
      readonly accountId: string
      readonly keyId: string
      readonly name: string
      readonly scopes: readonly string[]
      /** `suspended`: the account may start no usage until it is resumed. */
      readonly accountStatus: 'active' | 'suspended'
      readonly expiresAt: Date | null
    }
  | { readonly valid: false }

const scopesField = z
  .array(z.string().regex(/^[a-z][a-z0-9:._-]{0,63}$/, 'must be a-z, then up to 63 of a-z 0-9 : . _ -'))
  .max(50)
  .transform((names) => [...new Set(names)].sort())

const limitField = given('limit').transform((value) => readSparks(value, 'zero'))
const interval = z.enum(['day', 'week', 'month', 'year', 'never'])

const issueSchema = z.strictObject({
  accountId,
  name: text(200),
  scopes: scopesField.default([]),
  expiresAt: z
    .unknown()
    .optional()
    .transform((value) => (value === undefined ? null : readTime(value, 'expiresAt'))),
  budget: z
    .strictObject({
      limit: limitField,
      interval: interval.default('never'),
      topUpsRaiseBudget: z.boolean().default(false),
    })
    .optional(),
  idempotencyKey,
})

/**
 * Makes an API key for an account. What opens it is in the answer and is kept nowhere: of it only a SHA-256 is stored.
 *
 * Idempotent by `idempotencyKey`; a repeat answers the key as it is now, without a secret.
 *
 * @throws BillingError `not_found`, `invalid_request`, `invalid_amount`, `option_unsupported` (the catalog has no budgets by `api_key`),
 * `timestamp_out_of_range` (it would have expired already), `idempotency_conflict`
 * @example const { secret } = await billing.apiKeys.issue({ accountId, name: 'CI', idempotencyKey })
 */
export async function issueApiKey(ctx: BillingContext, input: IssueApiKeyInput): Promise<IssuedApiKey> {
  const { idempotencyKey: asked, ...request } = parse(issueSchema, input)
  const { accountId, name, scopes, expiresAt, budget } = request
  await requireAccount(ctx, accountId)
  if (expiresAt !== null && expiresAt <= ctx.environment.now())
    throw new BillingError('timestamp_out_of_range', 'expiresAt must lie in the future.')
  const fingerprint = fingerprintOf(request)
  // It follows from what it was asked by, so that a repeat finds the key, and a budget that was set before a crash.
  const id = apiKeyId(dedupeOf(accountId, 'api_key', asked))
  if (budget) {
    const { limit, interval } = budget
    await setBudget(ctx, { accountId, scope: { apiKeyId: id }, limit, interval, idempotencyKey: `issue:${id}` })
  }
  const made = newSecret(ctx, id)
  const key = await ctx.store.apiKeys.add({
    ...{ id, accountId, name, scopes, expiresAt, fingerprint },
    topUpsRaiseBudget: budget?.topUpsRaiseBudget ?? false,
    secret: { id: dedupeOf(accountId, 'api_key', asked), digest: made.digest, hint: made.hint },
  })
  if (key.fingerprint !== fingerprint)
    throw new BillingError('idempotency_conflict', 'This idempotency key was used for another API key.', {
      details: { keyId: id },
    })
  return issued(ctx, key, made)
}

const verifySchema = z.strictObject({ key: z.string() })
/** How old what is said of the last use of a key may be: most requests write nothing. */
const coarseMs = 600_000

/**
 * Says whose a key is. What is unknown, was revoked, has expired or was never a key is answered alike. Asks the store each time: a key that
 * was revoked opens nothing from then on, anywhere.
 *
 * @throws BillingError `invalid_request` (no text at all), `storage_unavailable`
 */
export async function verifyApiKey(ctx: BillingContext, input: { readonly key: string }): Promise<VerifiedApiKey> {
  const named = readSecret(parse(verifySchema, input).key)
  const key = named && (await ctx.store.directory.apiKey(named.keyId))
  // All of them are compared, whichever it is.
  const matching = key ? openSecrets(key).filter(({ digest }) => isSameDigest(digest, named.digest)) : []
  if (!key || matching.length === 0 || statusOf(key) !== 'active') return { valid: false }
  const [suspended] = await Promise.all([ctx.store.ledger.suspendedAmong([key.accountId]), noteUse(ctx, key)])
  const { accountId, id: keyId, name, scopes } = key
  const accountStatus = suspended.length > 0 ? 'suspended' : 'active'
  return { valid: true, accountId, keyId, name, scopes, accountStatus, expiresAt: dateOf(key.expiresAt) }
}

/** The key, which must be there. @throws BillingError `not_found`, `invalid_id` */
export async function getApiKey(ctx: BillingContext, input: ApiKeyInput): Promise<ApiKeyView> {
  const { accountId, keyId } = parse(keySchema, input)
  return viewOf(ctx, found(await ctx.store.apiKeys.get(accountId, keyId), keyId))
}

const listApiKeysSchema = z.strictObject({ accountId, ...pageFields })

/**
 * The keys of an account, newest first, a page at a time; those that have ended too.
 *
 * @throws BillingError `not_found`, `invalid_cursor`, `invalid_range` (limit)
 */
export async function listApiKeys(
  ctx: BillingContext,
  input: { readonly accountId: string } & PageInput,
): Promise<Page<ApiKeyView>> {
  const { limit, cursor, accountId: account } = parse(listApiKeysSchema, input)
  const list = { list: 'api_keys', accountId: account }
  const before = await readCursor(ctx, list, cursor)
  await requireAccount(ctx, account)
  const page = { limit: limit + 1, ...(before === undefined ? {} : { before }) }
  const keys = await ctx.store.apiKeys.list(account, page)
  const { items, nextCursor } = await pageOf(ctx, list, keys, limit, { item: (key) => key, position: ({ id }) => id })
  return { items: await Promise.all(items.map((key) => viewOf(ctx, key))), nextCursor }
}

/** Which key gets another secret. */
export interface RotateApiKeyInput extends ApiKeyInput {
  /** How long the secrets before it go on, in milliseconds; at most 30 days, default one. 0 ends them at once. */
  readonly overlapMs?: number
  readonly idempotencyKey: string
}

const dayMs = 86_400_000
const keyFields = { accountId, keyId: idField('keyId') }
const keySchema = z.strictObject(keyFields)
const rotateSchema = z.strictObject({
  ...keyFields,
  overlapMs: z
    .int()
    .min(0)
    .max(30 * dayMs)
    .default(dayMs),
  idempotencyKey,
})

/**
 * Gives a key another secret; those before it go on for `overlapMs`, so that programs can be told. Name, scopes, budget and what was used
 * stay the key's. Idempotent by `idempotencyKey`; a repeat answers without a secret.
 *
 * @throws BillingError `not_found`, `invalid_request`, `invalid_state` (it was revoked or has expired, or five secrets open it already)
 */
export async function rotateApiKey(ctx: BillingContext, input: RotateApiKeyInput): Promise<IssuedApiKey> {
  const { accountId, keyId, overlapMs, idempotencyKey: asked } = parse(rotateSchema, input)
  const id = dedupeOf(accountId, `rotate ${keyId}`, asked)
  const made = newSecret(ctx, keyId)
  const { digest, hint } = made
  const change = { kind: 'rotate', secret: { id, digest, hint }, overlapMs } as const
  const key = usable(found(await ctx.store.apiKeys.change(accountId, keyId, change), keyId))
  if (key.secrets.some((secret) => secret.id === id)) return issued(ctx, key, made)
  throw new BillingError(
    'invalid_state',
    `API key ${keyId} is opened by as many secrets as it may be: wait until one has ended, or end them with overlapMs: 0.`,
  )
}

/**
 * Ends a key at once, with all its secrets: `verify` says no from now on, and leases that were taken for it end within a second. Harmless to
 * repeat; it never comes back.
 *
 * @throws BillingError `not_found`, `invalid_id`
 */
export async function revokeApiKey(ctx: BillingContext, input: ApiKeyInput): Promise<ApiKeyView> {
  const { accountId, keyId } = parse(keySchema, input)
  return viewOf(ctx, found(await ctx.store.apiKeys.change(accountId, keyId, { kind: 'revoke' }), keyId))
}

/** What may be charged with a key in a period. */
export interface SetApiKeyBudgetInput extends ApiKeyInput, Omit<ApiKeyBudgetInput, 'limit'> {
  /** `null` takes the budget away. */
  readonly limit: SparksInput | null
  readonly idempotencyKey: string
}

const budgetSchema = z.strictObject({
  ...keyFields,
  limit: given('limit').transform((value) => (value === null ? null : readSparks(value, 'zero'))),
  interval: interval.default('never'),
  topUpsRaiseBudget: z.boolean().default(false),
  idempotencyKey,
})

/**
 * Sets what may be charged with a key in a period: the budget that `budgets.set` sets for it, and whether top-ups raise it. Idempotent by
 * `idempotencyKey`.
 *
 * @throws BillingError `not_found`, `invalid_amount`, `amount_out_of_range`, `option_unsupported` (the catalog has no budgets by
 * `api_key`), `invalid_state` (it was revoked or has expired), `idempotency_conflict`
 */
export async function setApiKeyBudget(ctx: BillingContext, input: SetApiKeyBudgetInput): Promise<ApiKeyView> {
  const { accountId, keyId, topUpsRaiseBudget, ...budget } = parse(budgetSchema, input)
  usable(found(await ctx.store.apiKeys.get(accountId, keyId), keyId))
  await setBudget(ctx, { accountId, scope: { apiKeyId: keyId }, ...budget })
  const change = { kind: 'budget', topUpsRaiseBudget } as const
  return viewOf(ctx, found(await ctx.store.apiKeys.change(accountId, keyId, change), keyId))
}

function newSecret(ctx: BillingContext, keyId: string): MadeSecret {
  const random = new Uint8Array(32)
  ctx.environment.randomBytes(random)
  return makeSecret(ctx.keyPrefix, keyId, random)
}

/** With its secret, if it is the one that was made just now. */
async function issued(ctx: BillingContext, key: KnownApiKey, { secret, digest }: MadeSecret): Promise<IssuedApiKey> {
  const view = await viewOf(ctx, key)
  if (!key.secrets.some((each) => each.digest === digest)) return { ...view, result: 'duplicate', secret: null }
  // Whoever prints the answer prints no secret.
  return Object.defineProperty({ ...view, result: 'issued' as const, secret }, 'secret', { enumerable: false })
}

/** Of many requests that come at once only one has its time noted. */
const noting = new WeakMap<BillingContext, Set<string>>()

/** That it is not noted keeps nobody out. */
async function noteUse(ctx: BillingContext, { id, lastUsedAt, asOf }: KnownApiKey): Promise<void> {
  if (lastUsedAt !== null && lastUsedAt > asOf - coarseMs) return
  const ids = noting.get(ctx) ?? new Set()
  noting.set(ctx, ids)
  if (ids.has(id)) return
  ids.add(id)
  try {
    await ctx.store.apiKeys.used(id, coarseMs)
  } catch (error) {
    ctx.environment.onError(error, `API key ${id}`)
  } finally {
    ids.delete(id)
  }
}

function found(key: KnownApiKey | null, keyId: string): KnownApiKey {
  if (key) return key
  throw new BillingError('not_found', `No API key ${keyId} on this account.`, { details: { keyId } })
}

function usable(key: KnownApiKey): KnownApiKey {
  if (statusOf(key) === 'active') return key
  throw new BillingError('invalid_state', `API key ${key.id} is ${statusOf(key)}: issue another one.`)
}

function statusOf({ revokedAt, expiresAt, asOf }: KnownApiKey): ApiKeyView['status'] {
  if (revokedAt !== null) return 'revoked'
  return expiresAt !== null && expiresAt <= asOf ? 'expired' : 'active'
}

function openSecrets({ secrets, asOf }: KnownApiKey) {
  return secrets.filter(({ expiresAt }) => expiresAt === null || expiresAt > asOf)
}

async function viewOf(ctx: BillingContext, key: KnownApiKey): Promise<ApiKeyView> {
  const { id, accountId, name, scopes, topUpsRaiseBudget } = key
  const status = statusOf(key)
  return {
    id,
    accountId,
    name,
    scopes,
    status,
    hint: key.secrets.at(-1)?.hint ?? '',
    openSecrets: status === 'active' ? openSecrets(key).length : 0,
    budget: await readKeyBudget(ctx, accountId, id),
    topUpsRaiseBudget,
    createdAt: new Date(key.createdAt),
    expiresAt: dateOf(key.expiresAt),
    revokedAt: dateOf(key.revokedAt),
    lastUsedAt: dateOf(key.lastUsedAt),
  }
}
