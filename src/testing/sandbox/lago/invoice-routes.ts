import * as z from 'zod'
import { doLater, isWaiting } from './background.js'
import { customerOf } from './customers.js'
import { invalid, notAllowed, notFound } from './errors.js'
import { isBeingPaid, markPaid } from './invoice-collection.js'
import { finalize, refresh } from './invoice-making.js'
import { giveBackTaken } from './invoice-void.js'
import {
  emitInvoice,
  invoiceOf,
  invoices,
  type LagoInvoice,
  putInvoice,
  shownInvoice,
  shownInvoiceRow,
} from './invoices.js'
import { paymentLink } from './payment-link.js'
import { noBody, paged, route, wrapped } from './route.js'
import { isoTime, type LagoWorld, newLagoId } from './world.js'

/** How long it takes to write a PDF. */
const pdfDelayMs = 300

const updateShape = z.object({
  payment_status: z.enum(['pending', 'succeeded', 'failed']).optional(),
  metadata: z
    .array(z.object({ id: z.string().optional(), key: z.string().max(20), value: z.string().max(255) }))
    .max(5)
    .optional(),
})
const retryShape = z
  .object({
    payment_method: z
      .object({
        payment_method_type: z.enum(['provider', 'manual']).optional(),
        payment_method_id: z.string().optional(),
      })
      .optional(),
  })
  .optional()

export const invoiceRoutes = [
  route('GET /invoices', noBody, ({ world, query }) => list(world, query, query.get('external_customer_id'))),
  route('GET /customers/:customer/invoices', noBody, ({ world, path, query }) =>
    list(world, query, customerOf(world, path.customer ?? '').external_id),
  ),
  route('GET /invoices/:id', noBody, ({ world, path }) => answer(world, invoiceOf(world, path.id ?? ''))),
  route('PUT /invoices/:id', wrapped('invoice', updateShape), ({ world, path, body: { invoice: given } }) => {
    const before = invoiceOf(world, path.id ?? '')
    if (given.payment_status !== undefined && before.status === 'draft')
      throw notAllowed('payment_status_update_on_draft_invoice')
    const named =
      given.metadata === undefined
        ? before
        : putInvoice(world, { ...before, metadata: metadataOf(world, before, given.metadata) })
    if (given.payment_status === undefined || given.payment_status === named.payment_status) return answer(world, named)
    if (given.payment_status === 'succeeded') return answer(world, markPaid(world, named))
    const after = putInvoice(world, { ...named, payment_status: given.payment_status, paidAtMs: null })
    emitInvoice(world, 'invoice.payment_status_updated', after)
    return answer(world, after)
  }),
  // The file is written after the answer, which is empty until then.
  route('POST /invoices/:id/download', noBody, ({ world, path }) => {
    const invoice = invoiceOf(world, path.id ?? '')
    if (invoice.status === 'draft') throw notFound('invoice')
    if (invoice.hasFile) return answer(world, invoice)
    if (!isWaiting(world, 'generate_pdf', invoice.lago_id))
      doLater(world, 'generate_pdf', invoice.lago_id, { delayMs: pdfDelayMs })
    return undefined
  }),
  route('PUT /invoices/:id/finalize', noBody, ({ world, path }) => {
    const draft = invoiceOf(world, path.id ?? '')
    if (draft.status !== 'draft') throw notFound('invoice')
    return answer(world, finalize(world, draft, world.now()))
  }),
  route('PUT /invoices/:id/refresh', noBody, ({ world, path }) => {
    const draft = invoiceOf(world, path.id ?? '')
    return answer(world, draft.status === 'draft' ? refresh(world, draft) : draft)
  }),
  route('POST /invoices/:id/void', z.unknown(), ({ world, path }) => {
    const invoice = invoiceOf(world, path.id ?? '')
    if (invoice.status !== 'finalized' || invoice.payment_status === 'succeeded') throw notAllowed('not_voidable')
    giveBackTaken(world, invoice)
    const voided = putInvoice(world, { ...invoice, status: 'voided', overdue: false })
    emitInvoice(world, 'invoice.voided', voided)
    return answer(world, voided)
  }),
  route('POST /invoices/:id/lose_dispute', noBody, ({ world, path }) => {
    const invoice = invoiceOf(world, path.id ?? '')
    if (invoice.status === 'draft') throw notAllowed('not_disputable')
    const lost = putInvoice(world, {
      ...invoice,
      disputeLostAtMs: invoice.disputeLostAtMs ?? world.now(),
      overdue: false,
    })
    emitInvoice(world, 'invoice.payment_dispute_lost', lost)
    return answer(world, lost)
  }),
  route('POST /invoices/:id/retry_payment', retryShape, ({ world, path, body }) => {
    const invoice = invoiceOf(world, path.id ?? '')
    if (invoice.status !== 'finalized' || invoice.payment_status === 'succeeded') throw notAllowed('invalid_status')
    if (isBeingPaid(world, invoice.lago_id)) throw notAllowed('payment_processor_is_currently_handling_payment')
    doLater(world, 'collect', invoice.lago_id, { detail: body?.payment_method?.payment_method_id ?? null })
    return undefined
  }),
  route('POST /invoices/:id/payment_url', noBody, ({ world, path }) => {
    const invoice = invoiceOf(world, path.id ?? '')
    const customer = customerOf(world, invoice.external_customer_id)
    const link = paymentLink(customer)
    if (link === null) throw invalid({ base: ['no_linked_payment_provider'] })
    if (link.provider === 'gocardless') throw invalid({ base: ['invalid_payment_provider'] })
    if (invoice.status !== 'finalized' || invoice.payment_status === 'succeeded')
      throw invalid({ base: ['invalid_invoice_status_or_payment_status'] })
    if (isBeingPaid(world, invoice.lago_id))
      throw invalid({ base: ['payment_processor_is_currently_handling_payment'] })
    return {
      invoice_payment_details: {
        lago_customer_id: customer.lago_id,
        lago_invoice_id: invoice.lago_id,
        external_customer_id: customer.external_id,
        payment_provider: link.provider,
        payment_url: world.pageUrl(`/lago/pay/${invoice.lago_id}`),
      },
    }
  }),
]

