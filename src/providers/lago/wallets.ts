import * as z from 'zod'
import type { Instant } from '../../core/domain/period.js'
import type { CallOptions } from '../../core/ports/call-options.js'
import { type LagoCall, parseAnswer, part } from './call.js'
import { isTaken } from './errors.js'
import { everyPage } from './every-page.js'

const walletSchema = z.object({
  lago_id: z.string().min(1),
  external_customer_id: z.string(),
  status: z.string(),
  code: z.string().nullish(),
  currency: z.string(),
  rate_amount: z.string(),
  balance_cents: z.number().int(),
  ongoing_balance_cents: z.number().int().nullish(),
  expiration_at: z.string().nullish(),
})
const answerSchema = z.object({ wallet: walletSchema })

/** A wallet at Lago. */
export type LagoWallet = z.output<typeof walletSchema>

/** What a wallet of ours is for. */
export interface WalletPurpose {
  readonly customerId: string
  readonly currency: string
  readonly expiresAt: Instant | null
}

type Currency = Parameters<Parameters<Parameters<LagoCall['write']>[1]>[0]['wallets']['createWallet']>[0] extends {
  wallet?: { currency: infer Code }
}
  ? Code
  : never

/** All wallets of a customer, those that are over among them. */
export function walletsOf(call: LagoCall, customerId: string, options: CallOptions): Promise<readonly LagoWallet[]> {
  return everyPage(
    'wallets',
    walletSchema,
    ({ lago_id: id }) => id,
    (page) =>
      call.read(options, (client, request) =>
        client.wallets.findAllWallets({ external_customer_id: customerId, ...page }, request),
      ),
  )
}

export async function readWallet(call: LagoCall, id: string, options: CallOptions): Promise<LagoWallet> {
  const answer = await call.read(options, (client, request) => client.wallets.findWallet(part(id), request))
  return parseAnswer(answerSchema, answer).wallet
}

/** Gets the wallet for a purpose, and makes it if it is not there; its code is one for each purpose, so that several at once make one. */
export async function ensureWallet(call: LagoCall, purpose: WalletPurpose, options: CallOptions): Promise<LagoWallet> {
  const { customerId, currency, expiresAt } = purpose
  const code = codeOf(purpose)
  const find = async () =>
    (await walletsOf(call, customerId, options)).find((wallet) => wallet.code === code && wallet.status === 'active')
  const known = await find()
  if (known) return known
  try {
    const answer = await call.write(options, (client, request) =>
      client.wallets.createWallet(
        {
          wallet: {
            external_customer_id: customerId,
            name: 'Credits',
            code,
            rate_amount: '1',
            currency: currency as Currency,
            ...(expiresAt === null ? {} : { expiration_at: new Date(expiresAt).toISOString() }),
          },
        },
        request,
      ),
    )
    return parseAnswer(answerSchema, answer).wallet
  } catch (error) {
    const made = isTaken(error) ? await find() : undefined
    if (made === undefined) throw error
    return made
  }
}

function codeOf({ currency, expiresAt }: WalletPurpose): string {
  const name = `billfold_${currency.toLowerCase()}`
  return expiresAt === null ? name : `${name}_${Math.floor(expiresAt / 1000)}`
}
