import { decimal, divide, multiplyDecimal, tenTo } from '../../../core/domain/decimal.js'
import { currencyDigits } from '../../../core/domain/money.js'
import { customers } from './customers.js'
import { unitsOfCurrency } from './invoice-fees.js'
import type { LagoInvoice } from './invoices.js'
import type { LagoJob } from './jobs.js'
import { billingPeriod, subscriptions } from './subscriptions.js'
import { usageOf } from './usage.js'
import { emitWebhook } from './webhooks.js'
import { isoOrNull, isoTime, type LagoWorld, newLagoId, tableOf } from './world.js'

/** Credits that a customer has for its next invoices, at a rate. */
export interface Wallet {
  readonly lago_id: string
  readonly external_customer_id: string
  readonly status: 'active' | 'terminated'
  readonly currency: string
  readonly name: string | null
  readonly code: string
  readonly priority: number
  /** What a credit is worth, in units of the currency. */
  readonly rate: string
  /** In hundred thousandths of a credit: Lago has five decimals. */
  readonly balance: number
  readonly consumed: number
  /** What unbilled usage would take, as a job worked it out last. */
  readonly ongoingUsageCents: number
  readonly expirationAtMs: number | null
  readonly terminatedAtMs: number | null
  readonly createdAtMs: number
}

/** What came into a wallet or went out of it. */
export interface WalletTransaction {
  readonly lago_id: string
  readonly walletId: string
  readonly invoiceId: string | null
  readonly status: 'pending' | 'settled' | 'failed'
  readonly transaction_status: 'purchased' | 'granted' | 'voided' | 'invoiced'
  readonly transaction_type: 'inbound' | 'outbound'
  readonly credits: number
  /** What of an inbound one is left. */
  readonly remaining: number | null
  readonly name: string | null
  readonly metadata: readonly { readonly key: string; readonly value: string }[]
  readonly createdAtMs: number
  readonly settledAtMs: number | null
}

/** By Lago's id, oldest first. */
export const wallets = tableOf<Wallet>('wallets')
export const walletTransactions = tableOf<WalletTransaction>('wallet_transactions')

const fiveDecimals = 100_000

export function activeWallets(world: LagoWorld, customerId: string): readonly Wallet[] {
  return [...wallets(world).values()]
    .filter(({ external_customer_id: id, status }) => id === customerId && status === 'active')
    .sort((left, right) => left.priority - right.priority || left.createdAtMs - right.createdAtMs)
}

export function transactionsOf(world: LagoWorld, walletId: string): readonly WalletTransaction[] {
  return [...walletTransactions(world).values()].filter((each) => each.walletId === walletId)
}

export function addTransaction(
  world: LagoWorld,
  wallet: Wallet,
  given: Pick<WalletTransaction, 'status' | 'transaction_status' | 'transaction_type' | 'credits' | 'invoiceId'> &
    Partial<Pick<WalletTransaction, 'name' | 'metadata'>>,
): WalletTransaction {
  const isSettled = given.status === 'settled'
  const transaction: WalletTransaction = {
    name: null,
    metadata: [],
    ...given,
    lago_id: newLagoId(),
    walletId: wallet.lago_id,
    remaining: given.transaction_type === 'inbound' ? given.credits : null,
    createdAtMs: world.now(),
    settledAtMs: isSettled ? world.now() : null,
  }
  walletTransactions(world).put(transaction.lago_id, transaction)
  if (isSettled) move(world, wallet, transaction)
  emitTransaction(world, 'wallet_transaction.created', transaction)
  return transaction
}

/** What was bought is there once its invoice is paid. */
export function settleTopUp(world: LagoWorld, { lago_id: invoiceId }: LagoInvoice): void {
  for (const each of [...walletTransactions(world).values()]) {
    const wallet = wallets(world).get(each.walletId)
    if (each.invoiceId !== invoiceId || each.status !== 'pending' || wallet === undefined) continue
    const settled: WalletTransaction = { ...each, status: 'settled', settledAtMs: world.now() }
    walletTransactions(world).put(settled.lago_id, settled)
    move(world, wallet, settled)
    emitTransaction(world, 'wallet_transaction.updated', settled)
  }
}

