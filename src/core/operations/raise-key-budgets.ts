import type { BillingContext } from '../context.js'
import { dedupeOf, fingerprintOf } from '../domain/ledger/key.js'
import type { MicroSparks } from '../domain/sparks.js'
import type { CheckoutIntent } from '../ports/store.js'
import { keyScope } from './budgets.js'
import { submit } from './steps.js'

/** Adds what an account has bought to the budgets of those of its keys that follow it: once for a sale, however often it is fulfilled. */
export async function raiseKeyBudgets(
  ctx: BillingContext,
  { id: saleId, accountId, sparks }: Pick<CheckoutIntent, 'id' | 'accountId' | 'sparks'>,
): Promise<void> {
  for await (const apiKeyId of followingKeys(ctx, accountId)) await raise(ctx, accountId, apiKeyId, saleId, sparks)
}

async function* followingKeys(ctx: BillingContext, accountId: string): AsyncGenerator<string> {
  const limit = 100
  for (let before: string | undefined; ; ) {
    const keys = await ctx.store.apiKeys.list(accountId, { limit, ...(before === undefined ? {} : { before }) })
    for (const { id, topUpsRaiseBudget, revokedAt } of keys) if (topUpsRaiseBudget && revokedAt === null) yield id
    before = keys.at(-1)?.id
    if (keys.length < limit) return
  }
}

async function raise(
  ctx: BillingContext,
  accountId: string,
  apiKeyId: string,
  saleId: string,
  amount: MicroSparks,
): Promise<void> {
  await submit(ctx, {
    kind: 'raise_budget',
    accountId,
    id: ctx.newId('ent'),
    key: `checkout:${saleId}`,
    dedupe: dedupeOf(accountId, `raise ${apiKeyId}`, saleId),
    fingerprint: fingerprintOf({ checkout: saleId, sparks: amount }),
    scope: keyScope(apiKeyId),
    amount,
  })
}
