import { formatDecimal, normalize } from '../domain/decimal.js'
import type { Rollup } from '../domain/ledger/state.js'
import { formatQuantity, type MicroSparks } from '../domain/sparks.js'

/** A sum over usage; `name` is the meter, provider, model, day or value. `quantity` is decimal text and only there when units do not mix. */
export interface UsageSum {
  readonly name: string
  readonly events: number
  readonly quantity: string | null
  /** What it costs, whoever pays. */
  readonly sparks: MicroSparks
  /** How much of that the account was charged: not what its plan includes, what its own keys paid, and what the house bore. */
  readonly charged: MicroSparks
  /** Cost before margin as decimal text; `0` where nothing was rated by cost. */
  readonly costUsd: string
}

/** The sums of rows, as `nameOf` puts them together, by name. */
export function sumsBy(
  rows: readonly Rollup[],
  nameOf: (row: Rollup) => string,
  { withQuantity }: { readonly withQuantity: boolean },
): readonly UsageSum[] {
  const groups = new Map<string, Rollup[]>()
  for (const row of rows) {
    const group = groups.get(nameOf(row))
    if (group) group.push(row)
    else groups.set(nameOf(row), [row])
  }
  return [...groups]
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([name, group]) => ({ name, ...totalOf(group, { withQuantity }) }))
}

/** The sum of all rows. */
export function totalOf(
  rows: readonly Rollup[],
  { withQuantity }: { readonly withQuantity: boolean },
): Omit<UsageSum, 'name'> {
  return {
    events: rows.reduce((sum, { events }) => sum + events, 0),
    quantity: withQuantity ? formatQuantity(rows.reduce((sum, { quantity }) => sum + quantity, 0n)) : null,
    sparks: rows.reduce((sum, { sparks }) => sum + sparks, 0n),
    charged: rows.reduce((sum, { charged }) => sum + charged, 0n),
    costUsd: costOf(rows),
  }
}

/** Cost before margin of all rows, as decimal text. */
export function costOf(rows: readonly Rollup[]): string {
  const picos = rows.reduce((sum, { costPicos }) => sum + costPicos, 0n)
  return formatDecimal(normalize(picos, 12))
}
