import type { z } from '@hono/zod-openapi'
import type {
  ExplainedBurn,
  ExplainedEntry,
  ExplainedGrant,
  ExplainedPayment,
  ExplainedRating,
  ExplainedUsage,
} from '../../index.js'
import type { grantExplanation, transactionExplanation, usageExplanation } from '../contract/explanation.js'

type UsageExplanation = z.output<typeof usageExplanation>

/** Usage with what corrects it. What operators alone need, such as a provider's own errors, stays here. */
export function usageExplanationJson(usage: ExplainedUsage): UsageExplanation {
  return { ...stepJson(usage), corrections: usage.corrections.map(stepJson) }
}

/** Another change of the balance. */
export function transactionExplanationJson(entry: ExplainedEntry): z.output<typeof transactionExplanation> {
  const { counterAccount, corrects, correctedBy, payment } = entry
  return {
    kind: 'entry',
    ...rowJson(entry),
    counter_account: counterAccount,
    corrects: corrects?.id ?? null,
    corrected_by: correctedBy.map(({ id }) => id),
    payment: paymentJson(payment),
  }
}

/** Credits that were given: where they came from, and where they went. */
export function grantExplanationJson(grant: ExplainedGrant): z.output<typeof grantExplanation> {
  const { id, grantKind, cause, reason, amount, remaining, grantedAt, expiresAt, burned, burnedBy, agrees } = grant
  return {
    kind: 'grant',
    id,
    grant_kind: grantKind,
    cause: cause.kind,
    description: reason,
    amount,
    remaining,
    granted_at: grantedAt,
    expires_at: expiresAt,
    payment: paymentJson(cause.payment),
    burned: { transactions: burned.rows, sparks: burned.sparks },
    burned_by: burnedBy.map(({ id: row, operation, sparks, recordedAt }) => ({
      id: row,
      transaction_type: operation,
      sparks,
      recorded_at: recordedAt,
    })),
    agrees,
  }
}

function paymentJson(payment: ExplainedPayment | null): z.output<typeof grantExplanation>['payment'] {
  return payment && { amount: payment.amount, currency: payment.currency, paid_at: payment.paidAt }
}

function stepJson(usage: ExplainedUsage): Omit<UsageExplanation, 'corrections'> {
  const { corrects, meter, unit, reported, occurredAt, quantity, included, cost, rating, sparks } = usage
  return {
    kind: 'usage',
    ...rowJson(usage),
    corrects,
    meter,
    unit,
    model: reported.model,
    provider: reported.provider,
    occurred_at: occurredAt,
    reported_quantity: reported.quantity,
    quantity,
    included,
    cost: cost && { amount: cost.costUsd, currency: cost.currency, pools: [...cost.pools] },
    rating: rating && ratingJson(rating),
    sparks,
    settled_by: { ...usage.settledBy },
    deliveries: usage.deliveries.map(({ provider, as, status }) => ({ provider, as, status })),
  }
}

function rowJson(row: ExplainedUsage | ExplainedEntry) {
  return {
    id: row.id,
    transaction_type: row.operation,
    description: row.reason,
    amount: row.amount,
    balance_before: row.balance.before,
    balance_after: row.balance.after,
    burns: row.burns.map(burnJson),
    recorded_at: row.recordedAt,
    agrees: row.agrees,
  }
}

function burnJson({ grantId, kind, reason, sparks }: ExplainedBurn): UsageExplanation['burns'][number] {
  return { grant_id: grantId, kind, reason, sparks }
}

function ratingJson(rating: ExplainedRating): NonNullable<UsageExplanation['rating']> {
  const { rate, from, byUnits, byCost, discount, minimum, period, unrounded, rounding, sparks } = rating
  const { sparks: each = null, per = null } = rate as { readonly sparks?: string; readonly per?: string }
  return {
    mode: rate.mode,
    from,
    by_units: byUnits && { units: byUnits.units, rate: each, per, sparks: byUnits.sparks },
    by_cost: byCost && {
      cost: byCost.costUsd,
      margin: byCost.margin,
      spark_price: byCost.sparkPrice,
      sparks: byCost.sparks,
    },
    discount: discount && { above: discount.above, percent: discount.percent, applied: discount.applied },
    minimum: minimum && { ...minimum },
    period: period && {
      starts_at: period.startsAt,
      ends_at: period.endsAt,
      units_before: period.unitsBefore,
      units_after: period.unitsAfter,
      price_before: period.priceBefore,
      price_after: period.priceAfter,
    },
    unrounded,
    rounding,
    sparks,
  }
}
