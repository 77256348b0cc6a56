import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { afterEach, expect, it } from 'vitest'

const run = promisify(execFile)
const demo = ['--import', 'tsx', 'examples/express/demo.ts']
const settings = {
  PORT: '0',
  STRIPE_API_BASE: 'http://127.0.0.1:9',
  STRIPE_SECRET_KEY: 'sk_test_sandbox',
  STRIPE_WEBHOOK_SECRET: 'whsec_test',
  LANGFUSE_BASE_URL: 'http://127.0.0.1:9',
  LANGFUSE_PUBLIC_KEY: 'pk',
  LANGFUSE_SECRET_KEY: 'sk',
}
const children: ChildProcess[] = []
const folders: string[] = []

afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

it('C6 C7 the Express example plays its story by HTTP, and every number agrees', async () => {
  const { stdout } = await run(process.execPath, [...demo, '--once'], { env: { ...process.env, NO_COLOR: '1' } })
  expect(stdout).not.toContain('NO  ')
  expect(stdout.match(/^ {4}ok {2}/gm)?.length).toBeGreaterThanOrEqual(25)
  expect(stdout).toMatch(/All \d+ checks agree\./)
})

it('C7 the quick start runs', async () => {
  const { stdout } = await run(process.execPath, ['--import', 'tsx', 'examples/quick-start/index.ts'])
  expect(stdout).toMatch(/^\d+ Sparks used, \d+ left, quota at_quota\n$/)
})

it('C7 the demo says what it takes, and refuses what it does not know', async () => {
  const { stdout } = await run(process.execPath, [...demo, '--help'])
  expect(stdout).toContain('--once')
  await expect(run(process.execPath, [...demo, '--twice'])).rejects.toMatchObject({ code: 2 })
})

it('C7 the demo ends quietly when nobody reads on, and removes what dead demos left', async () => {
  const TMPDIR = newFolder()
  const { pid = 0 } = await ended(spawn(process.execPath, ['-e', '']))
  mkdirSync(join(TMPDIR, `billfold-demo-${pid}-left`))
  mkdirSync(join(TMPDIR, `billfold-demo-${process.pid}-used`))
  const child = spawn(process.execPath, [...demo, '--once'], { env: { ...process.env, TMPDIR } })
  children.push(child)
  let errors = ''
  child.stderr.on('data', (text) => {
    errors += text
  })
  child.stdout.once('data', () => child.stdout.destroy())
  await ended(child)
  expect({ code: child.exitCode, errors }).toEqual({ code: 0, errors: '' })
  expect(readdirSync(TMPDIR).filter((name) => name.startsWith('billfold-demo-'))).toEqual([
    `billfold-demo-${process.pid}-used`,
  ])
})

it.each([
  ['server.ts', { PORT: 'abc' }, /^PORT must be 0 to 65535, not abc\.\n$/],
  ['server.ts', { STRIPE_SECRET_KEY: '' }, /^Set STRIPE_SECRET_KEY in the environment.*\n$/],
  ['server.ts', { PUBLIC_URL: 'nonsense' }, /^PUBLIC_URL must be an address, not nonsense\.\n$/],
  ['server.ts', { DATABASE_PATH: 'no-database' }, /^DATABASE_PATH .*not a database.*\n$/],
  ['sandbox.ts', { PORT: 'abc' }, /^PORT must be 0 to 65535, not abc\.\n$/],
  ['set-up.ts', { STRIPE_API_BASE: 'nonsense' }, /^STRIPE_API_BASE must be an address.*\n$/],
] as const)('C7 %s says in one line what it cannot start with: %o', async (script, wrong, line) => {
  const folder = newFolder()
  writeFileSync(join(folder, 'no-database'), 'This is text, and no database at all.')
  const path = 'DATABASE_PATH' in wrong ? wrong.DATABASE_PATH : 'billing.db'
  const env = { ...process.env, ...settings, ...wrong, DATABASE_PATH: join(folder, path) }
  const args = ['--import', 'tsx', `examples/express/${script}`, 'http://127.0.0.1:9/api/billing/webhooks/stripe']
  const { code, stderr } = await run(process.execPath, args, { env }).catch((error) => error)
  expect(code).toBe(1)
  expect(stderr).toMatch(line)
})

it('C7 the app answers errors without a stack, refuses forms of other sites, and stops though a client is slow', async () => {
  const app = (await start('server.ts', { DATABASE_PATH: join(newFolder(), 'billing.db') })).listening as string
  const post = (path: string, body: string, headers: Record<string, string> = {}) =>
    fetch(new URL(path, app), { method: 'POST', body, headers })
  for (const [answer, status] of [
    [await post('/api/billing/webhooks/stripe', 'x'.repeat(6_000_000)), 413],
    [await post('/api/billing/webhooks/stripe', 'x'), 400],
    [await post('/api/billing/checkout', '{}'), 401],
    [await post('/api/complete', '{}', { 'content-type': 'application/json', 'content-encoding': 'nonsense' }), 415],
    [await post('/api/complete', '{}', { 'content-type': 'application/json' }), 401],
    [await post('/api/complete', '', { origin: 'https://elsewhere.example' }), 403],
    [await post('/api/complete', '', { 'sec-fetch-site': 'cross-site' }), 403],
  ] as const) {
    expect(answer.status).toBe(status)
    const text = await answer.text()
    expect(JSON.parse(text), text).toSatisfy((body: object) => 'error' in body || 'detail' in body)
    expect(text).not.toContain('node_modules')
  }
  const form = { 'content-type': 'application/x-www-form-urlencoded', 'sec-fetch-site': 'cross-site' }
  expect((await post('/sign-in', 'email=polly@example.com', form)).status).toBe(403)
  const signedOut = await fetch(new URL('/settings/billing', app), { redirect: 'manual' })
  expect(signedOut.headers.get('location')).toBe('/')
  expect(signedOut.headers.get('content-security-policy')).toContain("default-src 'none'")

  const [server] = children
  void fetch(new URL('/api/complete', app), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: new ReadableStream({ start: (stream) => stream.enqueue(new TextEncoder().encode('{')) }),
    duplex: 'half',
  } as RequestInit).catch(() => {})
  await new Promise((resolve) => setTimeout(resolve, 300))
  server?.kill('SIGTERM')
  if (server) await ended(server)
  expect(server?.exitCode).toBe(0)
})

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'billfold-test-'))
  folders.push(folder)
  return folder
}

/** Starts a script of the example. @returns the first thing it says */
async function start(script: string, environment: Readonly<Record<string, string>>): Promise<Record<string, unknown>> {
  const child = spawn(process.execPath, ['--import', 'tsx', `examples/express/${script}`], {
    env: { ...process.env, ...settings, ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  children.push(child)
  const [line] = await once(createInterface(child.stdout), 'line')
  return JSON.parse(line)
}

async function ended(child: ChildProcess): Promise<ChildProcess> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  return child
}
