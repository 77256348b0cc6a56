/** The code of the billable metric of a meter of ours; a shadow has another one, which no plan ever charges for. */
export type MetricCodes = (meter: string, isShadow?: boolean) => string

export function metricCodes(given: Readonly<Record<string, string>>): MetricCodes {
  const codes = new Map(Object.entries(given))
  return (meter, isShadow = false) => `${isShadow ? 'shadow_' : ''}${codes.get(meter) ?? `billfold_${meter}`}`
}
