import { fromMinor, type Money, toMinor } from '../../core/domain/money.js'
import type { Instant } from '../../core/domain/period.js'
import { BillingError } from '../../core/errors.js'
import type { Archive, Kept } from './archive.js'
import { expectInvoice, type KeptInvoice, subtotalOf, totalOf } from './invoice.js'
import { type TaxRate, taxesOn } from './taxes.js'

/** Whom an invoice is for, as it is printed. */
export interface Buyer {
  /** Name and address, a line each. */
  readonly lines: readonly string[]
  /** Taxes for this buyer; without them those of the provider. */
  readonly taxes?: readonly TaxRate[]
}

/** How invoices are made. */
export interface IssueRules {
  readonly seller: readonly string[]
  readonly taxes: readonly TaxRate[]
  readonly dueDays: number
  readonly now: () => Instant
  buyer(accountId: string): Buyer | Promise<Buyer>
  /** Numbers of a series rise by one without gaps. */
  series(at: Date): string
  invoiceUrl(invoiceId: string): string | null
}

/** What is to be invoiced. */
export interface InvoiceOrder {
  /** Makes one invoice, however often it is ordered. */
  readonly key: string
  readonly accountId: string
  readonly customerId: string
  readonly intentId: string | null
  readonly description: string | null
  readonly lines: readonly { readonly description: string; readonly quantity: string | null; readonly amount: Money }[]
  readonly currency: string
  readonly sells: KeptInvoice['sells']
  readonly isDraft: boolean
  /** Where the invoice is looked at, unless there are pages of invoices. */
  readonly fallbackUrl: string | null
}

const dayMs = 86_400_000

export type Issue = ReturnType<typeof issuing>

/** Makes invoices, and makes drafts final. */
export function issuing(archive: Archive, rules: IssueRules) {
  return {
    async create(order: InvoiceOrder): Promise<KeptInvoice> {
      for (const { amount } of order.lines) checkWhole(amount)
      const id = archive.idOf('inv', order.key)
      const { lines: buyer, taxes = rules.taxes } = await rules.buyer(order.accountId)
      const lines = order.lines.map(({ amount, ...line }) => ({ ...line, nanos: amount.nanos }))
      const { currency, description, intentId, sells } = order
      const draft = {
        ...({ id, kind: 'invoice', party: order.customerId, status: 'draft', number: null } as const),
        ...{ currency, lines, taxes: taxesOn(subtotalOf({ lines }), currency, taxes), seller: rules.seller, buyer },
        ...{ description, intentId, sells, paidNanos: 0n, waiting: [] },
        ...{ url: rules.invoiceUrl(id) ?? order.fallbackUrl ?? '', createdAt: rules.now() },
        ...{ finalizedAt: null, dueAt: null, paidAt: null },
      }
      checkStorable(draft)
      return archive.change(async (read) => {
        const known = await read<KeptInvoice>('invoice', id)
        if (known) return { answer: known, writes: [] }
        if (order.isDraft) return { answer: draft, writes: [draft] }
        const { invoice, series } = await numbered(read, draft)
        return { answer: invoice, writes: [series, invoice] }
      })
    },

    /** @throws BillingError `not_found`, `invalid_state` */
    finalize(id: string): Promise<KeptInvoice> {
      return archive.change(async (read) => {
        const known = expectInvoice(await read<KeptInvoice>('invoice', id), id)
        if (known.status === 'void') throw new BillingError('invalid_state', `Invoice ${id} is void.`)
        if (known.status !== 'draft') return { answer: known, writes: [] }
        const { invoice, series } = await numbered(read, known)
        return { answer: invoice, writes: [series, invoice] }
      })
    },
  }

  /** The number is written with the invoice that bears it, so none is lost and none is given twice. */
  async function numbered(read: Parameters<Parameters<Archive['change']>[0]>[0], draft: KeptInvoice) {
    const at = rules.now()
    const name = rules.series(new Date(at))
    const id = `series:${name}`
    const last = (await read<Series>('series', id))?.last ?? 0
    const series: Series = { id, kind: 'series', party: name, last: last + 1 }
    const number = `${name}-${String(last + 1).padStart(6, '0')}`
    // What costs nothing is paid.
    const isPaid = draft.lines.every(({ nanos }) => nanos === 0n)
    const standing = isPaid ? ({ status: 'paid', paidAt: at } as const) : ({ status: 'open' } as const)
    const invoice = { ...draft, ...standing, number, finalizedAt: at, dueAt: at + rules.dueDays * dayMs }
    return { invoice, series }
  }
}

interface Series extends Kept {
  readonly kind: 'series'
  readonly last: number
}

/** What the ledger cannot write down once it is paid is not sold. @throws BillingError `amount_out_of_range` */
function checkStorable(invoice: KeptInvoice): void {
  if (totalOf(invoice) < 2n ** 63n) return
  throw new BillingError('amount_out_of_range', 'With its taxes it costs more than can be stored.')
}

/** @throws BillingError `invalid_amount` */
export function checkWhole(amount: Money): void {
  if (fromMinor(toMinor(amount, 'floor'), amount.currency).nanos === amount.nanos) return
  throw new BillingError('invalid_amount', `Nobody can pay a part of the smallest coin of ${amount.currency}.`)
}
