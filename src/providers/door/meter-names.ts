import * as z from 'zod'

/** What a provider counts a meter of ours under; a shadow has another name, which no price ever names. */
export type MeterNames = (meter: string, isShadow?: boolean) => string

const own = 'billfold_'
const shadow = 'shadow_'

/** Names given by the app, and `billfold_<meter>` for the others. */
export function meterNames(given: Readonly<Record<string, string>>): MeterNames {
  const names = new Map(Object.entries(given))
  return (meter, isShadow = false) => `${isShadow ? shadow : ''}${names.get(meter) ?? `${own}${meter}`}`
}

/** The meter that is counted under a name; `null` for a name that is not ours. */
export function meterNamed(given: Readonly<Record<string, string>>): (name: string) => string | null {
  const nameOf = meterNames(given)
  const owners = new Map(Object.entries(given).map(([meter, name]) => [name, meter]))
  return (name) => owners.get(name) ?? ownerOf(name, nameOf) ?? null
}

/**
 * Names given by the app, at most so long with what stands before a shadow's. No two meters are counted under one name: each has a price
 * for all that is counted under it, so that whatever is used would be charged twice.
 */
export function meterNamesSchema(maximumLength: number) {
  const name = z
    .string()
    .min(1)
    .max(maximumLength - shadow.length)
  return z
    .record(z.string(), name)
    .default({})
    .superRefine((given, context) => {
      const nameOf = meterNames(given)
      const owners = new Map<string, string>()
      for (const meter of Object.keys(given))
        for (const taken of [nameOf(meter), nameOf(meter, true)]) {
          const owner = owners.get(taken) ?? ownerOf(taken, nameOf)
          if (owner !== undefined && owner !== meter)
            context.addIssue(`names what ${owner} is counted under for ${meter} too`)
          owners.set(taken, meter)
        }
    })
}

/** The meter that has a name by itself, whether the catalog has one of that name or not. */
function ownerOf(name: string, nameOf: MeterNames): string | undefined {
  const plain = name.startsWith(`${shadow}${own}`) ? name.slice(shadow.length) : name
  if (!plain.startsWith(own)) return undefined
  const meter = plain.slice(own.length)
  return nameOf(meter) === plain ? meter : undefined
}
