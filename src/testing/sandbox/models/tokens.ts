/**
 * How many tokens the model twin counts in a text: each word with the space before it is one. No vendor counts so; what matters is
 * that whoever is given this function counts as the twin does.
 */
export function countModelTokens(text: string): number {
  return text.match(/\s?\S+|\s+/g)?.length ?? 0
}

/** Tokens of all texts in a request's content: strings, and the `text` of parts. */
export function countContent(content: unknown): number {
  if (typeof content === 'string') return countModelTokens(content)
  if (Array.isArray(content)) return content.reduce<number>((sum, part) => sum + countContent(part), 0)
  if (typeof content !== 'object' || content === null) return 0
  const { text, content: inner, output, arguments: called } = content as Record<string, unknown>
  return countContent(text) + countContent(inner) + countContent(output) + countContent(called)
}
