/** Text of a page: what was put into it is escaped. */
export class Html {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

/** A piece of a page. Whatever is put into it is escaped, unless it is a piece itself, or a list of them. */
export function html(parts: TemplateStringsArray, ...values: readonly unknown[]): Html {
  return new Html(parts.map((part, index) => `${part}${index < values.length ? textOf(values[index]) : ''}`).join(''))
}

function textOf(value: unknown): string {
  if (Array.isArray(value)) return value.map(textOf).join('')
  if (value instanceof Html) return value.text
  if (value === undefined || value === null || value === false) return ''
  return String(value).replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}

/** A sentence, with what stands between backquotes as code. */
export function prose(text: string | undefined): readonly Html[] | undefined {
  return text?.split('`').map((part, index) => (index % 2 === 0 ? html`${part}` : html`<code>${part}</code>`))
}
