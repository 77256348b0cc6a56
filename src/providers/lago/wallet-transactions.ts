import * as z from 'zod'
import type { CallOptions } from '../../core/ports/call-options.js'
import { type LagoCall, parseAnswer, part } from './call.js'
import { everyPage } from './every-page.js'

const transactionSchema = z.object({
  lago_id: z.string().min(1),
  lago_wallet_id: z.string().min(1),
  status: z.string(),
  transaction_type: z.string(),
  amount: z.string(),
  credit_amount: z.string(),
  remaining_credit_amount: z.string().nullish(),
  name: z.string().nullish(),
  metadata: z.array(z.object({ key: z.string().nullish(), value: z.string().nullish() })).nullish(),
  created_at: z.string(),
})
const madeSchema = z.object({ wallet_transactions: z.array(transactionSchema).min(1) })
/** The description leaves out the object around it. */
const oneSchema = z.union([
  z.object({ wallet_transaction: transactionSchema }).transform(({ wallet_transaction: row }) => row),
  transactionSchema,
])

/** What came into a wallet or went out of it. */
export type LagoTransaction = z.output<typeof transactionSchema>

/** What those of ours carry: the key they were made under, whether money was paid for them, and which other one they take back. */
export const keyName = 'billfold_key'
export const kindName = 'billfold_kind'
export const voidsName = 'billfold_voids'

export type TransactionInput = Parameters<
  Parameters<Parameters<LagoCall['write']>[1]>[0]['walletTransactions']['createWalletTransaction']
>[0]['wallet_transaction']

/** Newest first. */
export function transactionsOf(
  call: LagoCall,
  walletId: string,
  options: CallOptions,
): Promise<readonly LagoTransaction[]> {
  return everyPage(
    'wallet_transactions',
    transactionSchema,
    ({ lago_id: id }) => id,
    (page) =>
      call.read(options, (client, request) => client.wallets.findAllWalletTransactions(part(walletId), page, request)),
  )
}

export async function readTransaction(call: LagoCall, id: string, options: CallOptions): Promise<LagoTransaction> {
  const answer = await call.read(options, (client, request) =>
    client.walletTransactions.findWalletTransaction(part(id), request),
  )
  return parseAnswer(oneSchema, answer)
}

/** Lago makes one for each kind of credits in a request, and answers them in a list. */
export async function addTransaction(
  call: LagoCall,
  transaction: TransactionInput,
  options: CallOptions,
): Promise<LagoTransaction> {
  const answer = await call.write(options, (client, request) =>
    client.walletTransactions.createWalletTransaction({ wallet_transaction: transaction }, request),
  )
  return parseAnswer(madeSchema, answer).wallet_transactions[0] as LagoTransaction
}

export function metadataOf({ metadata }: LagoTransaction, name: string): string | undefined {
  return metadata?.find(({ key }) => key === name)?.value ?? undefined
}
