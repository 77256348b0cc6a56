import type { BillingContext } from '../context.js'
import { partOf, providerOf } from '../delivery/destination.js'
import type { CreditGrant, GrantKind, GrantOrigin } from '../domain/credit-grant.js'
import { dedupeOf } from '../domain/ledger/key.js'
import type { SettledBy } from '../domain/ledger/outcome.js'
import type { LedgerEntry } from '../domain/ledger/state.js'
import { collectedFor } from '../domain/ledger/told.js'
import { formatMoney } from '../domain/money.js'
import { formatSparks, type MicroSparks, microPerUnit } from '../domain/sparks.js'
import type { CheckoutIntent, DeliveryState } from '../ports/store.js'
import type { UsageDelivery } from './usage.js'

/** What a payment was, and what of it went back. Amounts are decimal text in its currency. */
export interface ExplainedPayment {
  readonly checkoutId: string
  readonly provider: string
  /** The provider's id of the page it was paid on. */
  readonly externalId: string | null
  readonly status: CheckoutIntent['status']
  readonly amount: string
  readonly currency: string
  readonly paidAt: string | null
  /** Refunds and disputes by their id at the provider, with what the payer has or would get back. */
  readonly refunds: readonly { readonly id: string; readonly amount: string }[]
  /** Sparks taken back for them. */
  readonly takenBack: string
}

/** Where credits came from. */
export interface GrantCause {
  /** Bought on a checkout, given with the plan, left over of that, given by hand, an adjustment, or given back by a correction. */
  readonly kind: 'checkout' | 'plan' | 'rollover' | 'hand' | 'adjustment' | 'given_back'
  /** The ledger row that gave them. */
  readonly entryId: string | null
  /** The caller's key, where it was given by hand. */
  readonly key: string | null
  readonly payment: ExplainedPayment | null
}

/** What a row took from one grant; negative for what it put there. */
export interface ExplainedBurn {
  readonly grantId: string
  readonly sparks: string
  readonly kind: GrantKind | null
  readonly origin: GrantOrigin | null
  readonly reason: string | null
  readonly cause: GrantCause | null
}

/** How a provider was told. Sparks are decimal text. */
export interface ExplainedDelivery {
  readonly provider: string
  /** `shadow`: as usage that another provider collects. */
  readonly as: 'metering' | 'shadow' | 'tracing'
  readonly status: UsageDelivery
  /** `null` where all of it is carried to the next. */
  readonly id: string | null
  /** Whole Sparks of the delivery; for metering only. */
  readonly wholeSparks: string | null
  /** How many events it is for, and what those come to. */
  readonly events: number
  readonly sparks: string | null
  /** What of that was carried to the next delivery; negative: so much was carried in. */
  readonly carried: string | null
  readonly attempts: number
  readonly error: string | null
}

/** The balance around a row, in Sparks as decimal text. */
export interface ExplainedBalance {
  readonly before: string
  readonly after: string
}

/** Moments are RFC 3339 text. */
export function moment(at: number): string {
  return new Date(at).toISOString()
}

export function optionalMoment(at: number | null): string | null {
  return at === null ? null : moment(at)
}

export function sparksByName(amounts: SettledBy): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(amounts).map(([name, amount]) => [name, formatSparks(amount)]))
}

export function explainBalance({ balanceAfter, amount }: LedgerEntry): ExplainedBalance {
  return { before: formatSparks(balanceAfter - amount), after: formatSparks(balanceAfter) }
}

/** What a row took from which grants, with where each came from. */
export async function explainBurns(ctx: BillingContext, { accountId, burns }: LedgerEntry) {
  return Promise.all(
    burns.map(async ({ grantId, amount }): Promise<ExplainedBurn> => {
      const grant = await ctx.store.ledger.grant(accountId, grantId)
      const { kind, origin, reason } = grant ?? { kind: null, origin: null, reason: null }
      const cause = grant && (await causeOf(ctx, grant))
      return { grantId, sparks: formatSparks(amount), kind, origin, reason, cause }
    }),
  )
}

/** The row that opened a grant, as far as the grant's id tells. */
async function openingRow({ store }: BillingContext, { accountId, id }: CreditGrant): Promise<LedgerEntry | null> {
  const rest = id.replace(/^grt_/, '')
  for (const candidate of [id, rest, `ent_${rest}`]) {
    const row = await store.ledger.entry(accountId, candidate)
    if (row) return row
  }
  return null
}

