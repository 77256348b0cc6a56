/** A line of CSV. @see https://www.rfc-editor.org/rfc/rfc4180 */
export function csvLine(cells: readonly string[]): string {
  return `${cells.map(cellOf).join(',')}\r\n`
}

const number = /^-?\d+(?:\.\d+)?$/
/** What spreadsheets take for the beginning of a formula, also after blanks, and also in the full-width forms of some keyboards. */
const formula = /^[\s\p{Cc}]*[=+\-@＝＋－＠]|^[\t\r\n]/u

/** Numbers stay numbers; text that would be a formula begins with an apostrophe, which makes it text. @see https://owasp.org/www-community/attacks/CSV_Injection */
function cellOf(text: string): string {
  if (number.test(text)) return text
  if (formula.test(text)) return quote(`'${text}`)
  return /[",\r\n]/.test(text) ? quote(text) : text
}

function quote(text: string): string {
  return `"${text.replaceAll('"', '""')}"`
}
