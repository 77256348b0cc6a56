/** Markup that is safe to send: everything put into it was escaped. */
export interface Html {
  readonly markup: string
}

type Part = Html | string | number | null | undefined | readonly Html[]

/**
 * Markup from a template. Whatever is put in is text, unless it is markup itself.
 *
 * @example html`<p title="${title}">${name}</p>`
 */
export function html(texts: TemplateStringsArray, ...parts: readonly Part[]): Html {
  const markup = texts.reduce((before, text, index) => before + markupOf(parts[index - 1]) + text)
  return { markup }
}

function markupOf(part: Part): string {
  if (part === null || part === undefined) return ''
  if (typeof part === 'string' || typeof part === 'number') return escapeText(String(part))
  if ('markup' in part) return part.markup
  return part.map(({ markup }) => markup).join('')
}

function escapeText(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
