import * as z from 'zod'
import { invalidRequest } from './errors.js'
import { count, text } from './form.js'
import { route } from './route.js'
import { matched, parseQuery } from './search.js'
import { seconds } from './world.js'

/** What can be searched, in which table, by which fields. */
const searchable = {
  charges: ['amount', 'created', 'currency', 'customer', 'disputed', 'metadata', 'refunded', 'status'],
  customers: ['created', 'email', 'metadata', 'name', 'phone'],
  invoices: ['created', 'currency', 'customer', 'metadata', 'number', 'receipt_number', 'status', 'total'],
  payment_intents: ['amount', 'created', 'currency', 'customer', 'metadata', 'status'],
  prices: ['active', 'currency', 'lookup_key', 'metadata', 'product', 'type'],
  products: ['active', 'description', 'metadata', 'name', 'shippable', 'url'],
  subscriptions: ['canceled_at', 'created', 'metadata', 'status'],
} as const

/** How long it takes until something new is found. */
const indexSeconds = 60

export const searchRoutes = Object.entries(searchable).map(([noun, fields]) =>
  route(
    `GET /v1/${noun}/search`,
    z.strictObject({ query: text, limit: count.optional(), page: text.optional() }),
    ({ world, params }) => {
      const limit = params.limit ?? 10
      if (limit < 1 || limit > 100)
        throw invalidRequest('Invalid limit: must be between 1 and 100.', { param: 'limit' })
      const from = params.page === undefined ? 0 : Number(Buffer.from(params.page, 'base64url').toString())
      if (!Number.isSafeInteger(from) || from < 0) throw invalidRequest('Invalid page.', { param: 'page' })
      const matches = parseQuery(params.query, fields)
      const now = seconds(world)
      const found = [...world.journal.table<Readonly<Record<string, unknown>>>(`stripe.${noun}`).values()]
        .filter((row) => Number(row.created) <= now - indexSeconds && matches(row))
        .reverse()
      const more = from + limit < found.length
      return {
        object: 'search_result',
        url: `/v1/${noun}/search`,
        has_more: more,
        [matched]: found.length,
        next_page: more ? Buffer.from(String(from + limit)).toString('base64url') : null,
        data: found.slice(from, from + limit),
      }
    },
  ),
)