function move(world: LagoWorld, wallet: Wallet, { transaction_type: type, credits }: WalletTransaction): void {
  const isIn = type === 'inbound'
  wallets(world).put(wallet.lago_id, {
    ...wallet,
    balance: wallet.balance + (isIn ? credits : -credits),
    consumed: wallet.consumed + (isIn ? 0 : credits),
  })
  if (!isIn) takeFromOldest(world, wallet, credits)
}

function takeFromOldest(world: LagoWorld, { lago_id: id }: Wallet, credits: number): void {
  let left = credits
  for (const each of transactionsOf(world, id)) {
    if (each.status !== 'settled' || each.remaining === null) continue
    const taken = Math.min(left, each.remaining)
    if (taken === 0) continue
    walletTransactions(world).put(each.lago_id, { ...each, remaining: each.remaining - taken })
    left -= taken
  }
}

/** Takes what a customer has in wallets for an invoice. */
export function applyWallets(
  world: LagoWorld,
  { lago_id: invoiceId, external_customer_id: customerId, currency }: LagoInvoice,
  dueCents: number,
): readonly { readonly from: string; readonly cents: number }[] {
  let left = dueCents
  const taken: { readonly from: string; readonly cents: number }[] = []
  for (const wallet of activeWallets(world, customerId)) {
    if (wallet.currency !== currency) continue
    const cents = Math.min(left, balanceCents(wallet))
    if (cents <= 0) continue
    addTransaction(world, wallet, {
      status: 'settled',
      transaction_status: 'invoiced',
      transaction_type: 'outbound',
      credits: creditsFor(wallet, cents),
      invoiceId,
    })
    taken.push({ from: wallet.lago_id, cents })
    left -= cents
  }
  return taken
}

/** A wallet that is over has nothing any more. */
export function terminateWallet(world: LagoWorld, wallet: Wallet): Wallet {
  const after: Wallet = { ...wallet, status: 'terminated', terminatedAtMs: world.now() }
  wallets(world).put(after.lago_id, after)
  return after
}

export const walletJobs: readonly LagoJob[] = [
  { name: 'terminate_expired_wallets', everyMs: 3_600_000, run: terminateExpired },
  { name: 'refresh_ongoing_balances', everyMs: 300_000, run: refreshOngoing },
]

function terminateExpired(world: LagoWorld): void {
  for (const wallet of [...wallets(world).values()])
    if (wallet.status === 'active' && wallet.expirationAtMs !== null && wallet.expirationAtMs <= world.now())
      terminateWallet(world, wallet)
}

/** What unbilled usage would take is known every few minutes only. */
function refreshOngoing(world: LagoWorld): void {
  for (const { external_id: customerId } of customers(world).values()) {
    const own = activeWallets(world, customerId)
    if (own.length === 0) continue
    let left = [...subscriptions(world).values()]
      .filter(({ external_customer_id: id, status }) => id === customerId && status === 'active')
      .flatMap((each) => usageOf(world, each, billingPeriod(world, each, world.now())))
      .reduce((sum, { amountCents }) => sum + Number(amountCents), 0)
    for (const [index, wallet] of own.entries()) {
      const part = index === own.length - 1 ? left : Math.min(left, balanceCents(wallet))
      wallets(world).put(wallet.lago_id, { ...wallet, ongoingUsageCents: part })
      left -= part
    }
  }
}

export function balanceCents({ balance, rate, currency }: Wallet): number {
  const money = multiplyDecimal({ coefficient: BigInt(balance), scale: 5 }, decimal(rate))
  return Number(divide(money.coefficient * tenTo(currencyDigits(currency)), tenTo(money.scale), 'floor'))
}

/** Credits for an amount, in hundred thousandths. */
export function creditsFor({ rate, currency }: Pick<Wallet, 'rate' | 'currency'>, cents: number): number {
  const each = decimal(rate)
  const over = each.coefficient * tenTo(currencyDigits(currency))
  return Number(divide(BigInt(cents) * tenTo(each.scale) * BigInt(fiveDecimals), over, 'half_even'))
}

