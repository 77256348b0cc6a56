import type { Money } from '../../core/domain/money.js'
import type { Instant } from '../../core/domain/period.js'
import { BillingError } from '../../core/errors.js'
import type { PaymentsCapability, ProviderPayment, Refund } from '../../core/ports/capabilities/payments.js'
import type { Archive, Kept } from './archive.js'
import { expectInvoice, type KeptInvoice, owedOf } from './invoice.js'
import { checkWhole } from './issue.js'

/** A payment as it is kept. */
interface KeptPayment extends Kept {
  readonly kind: 'payment'
  readonly status: 'pending_approval' | 'succeeded' | 'failed'
  readonly invoiceId: string
  readonly intentId: string | null
  readonly method: string
  readonly reference: string
  readonly currency: string
  /** What is owed while it waits, then what has come. */
  readonly nanos: bigint
  /** Why it was rejected. */
  readonly reason: string | null
  readonly refunds: readonly { readonly id: string; readonly nanos: bigint; readonly createdAt: Instant }[]
  readonly createdAt: Instant
}

/** That a payment waits for approval, kept where those of all customers are found together. */
interface Waiting extends Kept {
  readonly kind: 'waiting'
  readonly paymentId: string
  readonly isOver: boolean
}

/** No customer has an id like it. */
const everybody = '*'

function waitingFor({ id }: KeptPayment): Waiting {
  return { id: `wait_${id}`, kind: 'waiting', party: everybody, paymentId: id, isOver: false }
}

async function decided(
  read: (kind: 'waiting', id: string) => Promise<Waiting | null>,
  payment: KeptPayment,
): Promise<Waiting> {
  const waiting = waitingFor(payment)
  return { ...((await read('waiting', waiting.id)) ?? waiting), isOver: true }
}

export type ManualPaymentVerbs = Required<Omit<PaymentsCapability, 'charge'>>

/** How payments may come, and what time it is. */
export interface PaymentRules {
  readonly now: () => Instant
  readonly methods: ReadonlySet<string>
}

export function manualPayments(archive: Archive, { now, methods }: PaymentRules): ManualPaymentVerbs {
  return {
    async list({ customerId, status, ...page }) {
      const fits = (payment: KeptPayment) => status === undefined || toPayment(payment).status === status
      const { items, next } = await archive.list<KeptPayment>('payment', customerId, page, fits)
      return { items: items.map(toPayment), next }
    },
    async get(externalId) {
      return toPayment(found(await archive.get<KeptPayment>('payment', externalId), externalId))
    },
    async reversals(externalId) {
      const payment = found(await archive.get<KeptPayment>('payment', externalId), externalId)
      return { refunds: payment.refunds.map((refund) => toRefund(payment, refund)), disputes: [] }
    },

    async waiting(page) {
      const { items, next } = await archive.list<Waiting>('waiting', everybody, page, ({ isOver }) => !isOver)
      const payments = await Promise.all(items.map((each) => archive.get<KeptPayment>('payment', each.paymentId)))
      // One that was decided on since the list was read waits no more.
      const still = payments.filter((each) => each?.status === 'pending_approval')
      return { items: still.flatMap((each) => (each ? toPayment(each) : [])), next }
    },

    submit({ invoiceId, paymentMethod, reference }) {
      if (!methods.has(paymentMethod)) {
        const offered = [...methods].join(', ')
        throw new BillingError(
          'option_unsupported',
          `Pay by one of ${offered}, not by ${JSON.stringify(paymentMethod)}.`,
        )
      }
      return archive.change(async (read) => {
        // The same transfer cannot pay the same invoice twice. One that was rejected, since it was late, may be told of again.
        let id = ''
        for (let round = 0, isRejected = true; isRejected; round += 1) {
          const again = round === 0 ? '' : `\0${round}`
          id = archive.idOf('pay', `${invoiceId}\0${paymentMethod}\0${reference}${again}`)
          const known = await read<KeptPayment>('payment', id)
          isRejected = known?.status === 'failed'
          if (known && !isRejected) return { answer: toPayment(known), writes: [] }
        }
        const invoice = payable(await read<KeptInvoice>('invoice', invoiceId), invoiceId)
        const payment: KeptPayment = {
          ...({ id, kind: 'payment', party: invoice.party, status: 'pending_approval', invoiceId } as const),
          ...{ intentId: invoice.intentId, method: paymentMethod, reference, currency: invoice.currency },
          ...{ nanos: owedOf(invoice), reason: null, refunds: [], createdAt: now() },
        }
        const writes = [payment, waitingFor(payment), { ...invoice, waiting: [...invoice.waiting, id] }]
        return { answer: toPayment(payment), writes }
      })
    },

    approve({ paymentId, amount }) {
      if (amount) checkWhole(amount)
      return archive.change(async (read) => {
        const payment = found(await read<KeptPayment>('payment', paymentId), paymentId)
        if (payment.status === 'succeeded' && (amount === null || amount.nanos === payment.nanos))
          return { answer: toPayment(payment), writes: [] }
        if (payment.status !== 'pending_approval') throw settled(payment)
        const invoice = payable(await read<KeptInvoice>('invoice', payment.invoiceId), payment.invoiceId)
        const nanos = received(amount, invoice)
        const paidNanos = invoice.paidNanos + nanos
        const isPaid = owedOf(invoice) === nanos
        const standing = isPaid ? ({ status: 'paid', paidAt: now() } as const) : {}
        const approved: KeptPayment = { ...payment, status: 'succeeded', nanos }
        const over = await decided(read, payment)
        const writes = [approved, over, { ...without(invoice, paymentId), ...standing, paidNanos }]
        return { answer: toPayment(approved), writes }
      })
    },

    reject({ paymentId, reason }) {
      return archive.change(async (read) => {
        const payment = found(await read<KeptPayment>('payment', paymentId), paymentId)
        if (payment.status === 'failed') return { answer: toPayment(payment), writes: [] }
        if (payment.status !== 'pending_approval') throw settled(payment)
        const invoice = await read<KeptInvoice>('invoice', payment.invoiceId)
        const rejected: KeptPayment = { ...payment, status: 'failed', reason }
        const writes = [rejected, await decided(read, payment), ...(invoice ? [without(invoice, paymentId)] : [])]
        return { answer: toPayment(rejected), writes }
      })
    },

    refund({ paymentId, amount }, { idempotencyKey }) {
      if (idempotencyKey === undefined)
        throw new BillingError('idempotency_key_required', 'Money is given back under a key.')
      const id = archive.idOf('ref', `${paymentId}\0${idempotencyKey}`)
      return archive.change(async (read) => {
        const payment = found(await read<KeptPayment>('payment', paymentId), paymentId)
        const known = payment.refunds.find((refund) => refund.id === id)
        if (known) return { answer: toRefund(payment, known), writes: [] }
        if (payment.status !== 'succeeded')
          throw new BillingError('invalid_state', `Payment ${paymentId} is ${payment.status}: nothing has come.`)
        const left = payment.nanos - givenBack(payment)
        const nanos = amount === null ? left : amount.nanos
        if (nanos > left || left === 0n)
          throw new BillingError('refund_exceeds_original', `Less is left of payment ${paymentId} than that.`)
        if (amount) checkWhole(amount)
        const refund = { id, nanos, createdAt: now() }
        const after = { ...payment, refunds: [...payment.refunds, refund] }
        return { answer: toRefund(after, refund), writes: [after] }
      })
    },
  }
}

