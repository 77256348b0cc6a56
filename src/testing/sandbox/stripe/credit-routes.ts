import * as z from 'zod'
import {
  balanceOf,
  type CreditGrant,
  createGrant,
  creditGrants,
  creditTransactions,
  expireGrant,
  isUsable,
  moneyOf,
  updateGrant,
  voidGrant,
} from './credit-grants.js'
import { requireCustomer } from './customers.js'
import { invalidRequest, missingParameter, noSuch, notFound } from './errors.js'
import { clearable, count, currency, list, mergeMetadata, metadata, paging, text } from './form.js'
import { prices } from './prices.js'
import { listPage, noParameters, route } from './route.js'
import { clockOf } from './test-clocks.js'
import { type StripeWorld, seconds } from './world.js'

const usualPriority = 50
const mostUnused = 100

const scope = z.strictObject({
  price_type: z.literal('metered').optional(),
  prices: list(z.strictObject({ id: text })).optional(),
})

export const creditRoutes = [
  route(
    'POST /v1/billing/credit_grants',
    z.strictObject({
      customer: text.optional(),
      amount: z.strictObject({
        type: z.literal('monetary'),
        monetary: z.strictObject({ currency, value: count }),
      }),
      applicability_config: z.strictObject({ scope }),
      category: z.enum(['paid', 'promotional']).optional(),
      effective_at: count.optional(),
      expires_at: count.optional(),
      name: text.optional(),
      priority: count.optional(),
      metadata,
    }),
    ({ world, params }) => {
      if (params.customer === undefined) throw missingParameter('customer')
      const customer = requireCustomer(world, params.customer)
      const own = clockOf(world, customer)
      const { value, currency: of } = params.amount.monetary
      if (value === 0) throw invalidRequest('The amount must be greater than 0.', { param: 'amount[monetary][value]' })
      if ((params.priority ?? usualPriority) > 100) {
        throw invalidRequest('priority must be between 0 and 100.', { param: 'priority' })
      }
      checkScope(world, params.applicability_config.scope)
      checkExpiry(own, params.effective_at ?? seconds(own), params.expires_at ?? null)
      const unused = [...creditGrants(world).values()].filter(
        (grant) => grant.customer === customer.id && isUsable(own, grant) && balanceOf(world, grant) > 0,
      )
      if (unused.length >= mostUnused) {
        throw invalidRequest(`A customer can have at most ${mostUnused} unused credit grants.`, { param: 'customer' })
      }
      return createGrant(own, {
        customer: customer.id,
        value,
        currency: of,
        category: params.category ?? 'paid',
        effectiveAt: params.effective_at ?? null,
        expiresAt: params.expires_at ?? null,
        metadata: params.metadata ?? {},
        name: params.name ?? null,
        priority: params.priority ?? usualPriority,
        prices: params.applicability_config.scope.prices?.map(({ id }) => id) ?? null,
      })
    },
  ),
  route(
    'GET /v1/billing/credit_grants',
    z.strictObject({ ...paging, customer: text.optional() }),
    ({ world, params }) =>
      listPage(
        '/v1/billing/credit_grants',
        [...creditGrants(world).values()].filter((grant) => (params.customer ?? grant.customer) === grant.customer),
        params,
      ),
  ),
  route('GET /v1/billing/credit_grants/:id', noParameters, ({ world, path }) => requireGrant(world, path.id)),
  route(
    'POST /v1/billing/credit_grants/:id',
    z.strictObject({ expires_at: clearable(count).optional(), metadata }),
    ({ world, path, params }) => {
      const before = requireGrant(world, path.id)
      const own = clockOf(world, before)
      const expires = params.expires_at === undefined ? before.expires_at : params.expires_at
      if (params.expires_at !== undefined) checkExpiry(own, before.effective_at, expires)
      return updateGrant(own, before, {
        expires_at: expires,
        metadata: mergeMetadata(before.metadata, params.metadata),
      })
    },
  ),
  route('POST /v1/billing/credit_grants/:id/expire', noParameters, ({ world, path }) => {
    const before = requireGrant(world, path.id)
    const own = clockOf(world, before)
    if (!isUsable(own, before)) {
      throw invalidRequest('You can only expire a credit grant that is in effect, and neither expired nor voided.')
    }
    return expireGrant(own, before)
  }),
  route('POST /v1/billing/credit_grants/:id/void', noParameters, ({ world, path }) => {
    const before = requireGrant(world, path.id)
    const own = clockOf(world, before)
    const used = [...creditTransactions(world).values()].some(
      (each) => each.credit_grant === before.id && each.debit !== null,
    )
    if (used || before.voided_at !== null) {
      throw invalidRequest('You can only void a credit grant that was never applied, expired or voided.')
    }
    return voidGrant(own, before)
  }),
  route(
    'GET /v1/billing/credit_balance_summary',
    z.strictObject({
      customer: text.optional(),
      filter: z.strictObject({
        type: z.enum(['applicability_scope', 'credit_grant']),
        applicability_scope: scope.optional(),
        credit_grant: text.optional(),
      }),
    }),
    ({ world, params }) => {
      if (params.customer === undefined) throw missingParameter('customer')
      const { id: customer } = requireCustomer(world, params.customer)
      const { filter } = params
      if (filter.type === 'credit_grant' && filter.credit_grant === undefined) {
        throw missingParameter('filter[credit_grant]')
      }
      if (filter.type === 'applicability_scope') checkScope(world, filter.applicability_scope ?? {})
      const wanted = [...creditGrants(world).values()].filter(
        (grant) =>
          grant.customer === customer &&
          (filter.type === 'credit_grant'
            ? grant.id === filter.credit_grant
            : covers(
                grant,
                filter.applicability_scope?.prices?.map(({ id }) => id),
              )),
      )
      const currencies = [...new Set(wanted.map((grant) => grant.amount.monetary.currency))]
      return {
        object: 'billing.credit_balance_summary',
        balances: currencies.map((of) => {
          const own = wanted.filter((grant) => grant.amount.monetary.currency === of)
          const sum = (grants: readonly CreditGrant[]) =>
            moneyOf(
              of,
              grants.reduce((total, grant) => total + balanceOf(world, grant), 0),
            )
          return {
            available_balance: sum(own.filter((grant) => isUsable(clockOf(world, grant), grant))),
            ledger_balance: sum(own),
          }
        }),
        customer,
        customer_account: null,
        livemode: false,
      }
    },
  ),
  route(
    'GET /v1/billing/credit_balance_transactions',
    z.strictObject({ ...paging, customer: text.optional(), credit_grant: text.optional() }),
    ({ world, params }) =>
      listPage(
        '/v1/billing/credit_balance_transactions',
        [...creditTransactions(world).values()].filter(
          (each) =>
            (params.credit_grant ?? each.credit_grant) === each.credit_grant &&
            (params.customer === undefined || creditGrants(world).get(each.credit_grant)?.customer === params.customer),
        ),
        params,
      ),
  ),
  route('GET /v1/billing/credit_balance_transactions/:id', noParameters, ({ world, path: { id = '' } }) => {
    const found = creditTransactions(world).get(id)
    if (found === undefined) throw notFound('credit_balance_transaction', id)
    return found
  }),
]

