import * as z from 'zod'
import { type BillingCore, BillingError } from '../index.js'
import { addressPrefix, createAddressLimit } from './address-limit.js'
import { type Currency, creditOf, moneyOf } from './currency.js'
import { emailAccountId } from './email-account.js'
import { GatewayError, invalidParameter } from './gateway-error.js'

/** What somebody who signs up is given, and how often anybody is. */
export interface SignupOptions {
  /** Credit of a new account, in the catalog's currency: `0.50`. */
  readonly grant: string
  /** After how many days what is left of it expires; default never. */
  readonly grantDays?: number
  /** How much all who sign up on one day (UTC) are given together, in the currency; default any amount. Nobody is given more than is left. */
  readonly dailyGrants?: string
  /** How many may sign up from one network on one day: an IPv4 /24 or an IPv6 /48; default 3. Counted by each process for itself. */
  readonly perNetwork?: number
  /** Where a request comes from, behind your proxy. `null`: unknown, and counted together with all that are unknown. */
  readonly clientAddress: (request: Request) => string | null
  /** Whether somebody may sign up: a captcha, a code sent by mail, a list of throw-away domains. Default everybody may. */
  readonly admit?: (candidate: { readonly email: string; readonly request: Request }) => boolean | Promise<boolean>
}

/** What of the service signing up needs. */
export type SignupBilling = Pick<BillingCore, 'accounts' | 'apiKeys' | 'credits' | 'hold' | 'capture'>

/** The answer to who signed up. `api_key` is shown this once. */
export interface SignupAnswer {
  readonly account_id: string
  readonly api_key: string
  readonly key_id: string
  readonly status: 'free'
  readonly currency: string
  /** What the account has, decimal text. */
  readonly balance: string
}

const bodySchema = z.strictObject({ email: z.email().max(254) })

/** The account out of which grants are paid on days that have a budget. */
const house = 'gateway.signups'
const dayMs = 86_400_000

/**
 * Makes accounts, each once an e-mail: with free credit, and with a key whose budget that credit is, which top-ups raise.
 *
 * Every step can be repeated: who was interrupted signs up again, and is given what was not given yet.
 */
export function createSignup(
  billing: SignupBilling,
  { perNetwork = 3, admit, clientAddress, ...options }: SignupOptions,
  {
    scope,
    now,
    currency,
  }: { readonly scope: string; readonly now: () => number; readonly currency: () => Promise<Currency> },
): (request: Request, body: unknown) => Promise<SignupAnswer> {
  const takesPlace = createAddressLimit(perNetwork, now)
  return async (request, body) => {
    const parsed = bodySchema.safeParse(body)
    if (!parsed.success) throw invalidParameter('email', 'send { "email": … } and nothing else')
    const { email } = parsed.data
    if (!takesPlace(addressPrefix(clientAddress(request))))
      throw tooMany('Too many accounts were made from your network today.')
    if (admit && (await admit({ email, request })) !== true)
      throw new GatewayError(403, 'signup_refused', 'You cannot sign up.')
    const unit = await currency()
    const amount = creditOf(options.grant, unit, 'signup.grant')
    const accountId = await emailAccountId(email)
    const name = 'signup'
    await billing.accounts.ensure({ accountId, email })
    await takeFromDay(billing, accountId, amount, options.dailyGrants, unit, now())
    await grantOnce(billing, accountId, amount, options.grantDays, now())
    const budget = { limit: amount, topUpsRaiseBudget: true }
    const key = await billing.apiKeys
      .issue({ accountId, name, scopes: [scope], budget, idempotencyKey: name })
      .catch(taken)
    if (key.result === 'duplicate') throw signedUp()
    const { balance } = await billing.credits.balance({ accountId })
    return {
      account_id: accountId,
      api_key: key.secret,
      key_id: key.id,
      status: 'free',
      currency: unit.code,
      balance: moneyOf(balance, unit),
    }
  }
}

/**
 * Takes a grant out of what all of them may come to today: an account of the house that is given that much each day, out of which
 * nothing can be taken twice. @throws GatewayError where too little is left
 */
async function takeFromDay(
  billing: SignupBilling,
  accountId: string,
  amount: bigint,
  daily: string | undefined,
  currency: Currency,
  now: number,
): Promise<void> {
  if (daily === undefined) return
  const day = new Date(now).toISOString().slice(0, 10)
  const expiresAt = new Date(Date.parse(day) + dayMs)
  await billing.accounts.ensure({ accountId: house })
  const given = { amount: creditOf(daily, currency, 'signup.dailyGrants'), expiresAt, reason: `grants of ${day}` }
  await billing.credits.grant({ accountId: house, ...given, idempotencyKey: day })
  const idempotencyKey = `${accountId}:${day}`
  try {
    const held = await billing.hold({ accountId: house, amount, reason: accountId, idempotencyKey })
    await billing.capture({ accountId: house, holdId: held.id, idempotencyKey })
  } catch (error) {
    if (BillingError.is(error) && error.code === 'insufficient_credits')
      throw tooMany('No more free accounts are given out today.')
    throw error
  }
}

async function grantOnce(
  billing: SignupBilling,
  accountId: string,
  amount: bigint,
  days: number | undefined,
  now: number,
): Promise<void> {
  // In whole days, so that a repeat on the same day is the same grant.
  const expiresAt = days === undefined ? {} : { expiresAt: new Date((Math.floor(now / dayMs) + days + 1) * dayMs) }
  const grant = { accountId, amount, reason: 'signup', ...expiresAt, idempotencyKey: `signup:${accountId}` }
  await billing.credits.grant(grant).catch((error: unknown) => {
    // It was given on another day, or when another amount was: once is enough.
    if (!BillingError.is(error) || error.code !== 'idempotency_conflict') throw error
  })
}

/** A key of another budget was made before: the same as one of this. */
function taken(error: unknown): never {
  if (BillingError.is(error) && error.code === 'idempotency_conflict') throw signedUp()
  throw error
}

function signedUp(): GatewayError {
  return new GatewayError(
    409,
    'already_signed_up',
    'There is an account for this e-mail already.',
    {},
    { 'x-should-retry': 'false' },
  )
}

function tooMany(message: string): GatewayError {
  return new GatewayError(429, 'signup_limit', message, {}, { 'retry-after': '3600', 'x-should-retry': 'false' })
}
