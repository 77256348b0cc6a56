import { once } from 'node:events'
import { loadBaseline } from './baseline.mjs'
import { openSide } from './product.mjs'

// One process of several: says when it is ready, drives when it is told to, answers what it measured.

const { side: name, connectionString, callers, ms, accounts } = JSON.parse(process.argv[2] ?? '{}')
const { drive, paths } = loadBaseline(connectionString)
const side = name === 'ours' ? await openSide(connectionString) : await paths[/** @type {'naiveFull'} */ (name)]()
process.send?.('ready')
await once(process, 'message')
const driven = await drive(side.record, { conc: callers, ms, accounts })
await side.close()
process.send?.(driven, () => process.exit(0))
