/** The code of the billable metric of a meter of ours. */
export type MetricCodes = (meter: string) => string

export function metricCodes(given: Readonly<Record<string, string>>): MetricCodes {
  const codes = new Map(Object.entries(given))
  return (meter) => codes.get(meter) ?? `billfold_${meter}`
}
