/** The sandbox in a process of its own: `node sandbox.mjs <dataDir> <port>` says its settings as JSON once it listens. */
import { writeSync } from 'node:fs'
import { sandbox } from 'billfold/testing'

const [, , dataDir = '', port = '0'] = process.argv
const { url, stripe, langfuse } = await sandbox({ dataDir, port: Number(port) })
writeSync(1, `${JSON.stringify({ url, stripe, langfuse })}\n`)
