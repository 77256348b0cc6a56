import * as z from 'zod'
import { type BalanceTransaction, balanceTransactions } from './balance-transactions.js'
import { notFound } from './errors.js'
import { currency, isWithin, paging, text, timeRange } from './form.js'
import { listPage, noParameters, route } from './route.js'
import { type StripeWorld, seconds } from './world.js'

export const balanceTransactionRoutes = [
  route(
    'GET /v1/balance_transactions',
    z.strictObject({
      ...paging,
      created: timeRange.optional(),
      currency: currency.optional(),
      source: text.optional(),
      type: text.optional(),
    }),
    ({ world, params }) =>
      listPage(
        '/v1/balance_transactions',
        [...balanceTransactions(world).values()]
          .filter(
            (each) =>
              (params.currency === undefined || params.currency === each.currency) &&
              (params.source === undefined || params.source === each.source) &&
              (params.type === undefined || params.type === each.type) &&
              isWithin(params.created, each.created),
          )
          .map((each) => asItStands(world, each)),
        params,
      ),
  ),
  route('GET /v1/balance_transactions/:id', noParameters, ({ world, path: { id = '' } }) => {
    const found = balanceTransactions(world).get(id)
    if (found === undefined) throw notFound('balance transaction', id)
    return asItStands(world, found)
  }),
]

/** What is pending is available when its day has come. */
function asItStands(world: StripeWorld, transaction: BalanceTransaction): BalanceTransaction {
  return transaction.available_on > seconds(world) ? transaction : { ...transaction, status: 'available' }
}
