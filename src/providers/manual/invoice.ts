import type { PlanInterval } from '../../core/domain/catalog.js'
import type { InvoiceStatus } from '../../core/domain/invoice.js'
import type { Money } from '../../core/domain/money.js'
import { type Instant, periodAt } from '../../core/domain/period.js'
import { BillingError } from '../../core/errors.js'
import type { Invoice } from '../../core/ports/capabilities/invoices.js'
import type { Kept } from './archive.js'

/** An invoice as it is kept. */
export interface KeptInvoice extends Kept {
  readonly kind: 'invoice'
  readonly status: 'draft' | 'open' | 'paid' | 'uncollectible' | 'void'
  readonly number: string | null
  readonly currency: string
  readonly lines: readonly { readonly description: string; readonly quantity: string | null; readonly nanos: bigint }[]
  readonly taxes: readonly { readonly name: string; readonly rate: string; readonly nanos: bigint }[]
  readonly seller: readonly string[]
  readonly buyer: readonly string[]
  readonly description: string | null
  readonly intentId: string | null
  /** The plan it sells, for one interval from when it is paid. */
  readonly sells: { readonly plan: string; readonly interval: PlanInterval; readonly seats: number } | null
  readonly paidNanos: bigint
  /** Payments that wait for approval. */
  readonly waiting: readonly string[]
  readonly url: string
  readonly createdAt: Instant
  readonly finalizedAt: Instant | null
  readonly dueAt: Instant | null
  readonly paidAt: Instant | null
  /** When the plan that it sold was ended before its time; not there where it was not. */
  readonly endedAt?: Instant
}

/** @throws BillingError `not_found` */
export function expectInvoice(found: KeptInvoice | null, id: string): KeptInvoice {
  if (found) return found
  throw new BillingError('not_found', `There is no invoice ${id}.`)
}

export function subtotalOf({ lines }: Pick<KeptInvoice, 'lines'>): bigint {
  return lines.reduce((sum, { nanos }) => sum + nanos, 0n)
}

export function totalOf(invoice: Pick<KeptInvoice, 'lines' | 'taxes'>): bigint {
  return invoice.taxes.reduce((sum, { nanos }) => sum + nanos, subtotalOf(invoice))
}

/** What is still to be paid of one that can be paid. */
export function owedOf(invoice: KeptInvoice): bigint {
  return totalOf(invoice) - invoice.paidNanos
}

/** The period that a paid invoice gives its plan for; `null` where it sells none or is not paid. */
export function periodOf({ sells, paidAt }: KeptInvoice) {
  if (sells === null || paidAt === null) return null
  return periodAt(paidAt, { anchor: paidAt, zone: 'UTC', interval: sells.interval })
}

export function statusOf({ status, dueAt }: KeptInvoice, now: Instant): InvoiceStatus {
  return status === 'open' && dueAt !== null && dueAt <= now ? 'past_due' : status
}

/** The subscription that a paid invoice is; it bears the invoice's own id. */
export function subscriptionIdOf(invoice: KeptInvoice): string | null {
  return periodOf(invoice) === null ? null : invoice.id.replace(/^inv_/, 'sub_')
}

/** In the words of the port. */
export function toInvoice(invoice: KeptInvoice, now: Instant): Invoice {
  const { id, number, party, currency, description, intentId, url, createdAt, finalizedAt, dueAt, paidAt } = invoice
  const money = (nanos: bigint): Money => ({ currency, nanos })
  const period = periodOf(invoice)
  return {
    externalId: id,
    number,
    customerId: party,
    subscriptionId: subscriptionIdOf(invoice),
    status: statusOf(invoice, now),
    subtotal: money(subtotalOf(invoice)),
    discount: money(0n),
    tax: money(totalOf(invoice) - subtotalOf(invoice)),
    total: money(totalOf(invoice)),
    creditsApplied: money(0n),
    amountDue: money(invoice.status === 'open' || invoice.status === 'draft' ? owedOf(invoice) : 0n),
    amountPaid: money(invoice.paidNanos),
    lines: invoice.lines.map(({ description: text, quantity, nanos }) => ({
      description: text,
      quantity,
      amount: money(nanos),
      startsAt: period?.startsAt ?? null,
      endsAt: period?.endsAt ?? null,
      isProration: false,
    })),
    taxes: invoice.taxes.map(({ name, rate, nanos }) => ({ name, rate, amount: money(nanos) })),
    seller: invoice.seller,
    buyer: invoice.buyer,
    description,
    startsAt: period?.startsAt ?? null,
    endsAt: period?.endsAt ?? null,
    createdAt,
    finalizedAt,
    dueAt,
    paidAt,
    nextAttemptAt: null,
    url,
    intentId,
  }
}
