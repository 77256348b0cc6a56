#!/usr/bin/env node
// Makes a checkout ready: installs and builds what is missing or out of date, and says nothing when all is well.
// `npm test`, `npm run demo` and `npm run check` start here, so each of them works as the first command in a fresh clone.
//
//   node scripts/setup.mjs              install, then build the JavaScript
//   node scripts/setup.mjs --no-build   install only
//   node scripts/setup.mjs --types      build the type declarations too (slower): what is published
//
// Node built-ins only: this runs before anything is installed.
import { createHash, randomUUID } from 'node:crypto'
import {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { run, secondsSince, toolPath } from './tool.mjs'

/** What was installed and built last. @typedef {{ installed?: string, built?: string, declared?: string }} Stamp */
/** @typedef {{ install: boolean, build: boolean, declare: boolean }} Plan */

/** @param {string} version */
export function nodeIsSupported(version) {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major > 20 || (major === 20 && minor >= 19)
}

/**
 * What has to be done before the checkout can be used.
 *
 * @param {string} root
 * @param {{ types?: boolean }} [options]
 * @returns {Plan}
 */
export function plan(root, { types = false } = {}) {
  const stamp = readStamp(root)
  const install =
    !existsSync(join(root, 'node_modules/.package-lock.json')) || stamp.installed !== dependenciesHash(root)
  const sources = sourcesHash(root)
  const isThere = (/** @type {string} */ file) => existsSync(join(root, file))
  const { scripts, declarations } = outputs(root)
  const build = install || stamp.built !== sources || !scripts.every(isThere)
  const declare = types && (build || stamp.declared !== sources || !declarations.every(isThere))
  return { install, build, declare }
}

/**
 * Installs and builds what is stale. Two at once are safe: the second waits, and then finds nothing to do.
 *
 * @param {{ root: string, build?: boolean, types?: boolean, run?: typeof run, log?: (line: string) => void }} options
 * `run` and `log` are for tests.
 * @returns {Promise<Plan>} what was done
 */
export async function setUp({ root, build = true, types = false, run: runTool = run, log = console.log }) {
  const wanted = () => {
    const todo = plan(root, { types })
    return build ? todo : { install: todo.install, build: false, declare: false }
  }
  const isReady = Object.values(wanted()).every((isStale) => !isStale)
  if (isReady) return wanted()

  const unlock = await lock(join(root, 'node_modules/.billfold-setup.lock'), log)
  try {
    const todo = wanted()
    if (todo.install) {
      await step('Installing dependencies', 'npm install', () => runTool(...npmInstall(), optionsFor(root)))
      writeStamp(root, { installed: dependenciesHash(root) })
    }
    const sources = sourcesHash(root)
    if (todo.build) {
      await step('Building', 'The build', () => tool('tsup', 'tsup'))
      // It has removed the declarations.
      writeStamp(root, { installed: dependenciesHash(root), built: sources })
    }
    if (todo.declare) {
      await step('Declaring types', 'The compiler', () => tool('typescript7', 'tsc', '-p', 'tsconfig.types.json'))
      await step('Building types', 'The build of types', () => tool('tsup', 'tsup', '--config', 'tsup.types.config.ts'))
      writeStamp(root, { ...readStamp(root), declared: sources })
    }
    return todo
  } finally {
    unlock()
  }

  /** @param {string} packageName @param {string} command @param {string[]} args */
  function tool(packageName, command, ...args) {
    return runTool(process.execPath, [toolPath(root, packageName, command), ...args], { cwd: root })
  }

  /**
   * @param {string} title
   * @param {string} name
   * @param {() => Promise<{ code: number, output: string }>} work
   */
  async function step(title, name, work) {
    const start = performance.now()
    log(`${title} …`)
    const { code, output } = await work()
    if (code !== 0)
      throw new SetUpFailed(`${name} failed (exit code ${code}). Its last lines:\n\n${tail(output)}`, code)
    log(`${title}: done in ${secondsSince(start)}`)
  }
}

class SetUpFailed extends Error {
  /** @param {string} message @param {number} exitCode */
  constructor(message, exitCode) {
    super(message)
    this.exitCode = exitCode
  }
}

/** `npm install`, not `npm ci`: a lockfile written on one platform may lack the binaries of others, which `npm ci` refuses. @returns {[string, string[]]} */
function npmInstall() {
  const args = ['install', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error']
  return npmScript() ? [process.execPath, [npmScript(), ...args]] : ['npm', args]
}

/** The npm that runs this script, when one does. */
const npmScript = () => (/npm-cli\.js$/.test(process.env.npm_execpath ?? '') ? (process.env.npm_execpath ?? '') : '')

/** On Windows npm outside an npm script is a .cmd file, which needs a shell. @param {string} root */
const optionsFor = (root) => ({ cwd: root, shell: process.platform === 'win32' && !npmScript() })

// --- stamps ---

/** @param {string} root */
const stampPath = (root) => join(root, 'node_modules/.billfold-setup.json')

/** @param {string} root @returns {Stamp} */
function readStamp(root) {
  try {
    return JSON.parse(readFileSync(stampPath(root), 'utf8'))
  } catch {
    return {}
  }
}

/** Renamed into place, so that nobody reads half a stamp. @param {string} root @param {Stamp} stamp */
function writeStamp(root, stamp) {
  const draft = `${stampPath(root)}.${randomUUID()}`
  writeFileSync(draft, JSON.stringify(stamp))
  renameSync(draft, stampPath(root))
}

/** @param {string} root */
function dependenciesHash(root) {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const { dependencies, devDependencies, optionalDependencies, peerDependencies, overrides, engines } = manifest
  const lockfile = join(root, 'package-lock.json')
  return hash([
    JSON.stringify([dependencies, devDependencies, optionalDependencies, peerDependencies, overrides, engines]),
    existsSync(lockfile) ? readFileSync(lockfile) : '',
  ])
}

/** @param {string} root */
function sourcesHash(root) {
  const configs = ['tsconfig.json', 'tsconfig.types.json', 'tsup.config.ts', 'tsup.types.config.ts']
  const files = ['package.json', ...configs, 'scripts/entries.mjs', ...filesUnder(root, 'src')]
  return hash(files.flatMap((file) => (existsSync(join(root, file)) ? [file, readFileSync(join(root, file))] : [])))
}

/** The files the manifest promises. @param {string} root @returns {{ scripts: string[], declarations: string[] }} */
function outputs(root) {
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  /** @type {string[]} */
  const files = JSON.stringify(exports).match(/dist\/[^"]+/g) ?? []
  const isDeclaration = (/** @type {string} */ file) => /\.d\.c?ts$/.test(file)
  return { scripts: files.filter((file) => !isDeclaration(file)), declarations: files.filter(isDeclaration) }
}

/** @param {string} root @param {string} folder @returns {string[]} */
function filesUnder(root, folder) {
  if (!existsSync(join(root, folder))) return []
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .sort()
}

/** @param {readonly (string | Buffer)[]} parts */
function hash(parts) {
  const sum = createHash('sha256')
  for (const part of parts) sum.update(`${part.length}:`).update(part)
  return sum.digest('hex')
}

// --- the lock ---

/**
 * Waits until no other set-up works in this checkout. A lock whose process is gone is taken over.
 *
 * @param {string} path
 * @param {(line: string) => void} log
 * @returns {Promise<() => void>} gives it back
 */
async function lock(path, log) {
  const draft = `${path}.${randomUUID()}`
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(draft, String(process.pid))
  try {
    for (let waited = 0; !linked(draft, path); waited += 1) {
      if (isAbandoned(path)) rmSync(path, { force: true })
      else if (waited === 0) log('Waiting for another set-up of this checkout …')
      await sleep(100)
    }
  } finally {
    rmSync(draft, { force: true })
  }
  return () => rmSync(path, { force: true })
}

/** A link appears with its content, or not at all. @param {string} from @param {string} to */
function linked(from, to) {
  try {
    linkSync(from, to)
    return true
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'EEXIST') return false
    throw error
  }
}

/** Whether the process that took the lock is gone. Its number may belong to another by now, hence the age. @param {string} path */
function isAbandoned(path) {
  try {
    if (Date.now() - statSync(path).mtimeMs > 15 * 60_000) return true
    process.kill(Number(readFileSync(path, 'utf8')), 0)
    return false
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === 'ESRCH'
  }
}

/** @param {string} output */
const tail = (output) => output.trimEnd().split('\n').slice(-40).join('\n')

// --- the command ---

if (realpathSync(process.argv[1] ?? '.') === fileURLToPath(import.meta.url)) {
  const root = join(dirname(fileURLToPath(import.meta.url)), '..')
  const args = process.argv.slice(2)
  const unknown = args.find((arg) => arg !== '--no-build' && arg !== '--types')
  if (!nodeIsSupported(process.versions.node)) {
    console.error(`Billfold needs Node 20.19 or later; this is ${process.versions.node}.`)
    process.exitCode = 1
  } else if (unknown) {
    console.error(`Unknown option ${unknown}. Known: --no-build, --types.`)
    process.exitCode = 2
  } else {
    try {
      const types = args.includes('--types')
      const done = await setUp({ root, build: !args.includes('--no-build'), types })
      if (types && !done.build && !done.declare) console.log('dist is up to date.')
    } catch (error) {
      console.error(error instanceof SetUpFailed ? error.message : error)
      process.exitCode = error instanceof SetUpFailed ? error.exitCode : 1
    }
  }
}
