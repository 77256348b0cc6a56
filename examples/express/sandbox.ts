// The sandbox as a process of its own: twins of Stripe and Langfuse on this machine. Prints where it is as one line of JSON.
// Run: npx tsx examples/express/sandbox.ts   (PORT and DATA_DIR: a fixed port; a folder to keep its state in)
import { sandbox } from 'billfold/testing'

const { PORT, DATA_DIR } = process.env
const box = await sandbox({
  port: Number(PORT ?? 0),
  merchantName: 'Parrot',
  ...(DATA_DIR === undefined ? {} : { dataDir: DATA_DIR }),
})
console.log(JSON.stringify({ url: box.url, stripe: { apiKey: box.stripe.apiKey }, langfuse: box.langfuse }))

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
