import type { CountTokens } from './bound.js'
import type { CallTerms, GatewayCaller, MeteredBilling } from './model-call.js'

/** What calls of models may be told, wherever they come from. */
export interface CallOptions {
  /** Where a caller without money is sent. */
  readonly topUpUrl?: string | ((caller: GatewayCaller) => string | Promise<string>)
  /** The status of a refusal for want of money; default 403. */
  readonly insufficientStatus?: 402 | 403
  /** Counts tokens as the models do. Default: a byte is a token at most, and four bytes are about one. */
  readonly countTokens?: CountTokens
  /** How long a call may take, in milliseconds; default ten minutes. */
  readonly timeoutMs?: number
  /** Told of what failed here, of estimated usage, and of what could not be recorded. Default: written to the console. */
  readonly onError?: (error: unknown, requestId: string) => void
}

export function callTerms(billing: MeteredBilling, meter: string, options: CallOptions): CallTerms {
  const { topUpUrl, onError } = options
  return {
    billing,
    meter,
    countTokens: options.countTokens,
    timeoutMs: options.timeoutMs ?? 600_000,
    insufficientStatus: options.insufficientStatus ?? 403,
    topUpUrl: async (caller) => (typeof topUpUrl === 'function' ? topUpUrl(caller) : (topUpUrl ?? null)),
    onError: onError ?? ((error, requestId) => console.error(`billfold gateway ${requestId}:`, error)),
  }
}
