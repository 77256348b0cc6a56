import { writeSync } from 'node:fs'
import { sandbox } from 'billfold/testing'

// The twins in a process of their own; it says where they are, and ends with whoever started it.

const { url, stripe } = await sandbox()
writeSync(1, `${JSON.stringify({ url, stripe })}\n`)
process.stdin.resume().once('end', () => process.exit())
