import type { BillingCore } from '../index.js'
import type { Bound, CountTokens, ModelLimits } from './bound.js'
import type { GatewayCaller } from './caller.js'
import type { CallerLeases } from './caller-leases.js'
import type { ModelRequest, Protocol } from './protocols/protocol.js'
import type { UpstreamAnswer } from './upstream-answer.js'

/** A model as it is priced and bounded. */
export interface PricedModel {
  /** What its upstream calls it: the name it is priced by. */
  readonly name: string
  /** Who serves it, as the price list calls them. */
  readonly provider: string
  readonly limits: ModelLimits
}

/** What of the service calls of models need, whatever its catalog. */
export type MeteredBilling = Pick<BillingCore, 'accounts' | 'credits' | 'lease' | 'meter' | 'quote'>

/**
 * What is charged for a call whose process died, once its hold is over: nobody can say what was produced. `release`: nothing. `input`: what it
 * asked to read, as for a client that leaves. `held`: the most it may have cost.
 */
export type LostCalls = 'release' | 'input' | 'held'

/** What all calls share. */
export interface CallTerms {
  readonly billing: MeteredBilling
  /** The meter that usage of models is recorded on; rated by cost. */
  readonly meter: string
  readonly countTokens: CountTokens | undefined
  /** How long a call may take. */
  readonly timeoutMs: number
  /** Leave for calls that is there already; `null`: each call has a hold of its own. */
  readonly leases: CallerLeases | null
  /** What is charged for a call whose process died. */
  readonly lostCalls: LostCalls
  /** Whether an answer in one piece is waited for when its client has gone. */
  readonly finishesUnstreamed: boolean
  /** The status of a refusal for want of money. */
  readonly insufficientStatus: 402 | 403
  /** Where a caller without money is sent. */
  readonly topUpUrl: (caller: GatewayCaller) => Promise<string | null>
  /** Told of usage that had to be estimated, and of what could not be recorded. */
  readonly onError: (error: unknown, requestId: string) => void
}

/** One call of a model. */
export interface ModelCall {
  readonly id: string
  readonly caller: GatewayCaller
  readonly protocol: Protocol
  readonly request: ModelRequest
  readonly model: PricedModel
  /** The upstream's key, which no client is told; `null` where the client gave it. */
  readonly secret: string | null
  /** Sends a body to the model. */
  readonly send: (body: string, signal: AbortSignal) => Promise<UpstreamAnswer>
  /** What the client sent; its signal says that the client went away. */
  readonly asked: Request
}

/** A call as far as money goes, whatever carries it. */
export interface CostedCall {
  readonly id: string
  readonly caller: GatewayCaller
  readonly protocol: { readonly name: string }
  readonly request: Pick<ModelRequest, 'choices'>
  readonly model: PricedModel
  readonly bound: Bound
}

/** What is held for: how long each answer may be. */
export interface HeldCall extends CostedCall {
  readonly output: number
}

/** A call that is forwarded, with what is held for it. */
export type BoundCall = ModelCall & HeldCall
