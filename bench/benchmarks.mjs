import { memoryBenchmarks } from './memory.mjs'
import { postgresGrowth } from './postgres-growth.mjs'
import { postgresHeld } from './postgres-held.mjs'
import { postgresNeighbours } from './postgres-neighbours.mjs'
import { postgresProcesses } from './postgres-processes.mjs'
import { postgresStatements } from './postgres-statements.mjs'
import { postgresWrites } from './postgres-writes.mjs'
import { sqliteBenchmarks } from './sqlite.mjs'

/** Those on a server come first: the yardstick is loaded when its server is known. @type {readonly import('./figures.mjs').Benchmark[]} */
export const benchmarks = [
  ...postgresWrites,
  ...postgresProcesses,
  ...postgresNeighbours,
  ...postgresHeld,
  ...postgresGrowth,
  ...postgresStatements,
  ...sqliteBenchmarks,
  ...memoryBenchmarks,
].sort((left, right) => rank(left.id) - rank(right.id))

/** P before S before M, each by number. @param {string} id */
function rank(id) {
  return 'PSM'.indexOf(id.charAt(0)) * 100 + Number(id.slice(1))
}

/** Benchmarks of what the package does not have yet. @type {readonly (readonly [id: string, reason: string])[]} */
export const notBuiltYet = [
  ['A1', 'there are no credit leases'],
  ['A2', 'there are no credit leases'],
]