/** The amount of credits, in hundred thousandths, floored as Lago does. */
export function readCredits(text: string): number {
  const { coefficient, scale } = decimal(text)
  return Number(divide(coefficient * BigInt(fiveDecimals), tenTo(scale), 'floor'))
}

export function creditsText(credits: number): string {
  const text = String(Math.abs(credits)).padStart(6, '0')
  const fraction = text.slice(-5).replace(/0+$/, '') || '0'
  return `${credits < 0 ? '-' : ''}${text.slice(0, -5)}.${fraction}`
}

export function shownWallet(world: LagoWorld, wallet: Wallet) {
  const cents = balanceCents(wallet)
  const customer = customers(world).get(wallet.external_customer_id)
  const isOver = wallet.status === 'terminated'
  const usage = creditsFor(wallet, wallet.ongoingUsageCents)
  return {
    lago_id: wallet.lago_id,
    lago_customer_id: customer?.lago_id ?? '',
    external_customer_id: wallet.external_customer_id,
    billing_entity_code: 'default',
    status: wallet.status,
    currency: wallet.currency,
    name: wallet.name,
    code: wallet.code,
    priority: wallet.priority,
    rate_amount: wallet.rate,
    credits_balance: creditsText(wallet.balance),
    balance: unitsOfCurrency(cents, wallet.currency),
    balance_cents: cents,
    consumed_credits: creditsText(wallet.consumed),
    created_at: isoTime(wallet.createdAtMs),
    expiration_at: isoOrNull(wallet.expirationAtMs),
    last_balance_sync_at: null,
    last_consumed_credit_at: null,
    terminated_at: isOver ? isoOrNull(wallet.terminatedAtMs) : null,
    invoice_requires_successful_payment: false,
    applies_to: { fee_types: [], billable_metric_codes: [] },
    recurring_transaction_rules: [],
    ongoing_balance_cents: cents - wallet.ongoingUsageCents,
    ongoing_usage_balance_cents: wallet.ongoingUsageCents,
    credits_ongoing_balance: creditsText(Math.max(0, wallet.balance - usage)),
    credits_ongoing_usage_balance: creditsText(usage),
    paid_top_up_min_amount_cents: null,
    paid_top_up_max_amount_cents: null,
    applied_invoice_custom_sections: [],
    payment_method: { payment_method_type: 'provider' },
    purchase_order_number: null,
    metadata: null,
  }
}

export function shownTransaction(world: LagoWorld, each: WalletTransaction) {
  const wallet = wallets(world).get(each.walletId) as Wallet
  const worth = (credits: number) => balanceCents({ ...wallet, balance: credits })
  return {
    lago_id: each.lago_id,
    lago_wallet_id: each.walletId,
    lago_invoice_id: each.invoiceId,
    lago_credit_note_id: null,
    lago_voided_invoice_id: null,
    status: each.status,
    source: 'manual',
    transaction_status: each.transaction_status,
    transaction_type: each.transaction_type,
    amount: unitsOfCurrency(worth(each.credits), wallet.currency),
    credit_amount: creditsText(each.credits),
    invoice_requires_successful_payment: false,
    metadata: each.metadata,
    remaining_amount_cents: each.remaining === null ? null : worth(each.remaining),
    remaining_credit_amount: each.remaining === null ? null : creditsText(each.remaining),
    priority: wallet.priority,
    settled_at: isoOrNull(each.settledAtMs),
    failed_at: null,
    created_at: isoTime(each.createdAtMs),
    name: each.name,
    applied_invoice_custom_sections: [],
    payment_method: { payment_method_type: 'provider' },
    purchase_order_number: null,
  }
}

function emitTransaction(world: LagoWorld, type: string, transaction: WalletTransaction): void {
  const wallet = wallets(world).get(transaction.walletId) as Wallet
  emitWebhook(world, type, 'wallet_transaction', {
    ...shownTransaction(world, transaction),
    wallet: shownWallet(world, wallet),
  })
}
