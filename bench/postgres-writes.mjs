import { ratioOf } from './figures.mjs'

// recordUsage on PostgreSQL against the yardstick's paths: one transaction a call (naiveFull), group commit without a product around
// it (kfull), and the bare insert of the ledger rows (rawFull).

/** @typedef {import('./figures.mjs').Benchmark} Benchmark */
/** @typedef {import('./figures.mjs').SideName} SideName */

const places = /** @type {const} */ ([
  ['one hot account', 1],
  ['1,000 accounts', 1_000],
])

/**
 * A benchmark whose parts are ratios taken from cells.
 *
 * @param {Pick<Benchmark, 'id' | 'title' | 'better'>} benchmark
 * @param {SideName} to
 * @param {string} figure
 * @param {readonly { accounts: number, callers: number, goal: number, floor: number }[]} parts
 * @returns {Benchmark}
 */
function compared(benchmark, to, figure, parts) {
  return {
    ...benchmark,
    cells: parts.map(({ accounts, callers }) => ({ accounts, callers, sides: [to, 'ours'] })),
    async run(bench) {
      const results = []
      for (const { accounts, callers, goal, floor } of parts) {
        const place = places.find(([, count]) => count === accounts)?.[0] ?? `${accounts} accounts`
        const measure = `${benchmark.title}: ${place}, ${callers === 1 ? 'one caller' : `${callers} callers`}`
        const runs = await bench.cell(accounts, callers)
        results.push(ratioOf({ measure, runs, of: 'ours', to, figure, goal, floor }))
      }
      return { parts: results }
    },
  }
}

const throughput = 'recordUsage, events/s of ours / one transaction per call'

/** @type {readonly Benchmark[]} */
export const postgresWrites = [
  compared({ id: 'P1', title: throughput, better: 'higher' }, 'naiveFull', 'ops', [
    { accounts: 1, callers: 1_024, goal: 120, floor: 60 },
  ]),
  compared({ id: 'P2', title: throughput, better: 'higher' }, 'naiveFull', 'ops', [
    { accounts: 1, callers: 64, goal: 50, floor: 25 },
  ]),
  compared({ id: 'P3', title: throughput, better: 'higher' }, 'naiveFull', 'ops', [
    { accounts: 1_000, callers: 1_024, goal: 25, floor: 12 },
  ]),
  compared({ id: 'P4', title: throughput, better: 'higher' }, 'naiveFull', 'ops', [
    { accounts: 1_000, callers: 64, goal: 14, floor: 6 },
  ]),
  compared(
    { id: 'P6', title: 'recordUsage, p50 of ours / one transaction per call', better: 'lower' },
    'naiveFull',
    'p50',
    [
      { accounts: 1, callers: 1, goal: 0.5, floor: 0.8 },
      { accounts: 1_000, callers: 1, goal: 0.5, floor: 0.8 },
    ],
  ),
  compared(
    { id: 'P7', title: 'recordUsage, p99 of ours / one transaction per call', better: 'lower' },
    'naiveFull',
    'p99',
    [
      { accounts: 1, callers: 64, goal: 0.05, floor: 0.1 },
      { accounts: 1_000, callers: 64, goal: 0.15, floor: 0.3 },
    ],
  ),
  compared(
    { id: 'P8', title: 'recordUsage, events/s of ours / bare insert of the rows', better: 'higher' },
    'rawFull',
    'ops',
    [
      { accounts: 1, callers: 1_024, goal: 0.6, floor: 0.4 },
      { accounts: 1_000, callers: 1_024, goal: 0.45, floor: 0.25 },
    ],
  ),
  compared(
    { id: 'P9', title: 'recordUsage, events/s of ours / bare insert of the rows', better: 'higher' },
    'rawFull',
    'ops',
    [{ accounts: 1_000, callers: 64, goal: 0.32, floor: 0.18 }],
  ),
  compared(
    { id: 'P10', title: 'recordUsage, events/s of ours / the bare group commit', better: 'higher' },
    'kfull',
    'ops',
    [
      { accounts: 1, callers: 1_024, goal: 0.9, floor: 0.75 },
      { accounts: 1_000, callers: 1_024, goal: 0.9, floor: 0.75 },
      { accounts: 1, callers: 64, goal: 0.9, floor: 0.75 },
      { accounts: 1_000, callers: 64, goal: 0.9, floor: 0.75 },
    ],
  ),
]
