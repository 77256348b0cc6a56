import * as z from 'zod'
import { formatMoney, parseMoney } from '../../core/domain/money.js'
import type { CallOptions } from '../../core/ports/call-options.js'
import type { InvoiceCredit, InvoiceCreditsCapability } from '../../core/ports/capabilities/invoice-credits.js'
import { withoutKey } from '../door/door.js'
import { takeTurns } from '../door/turns.js'
import { fromLagoAmount, toLagoAmount } from './amount.js'
import type { LagoCall } from './call.js'
import { refusalOf } from './errors.js'
import { oldestFirst } from './oldest-first.js'
import {
  addTransaction,
  keyName,
  kindName,
  type LagoTransaction,
  metadataOf,
  readTransaction,
  transactionsOf,
  voidsName,
} from './wallet-transactions.js'
import { ensureWallet, type LagoWallet, readWallet, walletsOf } from './wallets.js'

type Grant = Parameters<InvoiceCreditsCapability['grant']>[0]

/**
 * Prepaid credits of Lago's wallets, one credit for one unit of the currency: they pay the next invoices of subscriptions. Those without
 * an expiry lie in one wallet, those that expire together in another one, since a wallet expires as a whole.
 *
 * Lago has no keys, and takes a top-up as often as it is sent. Each carries its key, is looked for before it is sent and after; of two
 * that were sent at once the later one is voided by whoever sent it.
 *
 * @see https://docs.getlago.com/guide/wallet-and-prepaid-credits/overview
 */
export function lagoInvoiceCredits(call: LagoCall): InvoiceCreditsCapability {
  const inTurn = takeTurns(100)

  const creditsOf = async (customerId: string, options: CallOptions): Promise<readonly InvoiceCredit[]> => {
    const wallets = await walletsOf(call, customerId, withoutKey(options))
    const all = await Promise.all(
      wallets.map(async (wallet) => {
        const rows = await transactionsOf(call, wallet.lago_id, withoutKey(options))
        return grantsAmong(rows).map((row) => toCredit(row, wallet, rows))
      }),
    )
    return all.flat().sort((left, right) => right.createdAt - left.createdAt)
  }

  const grant = async (asked: Grant, options: CallOptions): Promise<InvoiceCredit> => {
    const { customerId, amount, kind, name, expiresAt } = asked
    const { currency } = toLagoAmount(amount)
    const free = withoutKey(options)
    const key = options.idempotencyKey ?? ''
    const wallet = await ensureWallet(call, { customerId, currency, expiresAt }, free)
    const find = async () => {
      const rows = await transactionsOf(call, wallet.lago_id, free)
      return { rows, made: key === '' ? undefined : firstOf(grantsAmong(rows), key) }
    }
    const before = await find()
    if (before.made) return toCredit(before.made, wallet, before.rows)
    const sent = await addTransaction(
      call,
      {
        wallet_id: wallet.lago_id,
        name,
        granted_credits: formatMoney(amount),
        metadata: [
          { key: keyName, value: key },
          { key: kindName, value: kind },
        ],
      },
      options,
    )
    const after = await find()
    const { made = sent } = after
    // Somebody else sent the same at the same time, and came first.
    if (made.lago_id !== sent.lago_id) await voidOf(call, sent, free)
    return toCredit(made, wallet, after.rows)
  }

  return {
    /** @throws BillingError `provider_rejected` when the customer has five wallets, which is as many as Lago takes */
    grant: (asked, options) => inTurn(asked.customerId, () => grant(asked, options)),
    list: creditsOf,
    /** The smaller of what Lago has settled and what is left of it when unbilled usage is taken off, which Lago works out every few minutes. */
    async balance(customerId, options) {
      const sums = new Map<string, number>()
      for (const wallet of await walletsOf(call, customerId, options)) {
        if (wallet.status !== 'active') continue
        const usable = Math.max(0, Math.min(wallet.balance_cents, wallet.ongoing_balance_cents ?? wallet.balance_cents))
        sums.set(wallet.currency, (sums.get(wallet.currency) ?? 0) + usable)
      }
      return [...sums].map(([currency, cents]) => fromLagoAmount(cents, currency))
    },
    async end(externalId, options) {
      const transaction = await readTransaction(call, externalId, options)
      const wallet = await readWallet(call, transaction.lago_wallet_id, options)
      await inTurn(wallet.external_customer_id, () => voidOf(call, transaction, withoutKey(options)))
      const rows = await transactionsOf(call, wallet.lago_id, withoutKey(options))
      return toCredit(transaction, await readWallet(call, wallet.lago_id, options), rows)
    },
  }
}

/** Takes back what is left of a grant, once: what is taken back names what it takes. */
async function voidOf(
  call: LagoCall,
  { lago_id: id, lago_wallet_id: walletId }: LagoTransaction,
  options: CallOptions,
) {
  const wallet = await readWallet(call, walletId, options)
  if (wallet.status !== 'active') return
  const rows = await transactionsOf(call, walletId, options)
  const own = rows.find(({ lago_id: each }) => each === id)
  if (own === undefined || isVoided(rows, id)) return
  const left = own.remaining_credit_amount ?? own.credit_amount
  if (/^0*(\.0*)?$/.test(left)) return
  try {
    const metadata = [{ key: voidsName, value: id }]
    await addTransaction(call, { wallet_id: walletId, voided_credits: left, metadata }, options)
  } catch (error) {
    // An invoice took it in the meantime.
    if (!refusalOf(error).includes('insufficient_credits')) throw error
  }
}

/** Credits of ours that came in, newest first. */
function grantsAmong(rows: readonly LagoTransaction[]): readonly LagoTransaction[] {
  return rows.filter((row) => row.transaction_type === 'inbound' && metadataOf(row, keyName) !== undefined)
}

function firstOf(rows: readonly LagoTransaction[], key: string): LagoTransaction | undefined {
  return oldestFirst(rows.filter((row) => metadataOf(row, keyName) === key))[0]
}

function isVoided(rows: readonly LagoTransaction[], id: string): boolean {
  return rows.some((row) => metadataOf(row, voidsName) === id)
}

const kindSchema = z.enum(['paid', 'promotional']).catch('promotional')

function toCredit(row: LagoTransaction, wallet: LagoWallet, rows: readonly LagoTransaction[]): InvoiceCredit {
  return {
    externalId: row.lago_id,
    customerId: wallet.external_customer_id,
    // A credit of ours is a unit of the currency.
    amount: parseMoney(row.amount, wallet.currency),
    kind: kindSchema.parse(metadataOf(row, kindName)),
    name: row.name ?? null,
    createdAt: Date.parse(row.created_at),
    expiresAt: wallet.expiration_at ? Date.parse(wallet.expiration_at) : null,
    isVoid: row.status === 'failed' || isVoided(rows, row.lago_id),
  }
}
