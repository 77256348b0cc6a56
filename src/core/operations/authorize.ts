import * as z from 'zod'
import type { Catalog, MeterName } from '../catalog.js'
import type { BillingContext } from '../context.js'
import { scopesOf } from '../domain/budget.js'
import type { Gate } from '../domain/ledger/entitlement.js'
import type { Balance, UsageSource } from '../domain/ledger/outcome.js'
import { type ErrorCode, errorStatus, invariant } from '../errors.js'
import { type AttributionInput, attributionFields, dimensionsOf } from './attribution.js'
import { accountId, meterName, parse } from './fields.js'
import { type MeasureInput, measureFields } from './measure.js'
import { type QuotaView, quotaView } from './quota-view.js'
import { rate } from './rate.js'
import { errorOf, type GateDetails, type RemedyView, remedyView } from './refusal.js'

/** Usage to ask about. */
export interface AuthorizeInput<C extends Catalog = Catalog> extends MeasureInput, AttributionInput {
  readonly accountId: string
  readonly meter: MeterName<C>
}

/** Whether usage would be let through; a refusal names what would help. */
export type Authorization =
  | { readonly allowed: true; readonly source: UsageSource; readonly balance: Balance; readonly quota: QuotaView }
  | {
      readonly allowed: false
      readonly reason: Gate
      readonly message: string
      /** The status an HTTP API would answer. */
      readonly httpStatus: number
      /** When the same request may pass by itself. */
      readonly retryAt: Date | null
      readonly remedies: readonly RemedyView[]
      readonly balance: Balance
      readonly quota: QuotaView
    }

const authorizeSchema = z.strictObject({ accountId, meter: meterName, ...measureFields, ...attributionFields })

/**
 * Asks whether usage would be let through, without reserving anything. A refusal counts as a throttled attempt on the quota.
 *
 * @throws BillingError `not_found`, and for input as `recordUsage`
 */
export async function authorize<C extends Catalog>(
  ctx: BillingContext,
  input: AuthorizeInput<C>,
): Promise<Authorization> {
  const request = parse(authorizeSchema, input)
  const usage = rate(ctx.catalog, request.meter, request, ctx.environment.now())
  const outcome = await ctx.ledger.submit({
    kind: 'authorize',
    accountId: request.accountId,
    id: ctx.newId('clm'),
    usage,
    budgets: scopesOf(dimensionsOf(request), ctx.catalog.budgetDimensions),
  })
  if (outcome.status !== 'refused') {
    invariant(outcome.result.kind === 'authorize', 'authorize answered another result')
    return {
      allowed: true,
      source: outcome.result.source,
      balance: outcome.result.balance,
      quota: quotaView(outcome.result.quota),
    }
  }
  ctx.wake()
  const { reason, balance, quota, remedies } = outcome.details as Partial<GateDetails>
  const { retryAt } = outcome.details
  if (!reason || !quota || !balance) throw errorOf(outcome)
  return {
    allowed: false,
    reason,
    message: outcome.message,
    httpStatus: reason === 'suspended' ? 403 : (errorStatus[outcome.code as ErrorCode] ?? 500),
    retryAt: typeof retryAt === 'string' ? new Date(retryAt) : null,
    remedies: (remedies ?? []).map(remedyView),
    balance,
    quota: quotaView(quota),
  }
}
