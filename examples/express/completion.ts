import { randomUUID } from 'node:crypto'
import { type Authorization, BillingError, type RecordedUsage } from 'billfold'
import { isModel, type ParrotBilling } from './billing.js'
import { countTokens, maximumOutput, parrot, type Tokens } from './model.js'

/** What a caller asks for. */
export interface CompletionRequest {
  readonly accountId: string
  readonly prompt: unknown
  readonly model: unknown
  /** Counts to charge instead of those of the pretended model, so that real traffic can be replayed. */
  readonly tokens: unknown
  /** Makes a repeat harmless. */
  readonly idempotencyKey: string | undefined
}

/** An answer with its receipt, or the reason why there is none. */
export type Completion =
  | {
      readonly allowed: true
      readonly text: string
      readonly model: string
      readonly tokens: Tokens
      readonly usage: RecordedUsage
    }
  | Extract<Authorization, { allowed: false }>

/** Asks first, answers, then records what was used. */
export async function complete(billing: ParrotBilling, request: CompletionRequest): Promise<Completion> {
  const { accountId } = request
  const prompt = readPrompt(request.prompt)
  const model = request.model ?? 'parrot-mini'
  if (!isModel(model)) throw new BillingError('invalid_request', 'There is no such model.')
  const given = request.tokens === undefined ? undefined : readTokens(request.tokens)

  // Before the answer is known: the most that it may cost.
  const most = given ?? { input: countTokens(prompt), output: maximumOutput }
  const decision = await billing.authorize({ accountId, meter: 'ai_tokens', model, tokens: { ...most } })
  if (!decision.allowed) return decision

  const answer = parrot(prompt)
  const tokens = given ?? answer.tokens
  const usage = await billing.recordUsage({
    accountId,
    meter: 'ai_tokens',
    model,
    tokens: { ...tokens },
    idempotencyKey: request.idempotencyKey ?? randomUUID(),
  })
  return { allowed: true, text: answer.text, model, tokens, usage }
}

function readPrompt(value: unknown): string {
  if (typeof value === 'string' && value !== '' && value.length <= 10_000) return value
  throw new BillingError('invalid_request', 'prompt must be text of 1 to 10,000 characters.')
}

function readTokens(value: unknown): Tokens {
  const { input, output } = (value ?? {}) as Partial<Record<keyof Tokens, unknown>>
  if (isCount(input) && isCount(output)) return { input, output }
  throw new BillingError('invalid_request', 'tokens must be { input, output }, whole numbers from 0 to 1,000,000.')
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 1_000_000
}
