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
  const args = ['--import', 'tsx', `examples/express/${script}`, 'http://127.0.0.1:9/webhooks/stripe']
  const { code, stderr } = await run(process.execPath, args, { env }).catch((error) => error)
  expect(code).toBe(1)
  expect(stderr).toMatch(line)
})

it('S1.4 C7 the app says the truth to whoever cancels in one tab what was paid in another', async () => {
  const box = (await start('sandbox.ts', {})).url as string
  const app = (await start('server.ts', { STRIPE_API_BASE: box, DATABASE_PATH: join(newFolder(), 'billing.db') }))
    .listening as string
  const visit = async (path: string, form?: Record<string, string>, headers: Record<string, string> = {}) => {
    const body = form && { method: 'POST', body: new URLSearchParams(form) }
    const response = await fetch(new URL(path, app), { redirect: 'manual', headers, ...body })
    return { status: response.status, headers: response.headers, text: await response.text() }
  }
  await visit('/account', {})
  const begun = await visit('/top-up', { package: 'small' })
  const [cookie = ''] = begun.headers.get('set-cookie')?.split(';') ?? []
  const hosted = begun.headers.get('location') ?? ''
  expect((await visit('/billing/cancel', undefined, { cookie })).text).toContain('Nothing was charged')
  expect((await visit('/billing/cancel')).text).toContain('We cannot see from here whether you paid')

  await fetch(`${hosted}/pay`, {
    method: 'POST',
    body: new URLSearchParams({ card: '000123456789' }),
    redirect: 'manual',
  })
  const cancelled = await fetch(`${hosted}/cancel`, { method: 'POST', redirect: 'manual' })
  expect(cancelled.headers.get('location')).toContain('/billing/success?checkout=')
  expect((await visit('/billing/cancel', undefined, { cookie })).text).toContain('Payment pending')
  expect((await visit('/', undefined, { cookie })).text).toContain('Payment pending')

  await fetch(`${box}/_sandbox/clock`, { method: 'POST', body: JSON.stringify({ advanceMs: 61_000 }) })
  expect((await visit('/billing/cancel', undefined, { cookie })).text).toContain('Payment received')
  expect((await visit('/', undefined, { cookie })).text).not.toContain('Payment pending')
})

it('C7 the app answers errors without a stack, refuses forms of other sites, and stops though a client is slow', async () => {
  const app = (await start('server.ts', { DATABASE_PATH: join(newFolder(), 'billing.db') })).listening as string
  const post = (path: string, body: string, headers: Record<string, string> = {}) =>
    fetch(new URL(path, app), { method: 'POST', body, headers })
  for (const [answer, status] of [
    [await post('/webhooks/stripe', 'x'.repeat(6_000_000)), 413],
    [await post('/webhooks/stripe', 'x', { 'content-encoding': 'nonsense' }), 415],
    [await post('/webhooks/stripe', 'x'), 400],
    [await post('/api/account', '', { origin: 'https://elsewhere.example' }), 403],
    [await post('/api/account', '', { 'sec-fetch-site': 'cross-site' }), 403],
  ] as const) {
    expect(answer.status).toBe(status)
    expect(await answer.json()).toMatchObject({ error: { message: expect.not.stringContaining('node_modules') } })
  }
  const form = { 'content-type': 'application/x-www-form-urlencoded', 'sec-fetch-site': 'cross-site' }
  expect((await post('/use', 'tokens=1000', form)).status).toBe(403)
  expect((await fetch(new URL('/use', app), { redirect: 'manual' })).headers.get('location')).toBe('/')

  const [server] = children
  void fetch(new URL('/api/account', app), {
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
