/** A sandbox in a process of its own, to be killed: `tsx sandbox-child.ts <dataDir> <port>`. */
import { sandbox } from '../../src/testing/sandbox/sandbox.js'

const [, , dataDir = '', port = '0'] = process.argv
const box = await sandbox({ dataDir, port: Number(port) })
process.stdout.write(`${box.url}\n`)
// The sandbox's own timer does not keep a process alive; its listening socket does.
