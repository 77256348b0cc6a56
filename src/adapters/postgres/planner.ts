/**
 * Every statement of the store finds its rows by an index. Young tables have no statistics: without these the planner reads whole
 * tables, and is slower the more there is; and it need not plan anew for every list of values.
 */
export const plannerSettings = [
  ['jit', 'off'],
  ['enable_seqscan', 'off'],
  ['enable_hashjoin', 'off'],
  ['enable_mergejoin', 'off'],
  ['plan_cache_mode', 'force_generic_plan'],
] as const

/** Sets them until the end of the transaction. */
export const setPlanner = plannerSettings.map(([name, value]) => `; SET LOCAL ${name} = ${value}`).join('')
