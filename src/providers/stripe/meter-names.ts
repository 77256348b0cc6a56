/** The event name under which Stripe counts one of our meters; a shadow has another one, which no price ever names. */
export type MeterNames = (meter: string, isShadow?: boolean) => string

/** Names given by the app, and `billfold_<meter>` for the others. */
export function meterNames(given: Readonly<Record<string, string>>): MeterNames {
  const names = new Map(Object.entries(given))
  return (meter, isShadow = false) => `${isShadow ? 'shadow_' : ''}${names.get(meter) ?? `billfold_${meter}`}`
}
