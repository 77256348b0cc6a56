import { randomUUID } from 'node:crypto'
import { type Authorization, BillingError, type RecordedUsage } from 'billfold'
import { isModel, type ParrotBilling } from './billing.js'
import { countTokens, maximumOutput, parrot, type Tokens } from './model.js'

/** What a caller asks for. */
export interface CompletionRequest {
  readonly accountId: string
  readonly prompt: unknown
  readonly model: unknown
  /** Counts to charge instead of those of the pretended model; refused unless the settings take them. */
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

/** Answers requests, and charges for them. */
export interface Completions {
  /** Whether callers may say what they are charged for: see `takesTokenCounts` in settings.ts. */
  readonly takesTokenCounts: boolean
  complete(request: CompletionRequest): Promise<Completion>
}

const mostKept = 10_000

/** Asks first, answers, then records what was used. */
export function createCompletions(billing: ParrotBilling, takesTokenCounts: boolean): Completions {
  // A repeat gets the answer it was given, also when the credit has been spent since, and the model is not asked twice. Your app keeps
  // answers where all its processes find them.
  const answers = new Map<string, ReturnType<typeof parrot>>()

  return {
    takesTokenCounts,
    async complete(request) {
      const { accountId, idempotencyKey = randomUUID() } = request
      const prompt = readPrompt(request.prompt)
      const model = request.model ?? 'parrot-mini'
      if (!isModel(model)) throw new BillingError('invalid_request', 'There is no such model.')
      const counts = request.tokens === undefined ? undefined : readTokens(request.tokens, takesTokenCounts)

      const place = JSON.stringify([accountId, idempotencyKey, model, prompt, counts])
      let answer = answers.get(place)
      if (answer === undefined) {
        // Before the answer is known: the most that it may cost.
        const most = counts ?? { input: countTokens(prompt), output: maximumOutput }
        const decision = await billing.authorize({ accountId, meter: 'ai_tokens', model, tokens: { ...most } })
        if (!decision.allowed) return decision
        answer = parrot(prompt)
        answers.set(place, answer)
        const [oldest] = answers.keys()
        if (answers.size > mostKept && oldest !== undefined) answers.delete(oldest)
      }

      const tokens = counts ?? answer.tokens
      // The key makes the ledger recognise a repeat: it is counted once, whoever asks.
      const usage = await billing.recordUsage({
        accountId,
        meter: 'ai_tokens',
        model,
        tokens: { ...tokens },
        idempotencyKey,
      })
      return { allowed: true, text: answer.text, model, tokens, usage }
    },
  }
}

function readPrompt(value: unknown): string {
  if (typeof value === 'string' && value !== '' && value.length <= 10_000) return value
  throw new BillingError('invalid_request', 'prompt must be text of 1 to 10,000 characters.')
}

function readTokens(value: unknown, isTaken: boolean): Tokens {
  if (!isTaken) throw new BillingError('invalid_request', 'tokens are counted here and cannot be given.')
  const { input, output } = (value ?? {}) as Partial<Record<keyof Tokens, unknown>>
  if (isCount(input) && isCount(output)) return { input, output }
  throw new BillingError('invalid_request', 'tokens must be { input, output }, whole numbers from 0 to 1,000,000.')
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 1_000_000
}
