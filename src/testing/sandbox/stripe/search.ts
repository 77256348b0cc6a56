import { invalidRequest } from './errors.js'

/** One condition of a query, as `email:'ada@example.com'`, `-status:'active'` or `created>1700000000`. */
interface Condition {
  readonly field: string
  /** For `metadata['key']`. */
  readonly key: string | null
  readonly operator: ':' | '~' | '>' | '>=' | '<' | '<='
  readonly value: string
  readonly negated: boolean
}

/** How many rows a search found; shown as `total_count` where that is expanded. */
export const matched = Symbol('matched')

export type SearchQuery = (row: Readonly<Record<string, unknown>>) => boolean

const condition =
  /^(?<negated>-)?(?<field>[a-z_.]+)(?:\[["'](?<key>[^"']+)["']\])?(?<operator>>=|<=|[:~<>])(?:"(?<double>(?:[^"\\]|\\.)*)"|'(?<single>(?:[^'\\]|\\.)*)'|(?<bare>[^\s"']+))$/

/** Reads Stripe's search language: conditions joined by AND or by OR, never by both. */
export function parseQuery(query: string, fields: readonly string[]): SearchQuery {
  const words = query.trim().match(/(?:[^\s"']+|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')+/g) ?? []
  const joins = new Set(words.filter((word) => word === 'AND' || word === 'OR'))
  if (joins.size > 1) {
    throw invalidRequest('Query strings that combine AND and OR are not supported.', { param: 'query' })
  }
  const conditions = words.filter((word) => word !== 'AND' && word !== 'OR').map((word) => readCondition(word, fields))
  if (conditions.length === 0) throw invalidRequest('The query is empty.', { param: 'query' })
  return (row) =>
    joins.has('OR') ? conditions.some((each) => meets(row, each)) : conditions.every((each) => meets(row, each))
}

function readCondition(word: string, fields: readonly string[]): Condition {
  const parts = condition.exec(word)?.groups
  if (parts === undefined) {
    throw invalidRequest(`We were unable to parse your search query near: ${word}`, { param: 'query' })
  }
  const { field = '', key = null, negated, operator = ':', double, single, bare } = parts
  if (!fields.includes(field)) {
    throw invalidRequest(`Field \`${field}\` is an unsupported search field for this resource.`, { param: 'query' })
  }
  return {
    field,
    key,
    negated: negated !== undefined,
    operator: operator as Condition['operator'],
    // A quote within quotes is written \" there.
    value: (double ?? single)?.replace(/\\(.)/g, '$1') ?? bare ?? '',
  }
}

function meets(row: Readonly<Record<string, unknown>>, { field, key, operator, value, negated }: Condition): boolean {
  const whole = row[field]
  const found = key === null ? whole : (whole as Readonly<Record<string, unknown>> | null)?.[key]
  return compare(found, operator, value) !== negated
}

function compare(found: unknown, operator: Condition['operator'], value: string): boolean {
  if (value === 'null') return found === null || found === undefined
  if (found === null || found === undefined) return false
  switch (operator) {
    case ':':
      return String(found).toLowerCase() === value.toLowerCase()
    case '~':
      return String(found).toLowerCase().includes(value.toLowerCase())
    case '>':
      return Number(found) > Number(value)
    case '>=':
      return Number(found) >= Number(value)
    case '<':
      return Number(found) < Number(value)
    case '<=':
      return Number(found) <= Number(value)
  }
}
