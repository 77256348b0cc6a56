/** How a database says what the checks of the books ask. */
export interface VerifyDialect {
  /** A table, or the rows of it that belong to the account that is verified; `key` is its column for the account. */
  table(name: string, key?: string): string
  /** The members of a JSON object, as `key` and `value`; none of NULL. */
  members(json: string, as: string): string
  /** The items of a JSON array, as `value`; none of NULL. */
  items(json: string, as: string): string
  /** The lines or words of a text, as `value`; none of NULL. */
  split(text: string, by: 'line' | 'word', as: string): string
  /** The word at this place, from 1. */
  word(text: string, place: number): string
  /** What comes before the first space. */
  head(text: string): string
  /** What follows the first space. */
  tail(text: string): string
  /** What a JSON text has at this path, as text. */
  at(json: string, ...path: readonly string[]): string
  integer(text: string): string
  decimal(text: string): string
  /** The UTC day of a moment, as `YYYY-MM-DD`. */
  day(milliseconds: string): string
}

const quoted = (text: string) => `replace(replace(${text}, '\\', '\\\\'), '"', '\\"')`

export function sqliteDialect(accountId?: string): VerifyDialect {
  const lists = { line: 'char(10)', word: `' '` }
  const list = (text: string, by: 'line' | 'word') => `'["' || replace(${quoted(text)}, ${lists[by]}, '","') || '"]'`
  return {
    table(name, key = 'account_id') {
      const table = `billfold_${name}`
      return accountId === undefined ? table : `(SELECT * FROM ${table} WHERE ${key} = ?1)`
    },
    members: (json, as) => `json_each(coalesce(${json}, '{}')) ${as}`,
    items: (json, as) => `json_each(coalesce(${json}, '[]')) ${as}`,
    split: (text, by, as) => `json_each(CASE WHEN ${text} <> '' THEN ${list(text, by)} ELSE '[]' END) ${as}`,
    word: (text, place) => `json_extract(${list(text, 'word')}, '$[${place - 1}]')`,
    head: (text) => `substr(${text}, 1, instr(${text}, ' ') - 1)`,
    tail: (text) => `substr(${text}, instr(${text}, ' ') + 1)`,
    at: (json, ...path) => `json_extract(${json}, '$${path.map((name) => `."${name}"`).join('')}')`,
    integer: (text) => `CAST(${text} AS INTEGER)`,
    decimal: (text) => `CAST(${text} AS REAL)`,
    day: (milliseconds) => `strftime('%Y-%m-%d', ${milliseconds} / 1000, 'unixepoch')`,
  }
}

/** @param isDistributed whether an account's rows are where it is, which a query has to say of each table */
export function postgresDialect(schema: string, accountId?: string, isDistributed = false): VerifyDialect {
  return {
    table(name, key = 'account_id') {
      const table = `${schema}.${name}`
      if (accountId === undefined) return table
      // The index on the rows of an account is on an expression.
      const isIndexed = name !== 'ledger_entries'
      const conditions = [
        ...(isIndexed || isDistributed ? [`${key} = $1::text`] : []),
        ...(isIndexed ? [] : [`${key} || '' = $1::text`]),
      ]
      return `(SELECT * FROM ${table} WHERE ${conditions.join(' AND ')})`
    },
    members: (json, as) => `LATERAL json_each_text((${json})::json) ${as}(key, value)`,
    items: (json, as) => `LATERAL json_array_elements_text((${json})::json) ${as}(value)`,
    split: (text, by, as) =>
      `LATERAL unnest(string_to_array(${text}, ${by === 'line' ? 'chr(10)' : `' '`})) ${as}(value)`,
    word: (text, place) => `split_part(${text}, ' ', ${place})`,
    head: (text) => `split_part(${text}, ' ', 1)`,
    tail: (text) => `substr(${text}, strpos(${text}, ' ') + 1)`,
    at: (json, ...path) => `((${json})::json #>> '{${path.join(',')}}')`,
    integer: (text) => `CAST(${text} AS numeric)`,
    decimal: (text) => `CAST(${text} AS numeric)`,
    day: (milliseconds) =>
      `to_char(timestamp '1970-01-01' + (${milliseconds} / 86400000) * interval '1 day', 'YYYY-MM-DD')`,
  }
}
