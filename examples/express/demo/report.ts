/** What the demo prints: numbered steps, facts, and checks that add up. */
export interface Report {
  step(title: string): void
  fact(text: string): void
  /** Compares two figures that must be the same, and shows both. */
  check(what: string, expected: string | bigint | number, actual: string | bigint | number): void
  /** The checks that failed. */
  readonly disagreements: readonly string[]
  readonly checks: number
}

const labelWidth = 46
const figureWidth = 18

export function createReport(write: (line: string) => void, hasColour: boolean): Report {
  const paint = (code: number) => (text: string) => (hasColour ? `\u001b[${code}m${text}\u001b[0m` : text)
  const [bold, dim, green, red] = [paint(1), paint(2), paint(32), paint(31)]
  const disagreements: string[] = []
  let steps = 0
  let checks = 0
  return {
    step(title) {
      steps += 1
      write('')
      write(`${dim(String(steps).padStart(2))}  ${bold(title)}`)
    },
    fact(text) {
      write(`    ${text}`)
    },
    check(what, expected, actual) {
      const [left, right] = [String(expected), String(actual)]
      const agrees = left === right
      checks += 1
      const mark = agrees ? green('ok') : red('NO')
      const figures = `${dim('expected')} ${left.padStart(figureWidth)}  ${dim('actual')} ${right.padStart(figureWidth)}`
      write(`    ${mark}  ${what.padEnd(labelWidth)} ${agrees ? figures : red(figures)}`)
      if (!agrees) disagreements.push(`${what}: expected ${left}, actual ${right}`)
    },
    disagreements,
    get checks() {
      return checks
    },
  }
}

const grouped = new Intl.NumberFormat('en-US', { maximumFractionDigits: 20 })

/** Decimal text or a whole number with thousands separated, exact. */
export function figure(value: string | number | bigint): string {
  return grouped.format(typeof value === 'string' ? (value as `${number}`) : value)
}