function requireGrant(world: StripeWorld, id = ''): CreditGrant {
  const grant = creditGrants(world).get(id)
  if (grant === undefined) throw notFound('credit_grant', id)
  return grant
}

/** Whether a grant pays for all usage, or for the prices asked for. */
function covers({ applicability_config: { scope: own } }: CreditGrant, wanted: readonly string[] | undefined): boolean {
  if (own.prices === undefined) return true
  return wanted?.every((id) => own.prices?.some((price) => price.id === id)) ?? false
}

function checkScope(world: StripeWorld, { price_type: type, prices: named }: z.output<typeof scope>): void {
  if ((type === undefined) === (named === undefined)) {
    throw invalidRequest('Exactly one of price_type and prices is required.', {
      param: 'applicability_config[scope]',
    })
  }
  for (const [index, { id }] of (named ?? []).entries()) {
    const param = `applicability_config[scope][prices][${index}][id]`
    const price = prices(world).get(id)
    if (price === undefined) throw noSuch('price', id, param)
    if (price.recurring?.usage_type === 'metered') continue
    throw invalidRequest('Billing credits can only be applied to metered prices.', { param })
  }
}

function checkExpiry(world: StripeWorld, from: number, until: number | null): void {
  if (until === null || until > Math.max(from, seconds(world))) return
  throw invalidRequest('expires_at must be in the future and after effective_at.', { param: 'expires_at' })
}
