import * as z from 'zod'
import type { Catalog, PackageName } from '../catalog.js'
import type { BillingContext } from '../context.js'
import type { AutoTopUp } from '../domain/ledger/terms.js'
import type { MicroSparks } from '../domain/sparks.js'
import { BillingError } from '../errors.js'
import {
  accountId,
  accountSchema,
  given,
  idempotencyKey,
  parse,
  quoted,
  readSparks,
  type SparksInput,
} from './fields.js'
import { keyed, requireSnapshot, submit } from './steps.js'

/** When to ask for a top-up, and which. */
export interface AutoTopUpInput<C extends Catalog = Catalog> {
  /** Available credits below which one is asked for: Sparks as decimal text or a whole number; micro-sparks as bigint. */
  readonly threshold: SparksInput
  /** The credit package to buy. */
  readonly package: PackageName<C>
  /** Most top-ups within 24 hours: 1 to 100. */
  readonly maximumPerDay: number
}

/** Which account's top-ups to set; `null` ends them. */
export interface SetAutoTopUpInput<C extends Catalog = Catalog> {
  readonly accountId: string
  readonly autoTopUp: AutoTopUpInput<C> | null
  readonly idempotencyKey: string
}

/** An account's automatic top-ups as they are set. */
export interface AutoTopUpView {
  readonly threshold: MicroSparks
  readonly package: string
  readonly maximumPerDay: number
  /** Whether one was asked for and its credits are not there yet. */
  readonly isPending: boolean
  /** When those of the last 24 hours were asked for, oldest first. */
  readonly askedAt: readonly Date[]
}

const setSchema = z.strictObject({
  accountId,
  autoTopUp: z
    .strictObject({
      threshold: given('threshold').transform((value) => readSparks(value)),
      package: z.string(),
      maximumPerDay: z.int().min(1).max(100),
    })
    .nullable(),
  idempotencyKey,
})

/** How the account's automatic top-ups are set, or `null`. @throws BillingError `not_found` */
export async function getAutoTopUp(
  ctx: BillingContext,
  input: { readonly accountId: string },
): Promise<AutoTopUpView | null> {
  const request = parse(accountSchema, input)
  const { account } = await requireSnapshot(ctx, request.accountId)
  return account.autoTopUp && autoTopUpView(account.autoTopUp)
}

/**
 * Says below which balance the event `top_up.due` asks for credits to be bought, and how often at most; `null` ends that.
 * Idempotent by `idempotencyKey`.
 *
 * @returns how they are set now
 * @throws BillingError `not_found` (account or package), `invalid_amount`, `amount_out_of_range`, `invalid_request`, `idempotency_conflict`
 */
export async function setAutoTopUp<C extends Catalog>(
  ctx: BillingContext,
  input: SetAutoTopUpInput<C>,
): Promise<AutoTopUpView | null> {
  const request = parse(setSchema, input)
  const { idempotencyKey: _, ...body } = request
  const { autoTopUp } = request
  if (autoTopUp && !ctx.catalog.packages.has(autoTopUp.package))
    throw new BillingError('not_found', `The catalog has no package ${quoted(autoTopUp.package)}.`)
  await submit(ctx, {
    kind: 'change_terms',
    ...keyed(ctx, 'set_auto_top_up', 'ent', request, body),
    zone: undefined,
    terms: undefined,
    autoTopUp,
    reason: 'automatic top-up',
  })
  return getAutoTopUp(ctx, { accountId: request.accountId })
}

function autoTopUpView({ threshold, package: offer, maximumPerDay, isPending, askedAt }: AutoTopUp): AutoTopUpView {
  return { threshold, package: offer, maximumPerDay, isPending, askedAt: askedAt.map((at) => new Date(at)) }
}
