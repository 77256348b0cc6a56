import type { MicroSparks } from '../sparks.js'
import type { SettledBy } from './outcome.js'

/** What the name of a part begins with that a metering provider collects. */
export const collectedBy = 'meter:'

/** How much of usage is collected afterwards, by provider. */
export function collectedParts(settledBy: SettledBy): readonly (readonly [provider: string, sparks: MicroSparks])[] {
  return Object.entries(settledBy).flatMap(([name, sparks]) =>
    name.startsWith(collectedBy) ? [[name.slice(collectedBy.length), sparks] as const] : [],
  )
}

/** How much of it is collected afterwards, by whomever. */
export function collectedOf(settledBy: SettledBy): MicroSparks {
  return collectedParts(settledBy).reduce((sum, [, sparks]) => sum + sparks, 0n)
}
