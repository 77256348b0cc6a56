import * as z from 'zod'
import type { BillingContext } from '../context.js'
import { currentQuota } from '../domain/ledger/current-quota.js'
import { entitlementOf } from '../domain/ledger/entitlement.js'
import type { LedgerSnapshot } from '../domain/ledger/view.js'
import { accountId, accountSchema, parse } from './fields.js'
import { type QuotaView, quotaView } from './quota-view.js'
import { requireSnapshot } from './steps.js'

/** What an account's plan and terms switch on, set, or let it use. */
export type FeatureView =
  | { readonly name: string; readonly type: 'boolean'; readonly enabled: boolean }
  | { readonly name: string; readonly type: 'static'; readonly enabled: true; readonly value: string }
  /** A meter; `enabled` unless its limit is 0. */
  | { readonly name: string; readonly type: 'metered'; readonly enabled: boolean; readonly quota: QuotaView }

const hasFeatureSchema = z.strictObject({ accountId, feature: z.string() })

/**
 * Whether the account has a feature: one that is on or has a value, or a meter that its plan or terms let it use. It does not say
 * whether a meter's quota is used up: that is what `authorize` asks. What nobody knows is `false`.
 *
 * @throws BillingError `not_found` (account), `invalid_request`
 */
export async function hasFeature(
  ctx: BillingContext,
  input: { readonly accountId: string; readonly feature: string },
): Promise<boolean> {
  const request = parse(hasFeatureSchema, input)
  const features = featuresOf(ctx, await requireSnapshot(ctx, request.accountId))
  return features.some(({ name, enabled }) => name === request.feature && enabled)
}

/**
 * The features of the account by name: those of its plan, with what was agreed with the account in their place.
 *
 * @throws BillingError `not_found`
 */
export async function listFeatures(
  ctx: BillingContext,
  input: { readonly accountId: string },
): Promise<readonly FeatureView[]> {
  const request = parse(accountSchema, input)
  return featuresOf(ctx, await requireSnapshot(ctx, request.accountId))
}

function featuresOf(ctx: BillingContext, { account, counters, now }: LedgerSnapshot): readonly FeatureView[] {
  const set = new Map([
    ...(ctx.catalog.plans.get(account.plan)?.features ?? []),
    ...Object.entries(account.terms?.features ?? {}),
  ])
  const named = [...set].map(([name, value]): FeatureView => {
    if (typeof value === 'boolean') return { name, type: 'boolean', enabled: value }
    return { name, type: 'static', enabled: true, value }
  })
  const metered = [...ctx.catalog.meters.keys()].flatMap((name): FeatureView[] => {
    const entitlement = entitlementOf(ctx.catalog, account, name)
    if (!entitlement || set.has(name)) return []
    const quota = quotaView(currentQuota(ctx.catalog, account, counters, name, now))
    return [{ name, type: 'metered', enabled: entitlement.limit !== 0n, quota }]
  })
  return [...named, ...metered].sort((left, right) => (left.name < right.name ? -1 : 1))
}
