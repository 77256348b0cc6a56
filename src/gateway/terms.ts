import type { CountTokens } from './bound.js'
import type { GatewayCaller } from './caller.js'
import { createCallerLeases } from './caller-leases.js'
import type { CallTerms, LostCalls, MeteredBilling } from './model-call.js'

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
  /**
   * Whether an answer in one piece is waited for, and charged, when its client has gone. Default: the upstream is told at once, and what the
   * call asked to read is charged.
   */
  readonly finishUnstreamed?: boolean
  /**
   * Whether callers who call often get a lease: calls then begin without asking the ledger, what is set aside for them is somewhat more
   * than they use, and a suspension reaches them within a second. Default: each call has a hold of its own.
   */
  readonly leases?: boolean
  /** Told of what failed here, of estimated usage, and of what could not be recorded. Default: written to the console. */
  readonly onError?: (error: unknown, requestId: string) => void
}

export function callTerms(
  billing: MeteredBilling,
  meter: string,
  options: CallOptions & { readonly lostCalls?: LostCalls },
): CallTerms {
  const { topUpUrl, onError } = options
  return {
    billing,
    meter,
    countTokens: options.countTokens,
    timeoutMs: options.timeoutMs ?? 600_000,
    leases: options.leases ? createCallerLeases(billing, meter) : null,
    lostCalls: options.lostCalls ?? 'release',
    finishesUnstreamed: options.finishUnstreamed ?? false,
    insufficientStatus: options.insufficientStatus ?? 403,
    topUpUrl: async (caller) => (typeof topUpUrl === 'function' ? topUpUrl(caller) : (topUpUrl ?? null)),
    onError: onError ?? ((error, requestId) => console.error(`billfold gateway ${requestId}:`, error)),
  }
}
