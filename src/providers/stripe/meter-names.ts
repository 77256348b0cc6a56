/** The event name under which Stripe counts one of our meters. */
export type MeterNames = (meter: string) => string

/** Names given by the app, and `billfold_<meter>` for the others. */
export function meterNames(given: Readonly<Record<string, string>>): MeterNames {
  const names = new Map(Object.entries(given))
  return (meter) => names.get(meter) ?? `billfold_${meter}`
}
