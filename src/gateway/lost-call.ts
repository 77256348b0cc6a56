import { type BillingCore, BillingError } from '../index.js'
import { worstTokens } from './bound.js'
import type { CallTerms, HeldCall } from './model-call.js'
import { jsonOf } from './protocols/protocol.js'

/** What a hold says of its call, for whoever finds it expired. */
interface LostCall {
  readonly model: string
  readonly provider: string
  readonly endpoint: string
  readonly tokens: Readonly<Record<string, number>>
}

/** What is kept with the hold of a call, so that another process can charge it. */
export function noteOf(
  { lostCalls }: CallTerms,
  { bound, output, model, protocol, request }: HeldCall,
): string | undefined {
  if (lostCalls === 'release') return undefined
  const tokens = lostCalls === 'input' ? { input: bound.likelyInput } : worstTokens(bound, output, request.choices)
  const note: LostCall = { model: model.name, provider: model.provider, endpoint: protocol.name, tokens }
  return JSON.stringify(note)
}

/**
 * Charges calls whose hold expired. The key is that of the call itself: one that was slow to be recorded by its own process, and this, are
 * charged once, whichever is first.
 */
export function chargeLostCalls(
  billing: Pick<BillingCore, 'on' | 'recordUsage'>,
  consumer: string,
  meter: string,
): void {
  billing.on(consumer, 'hold.expired', async ({ accountId, data }) => {
    const note = data.meter === meter && typeof data.reason === 'string' ? jsonOf(data.reason) : undefined
    if (typeof note !== 'object' || note === null || !('endpoint' in note)) return
    const { endpoint, ...measure } = note as LostCall
    const { idempotencyKey, apiKeyId, userId } = data
    try {
      await billing.recordUsage({
        accountId,
        meter: meter as never,
        ...measure,
        dimensions: { endpoint, estimated: 'lost' },
        idempotencyKey: String(idempotencyKey),
        ...(typeof apiKeyId === 'string' && { apiKeyId }),
        ...(typeof userId === 'string' && { userId }),
      })
    } catch (error) {
      // Its process recorded what it really used.
      if (!BillingError.is(error) || error.code !== 'idempotency_conflict') throw error
    }
  })
}