function found(payment: KeptPayment | null, id: string): KeptPayment {
  if (payment) return payment
  throw new BillingError('not_found', `There is no payment ${id}.`)
}

/** @throws BillingError `not_found`, `invalid_request` (it is paid), `invalid_state` */
function payable(kept: KeptInvoice | null, id: string): KeptInvoice {
  const invoice = expectInvoice(kept, id)
  if (invoice.status === 'paid')
    throw new BillingError('invalid_request', `Invoice ${id} is paid already.`, { details: { invoiceId: id } })
  if (invoice.status === 'open' || invoice.status === 'uncollectible') return invoice
  throw new BillingError('invalid_state', `Invoice ${id} is ${invoice.status}: it cannot be paid.`)
}

/** @throws BillingError `currency_mismatch`, `amount_out_of_range` */
function received(amount: Money | null, invoice: KeptInvoice): bigint {
  const owed = owedOf(invoice)
  if (amount === null) return owed
  if (amount.currency !== invoice.currency)
    throw new BillingError('currency_mismatch', `Invoice ${invoice.id} is in ${invoice.currency}.`)
  if (amount.nanos > 0n && amount.nanos <= owed) return amount.nanos
  throw new BillingError('amount_out_of_range', `More than nothing, and at most what is owed, pays ${invoice.id}.`)
}

function settled({ id, status }: KeptPayment): BillingError {
  const how = status === 'failed' ? 'rejected' : 'approved'
  return new BillingError('invalid_state', `Payment ${id} was ${how} already.`, { details: { status } })
}

function without(invoice: KeptInvoice, paymentId: string): KeptInvoice {
  return { ...invoice, waiting: invoice.waiting.filter((id) => id !== paymentId) }
}

function givenBack({ refunds }: KeptPayment): bigint {
  return refunds.reduce((sum, { nanos }) => sum + nanos, 0n)
}

function toPayment(payment: KeptPayment): ProviderPayment {
  const { id, party, status, currency, nanos, method, reference, invoiceId, intentId, createdAt, reason } = payment
  const refunded = givenBack(payment)
  return {
    externalId: id,
    customerId: party,
    status: status === 'succeeded' && refunded === nanos ? 'refunded' : status,
    amount: { currency, nanos },
    refunded: { currency, nanos: refunded },
    description: `${method} ${reference}`,
    invoiceId,
    intentId,
    createdAt,
    failure: reason === null ? null : { reason: 'declined', message: reason },
    receiptUrl: null,
  }
}

function toRefund(
  { id: paymentId, currency }: KeptPayment,
  { id, nanos, createdAt }: KeptPayment['refunds'][number],
): Refund {
  return { externalId: id, paymentId, status: 'succeeded', amount: { currency, nanos }, createdAt }
}
