/**
 * How the usage events of a period make up its use: their sum, their number, the largest of them, the number of different values of a
 * dimension, the level they set last (which lasts over periods), or that level weighted by how much of the period it lasted.
 */
export type Aggregation = 'sum' | 'count' | 'max' | 'unique' | 'level' | 'time_weighted'

/** Whether an event says what there is from then on, and not what was used. */
export function isLevel(aggregation: Aggregation): boolean {
  return aggregation === 'level' || aggregation === 'time_weighted'
}
