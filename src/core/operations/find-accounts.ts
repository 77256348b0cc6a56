import * as z from 'zod'
import type { BillingContext } from '../context.js'
import { type Account, getAccount } from './accounts.js'
import { parse } from './fields.js'

const findSchema = z.strictObject({ email: z.email().max(254) })
const most = 100

/** The accounts that have this e-mail, whatever its case, by id; at most a hundred. For operators. @throws BillingError `invalid_request` */
export async function findAccounts(
  ctx: BillingContext,
  input: { readonly email: string },
): Promise<readonly Account[]> {
  const { email } = parse(findSchema, input)
  const ids = await ctx.store.directory.accountsByEmail(email, most)
  return Promise.all(ids.map((accountId) => getAccount(ctx, { accountId })))
}
