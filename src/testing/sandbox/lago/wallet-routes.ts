import * as z from 'zod'
import { customerOf, ensureCurrency } from './customers.js'
import { invalid, notFound } from './errors.js'
import { unitsOfCurrency } from './invoice-fees.js'
import { invoiceFees } from './invoice-making.js'
import { noBody, paged, route, wrapped } from './route.js'
import {
  activeWallets,
  addTransaction,
  balanceCents,
  readCredits,
  shownTransaction,
  shownWallet,
  terminateWallet,
  transactionsOf,
  type Wallet,
  type WalletTransaction,
  wallets,
  walletTransactions,
} from './wallets.js'
import { type LagoWorld, newLagoId } from './world.js'

/** Lago allows so many at once. */
const maximumWallets = 5

const credits = z.string().regex(/^\d{1,20}(\.\d{1,20})?$/)
const metadata = z.array(z.object({ key: z.string(), value: z.string() })).nullish()

const walletShape = z.object({
  name: z.string().nullish(),
  code: z.string().nullish(),
  priority: z.int().min(1).max(50).default(50),
  rate_amount: credits,
  currency: z.string().regex(/^[A-Z]{3}$/),
  paid_credits: credits.nullish(),
  granted_credits: credits.nullish(),
  external_customer_id: z.string().min(1),
  expiration_at: z.iso
    .datetime({ offset: true })
    .transform((text) => Date.parse(text))
    .nullish(),
  transaction_metadata: metadata,
  transaction_name: z.string().nullish(),
})

const transactionShape = z.object({
  wallet_id: z.string().min(1),
  name: z.string().nullish(),
  paid_credits: credits.nullish(),
  granted_credits: credits.nullish(),
  voided_credits: credits.nullish(),
  metadata,
})

export const walletRoutes = [
  route('POST /wallets', wrapped('wallet', walletShape), ({ world, body: { wallet: given } }) => {
    const customer = customerOf(world, given.external_customer_id)
    const own = activeWallets(world, customer.external_id)
    const code = given.code ?? given.name?.toLowerCase().replaceAll(/\W+/g, '_') ?? 'default'
    if (own.length >= maximumWallets) throw invalid({ customer: ['wallet_limit_reached'] })
    if (own.some((wallet) => wallet.code === code)) throw invalid({ code: ['value_already_exist'] })
    if (typeof given.expiration_at === 'number' && given.expiration_at <= world.now())
      throw invalid({ expiration_at: ['invalid_date'] })
    ensureCurrency(world, customer, given.currency)
    const wallet: Wallet = {
      lago_id: newLagoId(),
      external_customer_id: customer.external_id,
      status: 'active',
      currency: given.currency,
      name: given.name ?? null,
      code,
      priority: given.priority,
      rate: given.rate_amount,
      balance: 0,
      consumed: 0,
      ongoingUsageCents: 0,
      expirationAtMs: given.expiration_at ?? null,
      terminatedAtMs: null,
      createdAtMs: world.now(),
    }
    wallets(world).put(wallet.lago_id, wallet)
    topUp(world, wallet, { ...given, name: given.transaction_name, metadata: given.transaction_metadata })
    return { wallet: shownWallet(world, walletOf(world, wallet.lago_id)) }
  }),
  route('GET /wallets', noBody, ({ world, query }) => {
    const customer = query.get('external_customer_id')
    const rows = [...wallets(world).values()]
      .reverse()
      .filter(({ external_customer_id: id }) => customer === null || id === customer)
    return paged(
      'wallets',
      rows.map((wallet) => shownWallet(world, wallet)),
      query,
    )
  }),
  route('GET /wallets/:id', noBody, ({ world, path }) => ({
    wallet: shownWallet(world, walletOf(world, path.id ?? '')),
  })),
  route('DELETE /wallets/:id', noBody, ({ world, path }) => ({
    wallet: shownWallet(world, terminateWallet(world, walletOf(world, path.id ?? ''))),
  })),
  // The same request twice tops up twice: there is no key that could tell.
  route('POST /wallet_transactions', wrapped('wallet_transaction', transactionShape), ({ world, body }) => {
    const given = body.wallet_transaction
    const wallet = wallets(world).get(given.wallet_id)
    if (wallet === undefined) throw invalid({ wallet_id: ['wallet_not_found'] })
    if (wallet.status !== 'active') throw invalid({ wallet_id: ['wallet_is_terminated'] })
    return { wallet_transactions: topUp(world, wallet, given).map((each) => shownTransaction(world, each)) }
  }),
  route('GET /wallets/:id/wallet_transactions', noBody, ({ world, path, query }) => {
    const { lago_id: id } = walletOf(world, path.id ?? '')
    const [status, kind, type] = ['status', 'transaction_status', 'transaction_type'].map((name) => query.get(name))
    const rows = [...transactionsOf(world, id)]
      .reverse()
      .filter(
        (each) =>
          (status == null || each.status === status) &&
          (kind == null || each.transaction_status === kind) &&
          (type == null || each.transaction_type === type),
      )
    return paged(
      'wallet_transactions',
      rows.map((each) => shownTransaction(world, each)),
      query,
    )
  }),
  // The published description has no object around it, the server has.
  route('GET /wallet_transactions/:id', noBody, ({ world, path }) => {
    const found = walletTransactions(world).get(path.id ?? '')
    if (found === undefined) throw notFound('wallet_transaction')
    const shown = shownTransaction(world, found)
    return { ...shown, wallet_transaction: shown }
  }),
]

