import { BillingError, type MeteredWork, type ReportedUsage } from '../index.js'
import { readUsage } from '../prices/read-usage.js'
import type { BoundCall, CallTerms, HeldCall } from './model-call.js'
import { fieldOf } from './protocols/protocol.js'

/** Why usage is an estimate. */
export type Estimated = 'aborted' | 'cut' | 'stopped' | 'timeout' | 'missing' | 'invalid' | 'unpriced'

/** What is known of the usage of a call once it has ended. */
export interface KnownUsage {
  /** A body that says what was used; `null` for none. */
  readonly body: unknown
  /** A body that says what was read, and not yet what was written. */
  readonly inputBody: unknown
  /** Tokens the model wrote, as counted here. */
  readonly produced: number
  /** Why there is no such body. */
  readonly end: 'whole' | Extract<Estimated, 'aborted' | 'cut' | 'stopped' | 'timeout'>
}

type Tokens = Readonly<Record<string, number>>
/** One way to read what was used. */
export interface Reading {
  readonly tokens: Tokens
  readonly serviceTier?: ReportedUsage['serviceTier']
  readonly estimated?: Estimated
}

/**
 * Reports what a call used: what its answer says, at the price of the model that was held for, to the last digit. What an answer does
 * not say, or says in a way that cannot be (below zero, no number, more than the model can), is estimated: no more than what is held, and
 * marked by the dimension `estimated`. What has no price of its own is charged as its text would be.
 */
export function reportUsage(work: MeteredWork, terms: CallTerms, call: BoundCall, known: KnownUsage): void {
  reportReading(work, terms, call, readings(call, known))
}

/** Reports the first of several readings that has a price. */
export function reportReading(work: MeteredWork, terms: CallTerms, call: HeldCall, readings: Iterable<Reading>): void {
  const { name: model, provider } = call.model
  let problem: unknown
  for (const { tokens, serviceTier, estimated } of readings) {
    const dimensions = { endpoint: call.protocol.name, ...(estimated && { estimated }) }
    try {
      work.report({ model, provider, tokens, ...(serviceTier && { serviceTier }), dimensions })
      if (estimated && estimated !== 'aborted') terms.onError(new EstimatedUsageError(estimated, problem), call.id)
      return
    } catch (error) {
      if (!BillingError.is(error)) throw error
      problem = error
    }
  }
  throw problem
}

/** Usage that was estimated, told to whoever watches over the gateway. */
class EstimatedUsageError extends Error {
  override readonly name = 'EstimatedUsageError'
  constructor(why: Estimated, cause: unknown) {
    super(`The usage of a call was estimated: ${why}.`, { cause })
  }
}

/** What may be reported, the truest first. */
function* readings(call: BoundCall, known: KnownUsage): Generator<Reading> {
  const said = known.body === null ? undefined : readBody(call, known.body)
  if (said) {
    yield said
    yield { tokens: asText(said.tokens), estimated: 'unpriced' }
  }
  const hasUsage = ['usage', 'usageMetadata'].some((name) => (fieldOf(known.body, name) ?? null) !== null)
  const estimated = known.end === 'whole' ? (hasUsage ? 'invalid' : 'missing') : known.end
  const { bound, output, request } = call
  const written = Math.min(known.produced, output * request.choices)
  const read = known.inputBody === null ? undefined : readBody(call, known.inputBody)
  if (read) yield { ...read, tokens: { ...inputOf(read.tokens), output: written }, estimated }
  yield { tokens: { input: bound.likelyInput, output: written }, estimated }
}

/** What a body says, in the shape of the protocol or in any that its vendor has; `undefined` for what cannot be. */
function readBody({ model, protocol, request }: BoundCall, body: unknown): Reading | undefined {
  const { limits, name, provider } = model
  for (const flavor of [...protocol.flavors, undefined]) {
    try {
      const read = readUsage(body, { provider, model: name, ...(flavor === undefined ? {} : { flavor }) })
      const isLikely =
        total(read.tokens, isInput) <= limits.contextTokens &&
        total(read.tokens, isOutput) <= limits.maximumOutputTokens * request.choices
      return isLikely ? { tokens: read.tokens, serviceTier: read.serviceTier } : undefined
    } catch (error) {
      if (!BillingError.is(error)) throw error
    }
  }
  return undefined
}

function isInput(pool: string): boolean {
  return /^(input|cache)(_|$)/.test(pool)
}

function isOutput(pool: string): boolean {
  return /^(output|reasoning|citation)(_|$)/.test(pool)
}

function total(tokens: Tokens, fits: (pool: string) => boolean): number {
  return Object.entries(tokens).reduce((sum, [pool, count]) => (fits(pool) ? sum + count : sum), 0)
}

function inputOf(tokens: Tokens): Tokens {
  return Object.fromEntries(Object.entries(tokens).filter(([pool]) => isInput(pool)))
}

/** What is in pools of their own, as plain text. */
export function asText(tokens: Tokens): Tokens {
  return { input: total(tokens, isInput), output: total(tokens, isOutput) }
}
