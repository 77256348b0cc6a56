// The whole story of usage billing in a few seconds: the Express example against the sandbox, each in a process of its own.
// Run: npm run demo [-- --once]
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { constants, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { SandboxAddress } from './demo/books.js'
import { type Child, startChild } from './demo/child.js'
import { createParrotClient } from './demo/parrot-client.js'
import { createReport } from './demo/report.js'
import { playStory } from './demo/story.js'
import { createStripe } from './stripe-client.js'
import { setUpStripe } from './stripe-set-up.js'

const help = `Plays the story of usage billing: the Express example on SQLite, with the sandbox as Stripe and Langfuse.

Usage: npm run demo [-- options]

  --once   end after the story, with exit code 0 if everything agreed; otherwise keep the pages open until Ctrl-C
  --help   show this
`

/** Whose story it is. */
const email = 'acme@example.com'

const options = readOptions()
// Its name says whose it is, so that a later demo can remove what one that was killed left behind.
const folderName = /^billfold-demo-(\d+)-/
sweep()
const folder = mkdtempSync(join(tmpdir(), `billfold-demo-${process.pid}-`))
const children: Child[] = []
let isStopping = false

// However we end, short of being killed, nothing of us stays. A kill leaves the folder; the children end with our channel.
process.on('exit', () => {
  for (const child of children) child.kill()
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
})
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => void end(isPlayed ? 0 : 128 + constants.signals[signal]))
}

// `npm run demo | head`: nobody reads on, so there is nothing more to say.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  void end(0)
})

const start = performance.now()
const report = createReport(console.log, process.stdout.isTTY === true && !process.env.NO_COLOR)
let isPlayed = false
try {
  const { sandbox, parrotUrl, app } = await open()
  const story = playStory({
    parrot: createParrotClient(parrotUrl),
    sandbox,
    email,
    announced: () => app.said.flatMap(({ event }) => (typeof event === 'string' ? [event] : [])),
    report,
  })
  await Promise.race([story, ...children.map(({ died }) => died)])
  isPlayed = true
  const seconds = ((performance.now() - start) / 1000).toFixed(1)
  console.log('')
  if (report.disagreements.length > 0) {
    console.error(`${report.disagreements.length} of ${report.checks} checks disagree:`)
    for (const disagreement of report.disagreements) console.error(`  ${disagreement}`)
    await end(1)
  }
  console.log(`All ${report.checks} checks agree. ${seconds} s.`)
  if (options.once) await end(0)
  console.log(`\n  Billing area   ${parrotUrl}\n  Sandbox        ${sandbox.url}\n\nCtrl-C ends it.`)
  await Promise.race(children.map(({ died }) => died))
} catch (error) {
  if (!isStopping) {
    console.error(`\n${describe(await firstCause(error))}`)
    await end(1)
  }
}

/** Starts the sandbox, then the app on it. */
async function open() {
  const box = startChild('sandbox', new URL('./sandbox.ts', import.meta.url), {
    SANDBOX_DIR: join(folder, 'sandbox'),
  })
  children.push(box)
  const sandbox = (await box.saying('url')) as unknown as SandboxAddress
  const client = createStripe(sandbox.stripe.apiKey, sandbox.url)
  // The secret is needed before the app has an address; so the address follows.
  const { endpointId, webhookSecret } = await setUpStripe(client, 'http://127.0.0.1:9/api/billing/webhooks/stripe')

  const app = startChild('app', new URL('./server.ts', import.meta.url), {
    PORT: '0',
    PUBLIC_URL: undefined,
    DATABASE_PATH: join(folder, 'billing.db'),
    // The story replays the token counts of a real trace.
    TAKE_TOKEN_COUNTS: '1',
    STRIPE_SECRET_KEY: sandbox.stripe.apiKey,
    STRIPE_WEBHOOK_SECRET: webhookSecret,
    STRIPE_API_BASE: sandbox.url,
    LANGFUSE_BASE_URL: sandbox.langfuse.baseUrl,
    LANGFUSE_PUBLIC_KEY: sandbox.langfuse.publicKey,
    LANGFUSE_SECRET_KEY: sandbox.langfuse.secretKey,
    MODEL_BASE_URL: sandbox.models.openai.baseURL,
    MODEL_API_KEY: sandbox.models.openai.apiKey,
  })
  children.push(app)
  const parrotUrl = String((await app.saying('listening')).listening)
  await client.webhookEndpoints.update(endpointId, { url: `${parrotUrl}/api/billing/webhooks/stripe` })
  console.log(`Parrot, an AI API that bills its tokens      ${parrotUrl}`)
  console.log(`Stripe and Langfuse, played by the sandbox   ${sandbox.url}`)
  return { sandbox, parrotUrl, app }
}

/** Removes the folders of demos that run no more. */
function sweep(): void {
  for (const name of readdirSync(tmpdir())) {
    const pid = folderName.exec(name)?.[1]
    if (pid === undefined || isRunning(Number(pid))) continue
    // Another user's stays.
    try {
      rmSync(join(tmpdir(), name), { recursive: true, force: true })
    } catch {}
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** A request that failed because a child died is about the child. */
function firstCause(error: unknown): Promise<unknown> {
  const deaths = children.map(({ died }) => died.catch((death: unknown) => death))
  return Promise.race([...deaths, new Promise((resolve) => setTimeout(resolve, 500, error))])
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message
}

async function end(code: number): Promise<never> {
  isStopping = true
  // The app first: it may still have something to deliver.
  for (const child of children.toReversed()) await child.stop()
  process.exit(code)
}

function readOptions(): { readonly once: boolean } {
  try {
    const { values } = parseArgs({ options: { once: { type: 'boolean' }, help: { type: 'boolean' } } })
    if (values.help) {
      process.stdout.write(help)
      process.exit(0)
    }
    return { once: values.once === true }
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n\n${help}`)
    process.exit(2)
  }
}