function walletOf(world: LagoWorld, id: string): Wallet {
  const found = wallets(world).get(id)
  if (found === undefined) throw notFound('wallet')
  return found
}

/** One transaction for each kind of credits that was asked for. */
function topUp(
  world: LagoWorld,
  wallet: Wallet,
  given: Omit<z.output<typeof transactionShape>, 'wallet_id'>,
): readonly WalletTransaction[] {
  const shared = { name: given.name ?? null, metadata: given.metadata ?? [], invoiceId: null }
  const made: WalletTransaction[] = []
  const now = () => walletOf(world, wallet.lago_id)
  const paid = readCredits(given.paid_credits ?? '0')
  if (paid > 0) made.push(purchase(world, wallet, paid, shared))
  const granted = readCredits(given.granted_credits ?? '0')
  if (granted > 0)
    made.push(
      addTransaction(world, now(), {
        ...shared,
        status: 'settled',
        transaction_status: 'granted',
        transaction_type: 'inbound',
        credits: granted,
      }),
    )
  const voided = readCredits(given.voided_credits ?? '0')
  if (voided > now().balance) throw invalid({ voided_credits: ['insufficient_credits'] })
  if (voided > 0)
    made.push(
      addTransaction(world, now(), {
        ...shared,
        status: 'settled',
        transaction_status: 'voided',
        transaction_type: 'outbound',
        credits: voided,
      }),
    )
  return made
}

/** Credits that are bought come with an invoice, and wait until it is paid. */
function purchase(
  world: LagoWorld,
  wallet: Wallet,
  amount: number,
  shared: { readonly name: string | null; readonly metadata: WalletTransaction['metadata'] },
): WalletTransaction {
  const cents = balanceCents({ ...wallet, balance: amount })
  const customer = customerOf(world, wallet.external_customer_id)
  const invoice = invoiceFees(world, customer, {
    type: 'credit',
    currency: wallet.currency,
    fees: [
      {
        lago_id: newLagoId(),
        type: 'credit',
        itemId: wallet.lago_id,
        code: 'credit',
        name: shared.name ?? 'Prepaid credits',
        description: null,
        units: '1.0',
        unitAmount: unitsOfCurrency(cents, wallet.currency),
        cents,
        subscriptionId: null,
        chargeId: null,
        eventsCount: null,
        payInAdvance: false,
        fromMs: null,
        toMs: null,
      },
    ],
  })
  return addTransaction(world, wallet, {
    ...shared,
    status: 'pending',
    transaction_status: 'purchased',
    transaction_type: 'inbound',
    credits: amount,
    invoiceId: invoice.lago_id,
  })
}