function list(world: LagoWorld, query: URLSearchParams, customerId: string | null) {
  const statuses = [...query.getAll('statuses[]'), ...query.getAll('status')]
  const paymentStatuses = [...query.getAll('payment_statuses[]'), ...query.getAll('payment_status')]
  const wanted = (name: string) => query.get(name)
  const metadata = [...query].flatMap(([name, value]) => {
    const [, key] = /^metadata\[(.+)\]$/.exec(name) ?? []
    return key === undefined ? [] : [{ key, value }]
  })
  const rows = [...invoices(world).values()]
    .reverse()
    .filter(
      (invoice) =>
        (customerId === null || invoice.external_customer_id === customerId) &&
        (statuses.length === 0 || statuses.includes(invoice.status)) &&
        (paymentStatuses.length === 0 || paymentStatuses.includes(invoice.payment_status)) &&
        (wanted('invoice_type') === null || wanted('invoice_type') === invoice.type) &&
        (wanted('payment_overdue') === null || wanted('payment_overdue') === String(invoice.overdue)) &&
        (wanted('payment_dispute_lost') === null ||
          wanted('payment_dispute_lost') === String(invoice.disputeLostAtMs !== null)) &&
        metadata.every(({ key, value }) => invoice.metadata.some((each) => each.key === key && each.value === value)),
    )
    .sort((left, right) => right.createdAtMs - left.createdAtMs)
  return paged(
    'invoices',
    rows.map((invoice) => shownInvoiceRow(world, invoice)),
    query,
  )
}

/** The list replaces the one before. */
function metadataOf(
  world: LagoWorld,
  { metadata: before }: LagoInvoice,
  given: readonly { readonly id?: string | undefined; readonly key: string; readonly value: string }[],
): LagoInvoice['metadata'] {
  return given.map(({ id, key, value }) => {
    const known = before.find((each) => each.lago_id === id)
    return { lago_id: known?.lago_id ?? newLagoId(), key, value, created_at: known?.created_at ?? isoTime(world.now()) }
  })
}

function answer(world: LagoWorld, invoice: LagoInvoice) {
  return { invoice: shownInvoice(world, invoice) }
}
