import { type BillingError, parseSparks } from '../index.js'
import { worstTokens } from './bound.js'
import type { GatewayCaller } from './caller.js'
import { GatewayError } from './gateway-error.js'
import type { CallTerms, HeldCall } from './model-call.js'

/** Why accounts without money are suspended; nothing that is suspended for another reason is resumed here. */
export const outOfFunds = 'Insufficient funds'

/** What a call that has no money for it is told. */
export async function insufficientFunds(terms: CallTerms, caller: GatewayCaller): Promise<GatewayError> {
  const url = await terms.topUpUrl(caller)
  const facts = url === null ? {} : { top_up_url: url }
  const headers = { 'x-should-retry': 'false' }
  return new GatewayError(
    terms.insufficientStatus,
    'insufficient_funds',
    'Insufficient funds. Please top up.',
    facts,
    headers,
  )
}

/**
 * How long each answer may be where nothing could be held for the length that was asked for: as long as there is money and budget for.
 * An account that cannot pay for what is to be read and one token more is suspended; one that can again is resumed.
 *
 * @throws GatewayError where there is not enough for an answer of any length
 */
export async function affordableOutput(terms: CallTerms, call: HeldCall, refusal: BillingError): Promise<number> {
  const { billing } = terms
  const { caller, output } = call
  const costOf = async (tokens: number) => (await billing.quote(measureOf(terms, call, tokens))).sparks
  const least = await costOf(Math.min(output, 1))
  if (refusal.details.reason === 'suspended') {
    await resumeFunded(terms, call, least)
    return output
  }
  const balance = refusal.details.balance as { readonly available: string; readonly balance: string } | undefined
  if (!balance || refusal.details.reason === 'quota_exceeded') throw refusal
  const available = parseSparks(balance.available)
  if (available < least) {
    // What other calls hold may come back.
    if (parseSparks(balance.balance) < least) await suspend(terms, call)
    throw await insufficientFunds(terms, caller)
  }
  const room = smaller(available, budgetRoom(refusal) ?? available)
  if (room < least) throw refusal
  let [low, high] = [Math.min(output, 1), output]
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2)
    if ((await costOf(middle)) <= room) low = middle
    else high = middle
  }
  // It was refused at this length, whatever it costs.
  if (low === output) throw await insufficientFunds(terms, caller)
  return low
}

/** What is held and quoted for answers of so many tokens. */
export function measureOf({ meter }: Pick<CallTerms, 'meter'>, { bound, model, request }: HeldCall, output: number) {
  // The catalog's own names of meters are checked when the gateway is made.
  const tokens = worstTokens(bound, output, request.choices)
  return { meter: meter as never, tokens, model: model.name, provider: model.provider }
}

/** @throws GatewayError where it is suspended for another reason, or has too little still */
async function resumeFunded(terms: CallTerms, { caller, id }: HeldCall, least: bigint): Promise<void> {
  const { accountId } = caller
  const { suspendedFor } = await terms.billing.accounts.get({ accountId })
  if (suspendedFor === null) return
  if (suspendedFor !== outOfFunds) throw new GatewayError(403, 'account_suspended', 'This account is suspended.')
  const { available } = await terms.billing.credits.balance({ accountId })
  if (available < least) throw await insufficientFunds(terms, caller)
  await terms.billing.accounts.resume({
    accountId,
    reason: outOfFunds,
    automatic: true,
    idempotencyKey: `gateway:${id}`,
  })
}

async function suspend({ billing, onError }: CallTerms, { caller: { accountId }, id }: HeldCall): Promise<void> {
  const input = { accountId, reason: outOfFunds, automatic: true, idempotencyKey: `gateway:${id}` }
  // The call is refused with it or without.
  await billing.accounts.suspend(input).catch((error: unknown) => onError(error, id))
}

/** What the budget that refused has left. */
function budgetRoom({ details }: BillingError): bigint | undefined {
  const budget = details.budget as Readonly<Record<'limitSparks' | 'usedSparks' | 'heldSparks', string>> | undefined
  if (!budget) return undefined
  return parseSparks(budget.limitSparks) - parseSparks(budget.usedSparks) - parseSparks(budget.heldSparks)
}

function smaller(left: bigint, right: bigint): bigint {
  return left < right ? left : right
}
