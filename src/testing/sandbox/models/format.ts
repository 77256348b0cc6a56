import type { Answer, Piece } from './reply.js'

/** What a request asks of a model, whatever the wire format. */
export interface Asked {
  readonly model: string
  readonly stream: boolean
  /** Tokens of its texts. */
  readonly inputTokens: number
  /** At most so many tokens of output; `undefined` for the model's own limit. */
  readonly limit: number | undefined
  /** What the format needs of the request to answer. */
  readonly withUsage: boolean
}

/** What was used, as counted by the twin. */
export interface Counted {
  readonly id: string
  readonly createdMs: number
  readonly inputTokens: number
  readonly outputTokens: number
}

/** One event of a stream; `null` as data for OpenAI's `[DONE]`. */
export interface StreamEvent {
  readonly event?: string
  readonly data: unknown
}

/** A vendor's wire format. */
export interface ModelFormat {
  readonly name: string
  /** @returns what is asked, or what is wrong with it */
  read(body: Readonly<Record<string, unknown>>, path: string): Asked | string
  /** The answer in one piece. */
  answer(asked: Asked, answer: Answer, counted: Counted): unknown
  /** Before the first piece. */
  begin(asked: Asked, answer: Answer, counted: Counted): readonly StreamEvent[]
  piece(asked: Asked, piece: Piece, counted: Counted): readonly StreamEvent[]
  /** After the last. */
  end(asked: Asked, answer: Answer, counted: Counted): readonly StreamEvent[]
  /** An error, as the vendor writes it. */
  refusal(status: number, message: string): unknown
}

/** The usage that an answer names: true, another, or none. */
export function usageOf(answer: Answer, usage: unknown, name = 'usage'): Record<string, unknown> {
  const given = answer.usage === 'missing' ? {} : { [name]: answer.usage ?? usage }
  return { ...given, ...answer.body }
}

export function positiveInteger(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isInteger(value) && value > 0 ? value : undefined
}
