import type { Account, PaymentView } from '../../index.js'
import { BillingError } from '../../index.js'
import { type App, addRoute, type Served } from '../app.js'
import type { ServedBilling } from '../billing.js'
import { billingAccount } from '../contract/account.js'
import { json, problems } from '../contract/fields.js'
import type { Identity } from '../identity.js'
import { places } from '../places.js'
import { type AccountFacts, accountJson } from '../wire/account.js'
import { sum } from '../wire/amount.js'

/** The account; made when it is looked at for the first time. */
export function addAccountRoutes(app: App, served: Served): void {
  const { billing, wire } = served
  for (const { path, account, params } of places) {
    addRoute(
      app,
      served,
      { scope: 'billing:read', account },
      {
        method: 'get',
        path: path === '' ? '/account' : path,
        operationId: path === '' ? 'get_own_account' : 'get_account',
        summary: 'The account; made when it is asked for the first time',
        request: { params },
        responses: { 200: json(billingAccount, 'The account.'), ...problems },
      },
      async (context) => {
        const account = await getOrMake(billing, context.var.accountId, context.var.identity)
        return context.json(accountJson(await factsOf(billing, account, wire.meters.workflows), wire), 200)
      },
    )
  }
}

async function getOrMake(billing: ServedBilling, accountId: string, identity: Identity): Promise<Account> {
  try {
    return await billing.accounts.get({ accountId })
  } catch (error) {
    if (!BillingError.is(error) || error.code !== 'not_found') throw error
    // They say who the caller is, and not who an organization is.
    const { email, name } = accountId === identity.accountId ? identity : {}
    return billing.accounts.ensure({ accountId, ...(email && { email }), ...(name && { name }) })
  }
}

async function factsOf(billing: ServedBilling, account: Account, workflowMeter: string): Promise<AccountFacts> {
  const accountId = account.id
  const [prices, balance, limits, autoTopUp, isTaxExempt, customers, methods, transactions, workflows] =
    await Promise.all([
      billing.priceList(),
      billing.credits.balance({ accountId }),
      billing.usage.limits({ accountId }),
      billing.credits.autoTopUp.get({ accountId }),
      billing.features.has({ accountId, feature: 'tax_exempt' }),
      billing.accounts.customers({ accountId }),
      billing.paymentMethods?.list({ accountId }) ?? [],
      billing.credits.transactions({ accountId, limit: 1 }),
      usedSince(billing, account, workflowMeter),
    ])
  return {
    account,
    balance,
    limits,
    spark: prices.spark,
    defaultPlan: prices.plans.find(({ isDefault }) => isDefault)?.name,
    stripeCustomerId: customers.find(({ provider }) => provider === 'stripe')?.id ?? null,
    hasPaymentMethod: methods.length > 0,
    hasAutoTopUp: autoTopUp !== null,
    isTaxExempt,
    workflows,
    spent: await spentBy(billing, accountId, prices.currency),
    newest: transactions.items[0],
  }
}

const dayMs = 86_400_000
/** As many days as the service sums at once, and fewer. */
const spanDays = 1_000

/** How much of a meter was used since the account was made. */
async function usedSince(billing: ServedBilling, { id, createdAt }: Account, meter: string): Promise<number> {
  const quantities: string[] = []
  const { to: end } = await billing.usage.summary({ accountId: id })
  const last = Date.parse(end)
  for (let from = Date.parse(dayOf(createdAt.getTime())); from < last; from += spanDays * dayMs) {
    const to = Math.min(from + spanDays * dayMs, last)
    const { byMeter } = await billing.usage.summary({ accountId: id, from: dayOf(from), to: dayOf(to) })
    quantities.push(byMeter.find(({ name }) => name === meter)?.quantity ?? '0')
  }
  return sum(quantities)
}

function dayOf(at: number): string {
  return new Date(at).toISOString().slice(0, 10)
}

/** What was paid and not given back, in the catalog's currency. */
async function spentBy(billing: ServedBilling, accountId: string, currency: string): Promise<number> {
  if (!billing.payments) return 0
  const amounts: string[] = []
  let cursor: string | undefined
  do {
    const page = await billing.payments.list({ accountId, limit: 100, ...(cursor === undefined ? {} : { cursor }) })
    const paid = page.items.filter((payment) => isPaid(payment) && payment.currency === currency)
    amounts.push(...paid.flatMap(({ amount, refunded }) => [amount, `-${refunded}`]))
    cursor = page.nextCursor ?? undefined
  } while (cursor !== undefined)
  return sum(amounts)
}

function isPaid({ status }: PaymentView): boolean {
  return status === 'succeeded' || status === 'refunded'
}
