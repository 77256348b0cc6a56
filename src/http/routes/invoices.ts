import { z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import type { InvoiceView } from '../../index.js'
import { type App, type AppEnv, addRoute, type Served } from '../app.js'
import { part } from '../billing.js'
import { json, jsonBody, organizationPath, pageQuery, problems } from '../contract/fields.js'
import { generateInvoiceRequest, invoice, invoicePage, invoicePath, payInvoiceRequest } from '../contract/invoice.js'
import { idempotencyKeyOf } from '../idempotency-key.js'
import { inStates, linkNext, resultsOf } from '../paging.js'
import { places } from '../places.js'
import { RequestError } from '../request-error.js'
import { invoiceJson } from '../wire/invoice.js'
import { invoiceStatusesOf } from '../wire/status.js'

const listQuery = z.strictObject({ ...pageQuery, status: z.string().max(40).optional() })
const read = { scope: 'billing:read', needs: 'invoices' } as const
const pay = { scope: 'billing:pay', needs: 'invoices' } as const

/** Invoices: listed, looked at, paid, made. */
export function addInvoiceRoutes(app: App, served: Served): void {
  const { billing, wire } = served
  const shown = (view: InvoiceView, accountId: string) => {
    const found = invoiceJson(view, accountId, wire)
    if (found) return found
    throw new RequestError('not_found', 'There is no such invoice.')
  }
  const list = async (context: Context<AppEnv>, query: z.output<typeof listQuery>) => {
    const { accountId } = context.var
    const { status, ...asked } = query
    const states = status === undefined ? null : invoiceStatusesOf(wire.statuses, status)
    const read = part(billing, 'listInvoices')
    return inStates({ accountId, ...asked }, states, read, (view) => invoiceJson(view, accountId, wire))
  }

  addRoute(
    app,
    served,
    { ...read, account: 'path' },
    {
      method: 'get',
      path: '/account/{organization_id}/invoices',
      summary: 'The invoices of an account, newest first',
      request: { params: organizationPath, query: listQuery },
      responses: { 200: json(z.array(invoice), 'Invoices; `Link` says where the next are.'), ...problems },
    },
    async (context) => {
      const { items, nextCursor } = await list(context, context.req.valid('query'))
      linkNext(context, nextCursor)
      return context.json([...items], 200)
    },
  )

  addRoute(
    app,
    served,
    { ...read, account: 'own' },
    {
      method: 'get',
      path: '/invoices',
      summary: 'The invoices of the caller’s account, newest first',
      request: { query: listQuery },
      responses: { 200: json(invoicePage, 'A page of invoices.'), ...problems },
    },
    async (context) => {
      return context.json(resultsOf(context, await list(context, context.req.valid('query'))), 200)
    },
  )

  addRoute(
    app,
    served,
    { ...read, account: 'own' },
    {
      method: 'get',
      path: '/invoices/{invoice_id}',
      summary: 'One invoice',
      request: { params: invoicePath },
      responses: { 200: json(invoice, 'The invoice.'), ...problems },
    },
    async (context) => {
      const accountId = context.var.accountId
      const found = await part(billing, 'invoices').get({ accountId, id: context.req.valid('param').invoice_id })
      return context.json(shown(found, accountId), 200)
    },
  )

  addRoute(
    app,
    served,
    { ...pay, account: 'own' },
    {
      method: 'post',
      path: '/invoices/{invoice_id}/pay',
      summary: 'Tries to collect an invoice; a decline leaves it open',
      request: { params: invoicePath, ...jsonBody(payInvoiceRequest) },
      responses: { 200: json(invoice, 'The invoice afterwards.'), ...problems },
    },
    async (context) => {
      const accountId = context.var.accountId
      const { payment_method_id: paymentMethodId } = context.req.valid('json')
      const paid = await part(billing, 'invoices').pay({
        accountId,
        id: context.req.valid('param').invoice_id,
        ...(paymentMethodId == null ? {} : { paymentMethodId }),
      })
      return context.json(shown(paid.invoice, accountId), 200)
    },
  )

  for (const { path, account, params } of places) {
    addRoute(
      app,
      served,
      { ...pay, account },
      {
        method: 'post',
        path: `${path}/invoices/generate`,
        summary: 'Makes an invoice of everything that waits, or answers null',
        request: { params, ...jsonBody(generateInvoiceRequest) },
        responses: {
          200: json(z.union([invoice, z.null()]), 'The invoice, or null where nothing waits.'),
          ...problems,
        },
      },
      async (context) => {
        const accountId = context.var.accountId
        const { description, of } = context.req.valid('json')
        const made = await part(billing, 'invoices').generate({
          accountId,
          idempotencyKey: idempotencyKeyOf(context),
          ...(description === undefined ? {} : { description }),
          ...(of === undefined ? {} : { of }),
        })
        return context.json(made && shown(made, accountId), 200)
      },
    )
  }
}
