import { browserBenchmarks } from './browser.mjs'
import { deliveryBenchmarks } from './delivery.mjs'
import { gatewayBenchmarks } from './gateway.mjs'
import { httpBenchmarks } from './http.mjs'
import { leaseBenchmarks } from './leases.mjs'
import { memoryBenchmarks } from './memory.mjs'
import { outboxBenchmarks } from './outbox.mjs'
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
  ...leaseBenchmarks,
  ...gatewayBenchmarks,
  ...httpBenchmarks,
  ...deliveryBenchmarks,
  ...outboxBenchmarks,
  ...browserBenchmarks,
].sort((left, right) => rank(left.id) - rank(right.id))

/** P before S before M before A before G before H before D before B, each by number. @param {string} id */
function rank(id) {
  return 'PSMAGHDB'.indexOf(id.charAt(0)) * 100 + Number(id.slice(1))
}
