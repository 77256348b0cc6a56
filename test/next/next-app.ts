import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { setUp } from '../../scripts/setup.mjs'
import { run } from '../../scripts/tool.mjs'
import type { Area } from '../browser/journeys.js'

/** The example as it is started for customers, in a process of its own. */
export interface NextApp extends Area {
  readonly folder: string
  /** Asks it to end. @returns whether it did by itself, and how many bytes are left in SQLite's log */
  stop(): Promise<{ readonly hasEnded: boolean; readonly log: number }>
}

const root = process.cwd()
const folder = join(root, 'examples/next')
const modules = join(folder, 'node_modules')
const next = join(modules, 'next/dist/bin/next')

/** Installs what is missing, brings the package up to date, builds and starts. */
export async function startNextApp(): Promise<NextApp> {
  await setUp({ root, types: true, log: () => {} })
  await install()
  // npm installed a copy of the package: it is of the day on which it was installed.
  for (const path of ['dist', 'package.json']) {
    rmSync(join(modules, 'billfold', path), { recursive: true, force: true })
    cpSync(join(root, path), join(modules, 'billfold', path), { recursive: true })
  }
  succeeded('next build', await run(process.execPath, [next, 'build'], { cwd: folder }))
  return start()
}

/** 450 MB: only where they are not there yet. */
async function install(): Promise<void> {
  const wanted = createHash('sha256')
    .update(readFileSync(join(folder, 'package.json')))
    .digest('hex')
  const stamp = join(modules, '.billfold-installed')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return
  succeeded('npm install', await run('npm', ['install', '--no-audit', '--no-fund'], { cwd: folder }))
  writeFileSync(stamp, wanted)
}

function succeeded(what: string, { code, output }: { readonly code: number; readonly output: string }): void {
  if (code !== 0) throw new Error(`${what} failed (${code}):\n${output.slice(-4_000)}`)
}

async function start(): Promise<NextApp> {
  const data = mkdtempSync(join(tmpdir(), 'billfold-next-'))
  const [port, sandboxPort] = [await freePort(), await freePort()]
  const url = `http://127.0.0.1:${port}`
  const { STRIPE_SECRET_KEY: _, ...environment } = process.env
  const child = spawn(process.execPath, [next, 'start', '--hostname', '127.0.0.1', '--port', String(port)], {
    cwd: folder,
    env: {
      ...environment,
      NODE_ENV: 'production',
      PORT: String(port),
      SANDBOX_PORT: String(sandboxPort),
      DATA_FOLDER: data,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  const keep = (chunk: Buffer) => {
    output += chunk
  }
  child.stdout.on('data', keep)
  child.stderr.on('data', keep)
  const exited = new Promise((resolve) => child.once('exit', resolve))
  for (let tries = 0; !(await answers(url)); tries += 1) {
    if (child.exitCode !== null || tries > 600) throw new Error(`next start did not come up:\n${output}`)
    await sleep(100)
  }
  return {
    url,
    sandboxUrl: `http://127.0.0.1:${sandboxPort}`,
    afterOneBook: '42,000',
    afterTwoBooks: '84,000',
    folder,
    stop: () => stop(child, exited, data),
  }
}

async function stop(child: ChildProcess, exited: Promise<unknown>, data: string): ReturnType<NextApp['stop']> {
  child.kill('SIGTERM')
  await Promise.race([exited, sleep(15_000)])
  const hasEnded = child.exitCode !== null
  if (!hasEnded) child.kill('SIGKILL')
  const log = statSync(join(data, 'billing.db-wal'), { throwIfNoEntry: false })?.size ?? 0
  rmSync(data, { recursive: true, force: true })
  return { hasEnded, log }
}

const answers = (url: string) =>
  fetch(url).then(
    ({ ok }) => ok,
    () => false,
  )

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