/** Where a grant came from. */
export async function causeOf(ctx: BillingContext, grant: CreditGrant): Promise<GrantCause> {
  const row = await openingRow(ctx, grant)
  const entryId = row?.id ?? null
  const because = (kind: GrantCause['kind'], more: Partial<GrantCause> = {}) => ({
    kind,
    entryId,
    key: null,
    payment: null,
    ...more,
  })
  if (grant.origin !== 'once') return because(grant.origin)
  if (row?.operation === 'grant') {
    const checkoutId = row.key.replace(/^checkout:/, '')
    // A key of the app's own may read the same: what was bought has its key in another namespace.
    const isPurchase = row.dedupe === dedupeOf(grant.accountId, 'purchase', checkoutId)
    if (!isPurchase) return because('hand', { key: row.key })
    return because('checkout', { payment: await explainPayment(ctx, grant.accountId, checkoutId) })
  }
  return because(row?.operation === 'adjust' && row.corrects === null ? 'adjustment' : 'given_back')
}

/** What is known of the payment of a checkout of this account. */
export async function explainPayment(
  { store }: BillingContext,
  accountId: string,
  checkoutId: string,
): Promise<ExplainedPayment | null> {
  const [intent, payment] = await Promise.all([
    store.intents.get(accountId, checkoutId),
    store.ledger.payment(accountId, checkoutId),
  ])
  if (!intent) return null
  const { provider, externalId, status, currency, amountNanos, completedAt } = intent
  const refunds = Object.entries(payment?.facts ?? {})
  return {
    checkoutId,
    provider,
    externalId,
    status,
    amount: formatMoney({ currency, nanos: amountNanos }),
    currency,
    paidAt: optionalMoment(completedAt),
    refunds: refunds.map(([id, { nanos }]) => ({ id, amount: formatMoney({ currency, nanos }) })),
    takenBack: formatSparks(payment?.reversed ?? 0n),
  }
}

/** How each destination was told of a row of usage. */
export async function explainDeliveries(ctx: BillingContext, row: LedgerEntry): Promise<readonly ExplainedDelivery[]> {
  return Promise.all(
    Object.entries(row.deliveries).map(async ([destination, id]): Promise<ExplainedDelivery> => {
      const delivery = id === null ? null : await ctx.store.outbox.delivery(row.accountId, id)
      if (delivery) return explainDelivery(delivery)
      const sparks = formatSparks(sparksFor(row, destination))
      return {
        ...namesOf(destination),
        status: id === null ? 'carried' : 'queued',
        id,
        wholeSparks: id === null ? '0' : null,
        events: 1,
        sparks,
        carried: id === null ? sparks : null,
        attempts: 0,
        error: null,
      }
    }),
  )
}

/** One delivery to a provider. */
export function explainDelivery(delivery: DeliveryState): ExplainedDelivery {
  const { id, destination, kind, status, attempts, error, entries } = delivery
  const isMetering = kind === 'metering'
  const sparks = entries.reduce((sum, entry) => sum + sparksFor(entry, destination), 0n)
  return {
    ...namesOf(destination),
    status: status === 'pending' ? 'queued' : status,
    id,
    wholeSparks: isMetering ? delivery.sparks.toString() : null,
    events: entries.length,
    sparks: isMetering ? formatSparks(sparks) : null,
    carried: isMetering ? formatSparks(carriedBy(delivery)) : null,
    attempts,
    error,
  }
}

/** What a delivery for metering leaves to the next, or takes from what was left; less than one Spark either way. */
export function carriedBy({ entries, destination, sparks }: DeliveryState): MicroSparks {
  return entries.reduce((sum, entry) => sum + sparksFor(entry, destination), 0n) - sparks * microPerUnit
}

function namesOf(destination: string) {
  return { provider: providerOf(destination), as: partOf(destination) }
}

/** What a destination is told of a row: what is collected of it afterwards, by it or by another; or all of it. */
function sparksFor({ usage }: LedgerEntry, destination: string): MicroSparks {
  return (usage && collectedFor(usage.settledBy, destination)) ?? usage?.sparks ?? 0n
}
