/** What a request and its answer count, in tokens. */
export interface Tokens {
  readonly input: number
  readonly output: number
}

/** The most tokens an answer has. */
export const maximumOutput = 100

const openings = ['You said', 'I hear you', 'Indeed', 'Once more', 'As you put it']

/** Stands in for a language model: says the prompt again, the same way every time. */
export function parrot(prompt: string): { readonly text: string; readonly tokens: Tokens } {
  const opening = openings[prompt.length % openings.length]
  const text = `${opening}: “${prompt.slice(0, 4 * (maximumOutput - 10))}”`
  return { text, tokens: { input: countTokens(prompt), output: countTokens(text) } }
}

/** About four characters are a token. */
export function countTokens(text: string): number {
  return Math.ceil(text.length / 4)
}
