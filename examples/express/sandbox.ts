// The sandbox as a process of its own: twins of Stripe, Langfuse and OpenAI on this machine. Prints where it is as one line of JSON.
// Run: npx tsx examples/express/sandbox.ts   (PORT and SANDBOX_DIR: a fixed port; a folder to keep its state in)
import { sandbox } from 'billfold/testing'
import { fail } from './failure.js'

const { PORT = '0', SANDBOX_DIR } = process.env
if (!/^\d{1,5}$/.test(PORT) || Number(PORT) > 65_535) fail(`PORT must be 0 to 65535, not ${PORT}.`)
const box = await sandbox({
  port: Number(PORT),
  merchantName: 'Parrot',
  ...(SANDBOX_DIR === undefined ? {} : { dataDir: SANDBOX_DIR }),
}).catch(fail)
const { url, stripe, langfuse, models } = box
console.log(JSON.stringify({ url, stripe: { apiKey: stripe.apiKey }, langfuse, models: { openai: models.openai } }))

let isStopping = false
async function stop(): Promise<void> {
  if (isStopping) return
  isStopping = true
  await box.close()
  process.exit()
}
process.on('SIGTERM', stop)
process.on('SIGINT', stop)
// Whoever started us with a channel is gone.
process.on('disconnect', stop)
