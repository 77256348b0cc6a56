import * as z from 'zod'
import type { Able } from '../config.js'
import type { BillingContext } from '../context.js'
import { collectorAt } from '../domain/ledger/collector.js'
import { dedupeOf, fingerprintOf } from '../domain/ledger/key.js'
import { BillingError } from '../errors.js'
import { inParallel } from '../in-parallel.js'
import { arrangeCollection, meteringProvider } from './collection.js'
import { accountId, accountSchema, parse } from './fields.js'
import { pagesOf } from './pages.js'
import { requireSnapshot, submit } from './steps.js'

/** Who is to collect, and for whom. */
export interface PromoteInput {
  /** A provider of `metering`. */
  readonly provider: string
  /** Only this account; default all there are. */
  readonly accountId?: string
  /** Ends it early; what is done stays done, and the next call goes on. */
  readonly signal?: AbortSignal
}

/** What came of it. */
export interface Promotion {
  /** Accounts for which it collects from their next period on. */
  readonly promoted: number
  /** Accounts for which it collects, or is to collect, already. */
  readonly unchanged: number
  /** Accounts that stay where they are, and why. */
  readonly failures: readonly { readonly accountId: string; readonly error: BillingError }[]
}

const inputSchema = z.strictObject({
  provider: z.string(),
  accountId: accountId.optional(),
  signal: z.instanceof(AbortSignal).optional(),
})

const accountsAtOnce = 4

/**
 * Has a provider collect what accounts use beyond allowance and credits, each from the start of its next period: until then everything goes on
 * as it was, and can be taken back by promoting the one that collects now. What happened before goes to the one before, however late it is
 * told of. Customers on plans with overage are first put on prices of usage at the new provider, where they have none. Harmless to repeat,
 * also after a crash: accounts that are done are passed over.
 *
 * @throws BillingError `not_found` (the account), `invalid_request` (no provider of `metering`), `provider_authentication`
 * @example await billing.metering.promote({ provider: 'lago' })
 */
export async function promote(ctx: BillingContext, input: PromoteInput): Promise<Promotion> {
  const request = parse(inputSchema, input)
  const provider = meteringProvider(ctx, request.provider)
  if (!provider) {
    const message = `${request.provider} is not told of usage: name it in providers.metering, and let it count a period as a shadow first.`
    throw new BillingError('invalid_request', message, { details: { provider: request.provider } })
  }
  const counts = { promoted: 0, unchanged: 0 }
  const failures: Promotion['failures'][number][] = []
  const one = async (id: string) => {
    if (request.signal?.aborted) return
    try {
      counts[await promoteOne(ctx, provider, id)] += 1
    } catch (error) {
      // A key that is refused is refused for everyone.
      if (!BillingError.is(error) || error.code === 'provider_authentication') throw error
      failures.push({ accountId: id, error })
    }
  }
  if (request.accountId !== undefined) {
    await requireSnapshot(ctx, request.accountId)
    await one(request.accountId)
  } else
    for await (const page of pagesOf(
      (place) => ctx.store.accounts.list(place),
      (id) => id,
    ))
      await inParallel(page, accountsAtOnce, one)
  return { ...counts, failures }
}

async function promoteOne(
  ctx: BillingContext,
  provider: Able<'metering'>,
  id: string,
): Promise<'promoted' | 'unchanged'> {
  const { account, now } = await requireSnapshot(ctx, id)
  const isPlanned = account.collectors.some(({ from }) => from > now)
  const present = isPlanned ? account.collectors.at(-1)?.provider : collectorAt(ctx.rules, account, now)
  // Repeated for those that are done: what they subscribed to may have changed meanwhile.
  await arrangeCollection(ctx, provider, account, now)
  if (present === provider.id) return 'unchanged'
  const entryId = ctx.newId('ent')
  const reason = `collected by ${provider.id} from the next period on`
  await submit(ctx, {
    kind: 'change_terms',
    accountId: id,
    id: entryId,
    key: `promote:${entryId}`,
    // A key of its own: moving back and forth is not a repeat, and who collects already is passed over.
    dedupe: dedupeOf(id, 'promote', entryId),
    fingerprint: fingerprintOf({ collector: provider.id }),
    zone: undefined,
    terms: undefined,
    autoTopUp: undefined,
    collector: provider.id,
    reason,
  })
  return 'promoted'
}

/** Who collects for an account, and who is to from its next period on. */
export interface CollectorView {
  /** `null` where nobody does. */
  readonly provider: string | null
  readonly next: { readonly provider: string; readonly at: Date } | null
}

/** @throws BillingError `not_found` */
export async function getCollector(ctx: BillingContext, input: { readonly accountId: string }): Promise<CollectorView> {
  const { account, now } = await requireSnapshot(ctx, parse(accountSchema, input).accountId)
  const next = account.collectors.find(({ from }) => from > now)
  return {
    provider: collectorAt(ctx.rules, account, now),
    next: next ? { provider: next.provider, at: new Date(next.from) } : null,
  }
}
