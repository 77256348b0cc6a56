import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import ts from 'typescript'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { entries } from '../../scripts/entries.mjs'
import { setUp } from '../../scripts/setup.mjs'
import { run, toolPath } from '../../scripts/tool.mjs'
import { temporaryFolder, writeFiles } from './temporary-folder.js'

const root = process.cwd()
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest
interface Manifest {
  readonly exports: Record<string, unknown>
  readonly dependencies: Record<string, string>
  readonly peerDependencies: Record<string, string>
}

/** Entries that need no optional peer. */
const withoutPeers = [
  'billfold',
  'billfold/adapters/kit',
  'billfold/adapters/memory',
  'billfold/adapters/postgres',
  'billfold/adapters/sqlite',
  'billfold/client',
  'billfold/providers/manual',
  'billfold/webhooks',
]

/** An app that installed the packed package with every optional peer, and one without any. */
let app: string
let bareApp: string
let packed: readonly string[]
const folders: string[] = []

beforeAll(async () => {
  await setUp({ root, types: true, log: () => {} })
  const work = temporaryFolder()
  const pack = await npm(['pack', '--json', '--ignore-scripts', '--pack-destination', work], root)
  const [tarball] = JSON.parse(pack.slice(pack.indexOf('['))) as { filename: string; files: { path: string }[] }[]
  if (!tarball) throw new Error(`npm pack made nothing:\n${pack}`)
  packed = tarball.files.map((file) => file.path)
  app = await appWith([
    ...Object.keys(manifest.dependencies),
    ...Object.keys(manifest.peerDependencies),
    '@types/node',
    '@types/react',
  ])
  bareApp = await appWith(Object.keys(manifest.dependencies))
  folders.push(work, app, bareApp)

  /** Unpacks the tarball where npm would, beside links to packages that this checkout has already. */
  async function appWith(packages: readonly string[]) {
    const folder = temporaryFolder({ 'package.json': '{ "private": true }', 'node_modules/billfold/.keep': '' })
    const target = join(folder, 'node_modules/billfold')
    const file = join(work, tarball?.filename ?? '')
    const { code, output } = await run('tar', ['-xzf', file, '--strip-components=1', '-C', target], { cwd: folder })
    if (code !== 0) throw new Error(output)
    for (const name of packages) {
      const link = join(folder, 'node_modules', name)
      mkdirSync(dirname(link), { recursive: true })
      symlinkSync(join(root, 'node_modules', name), link, 'junction')
    }
    return folder
  }
  // Types of all entries are built here in a fresh checkout.
}, 600_000)

afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

describe('C1 the npm package', () => {
  it('holds only what is published', () => {
    const others = packed.filter((path) => !path.startsWith('dist/'))
    expect(others.sort()).toEqual([
      'CHANGELOG.md',
      'LICENSE',
      'README.md',
      'fonts/NotoSans-invoice.ttf',
      'fonts/OFL.txt',
      'package.json',
    ])
  })

  it('holds no path of the machine that built it', () => {
    const guilty = readdirSync(join(app, 'node_modules/billfold/dist'), { recursive: true, withFileTypes: true })
      .filter((file) => file.isFile())
      .map((file) => join(file.parentPath, file.name))
      .filter((file) => readFileSync(file, 'utf8').includes(root))
    expect(guilty).toEqual([])
  })

  it('exports the same entries in package.json, tsconfig.json, the build and typedoc', () => {
    const names = Object.keys(manifest.exports).filter((name) => !/\.(json|css)$/.test(name))
    expect(names.map((name) => name.replace(/^\./, 'billfold'))).toEqual(entries.map((entry) => entry.name))
    for (const { name, output } of entries) {
      expect(manifest.exports[name.replace('billfold', '.')]).toEqual({
        import: { types: `./dist/${output}.d.ts`, default: `./dist/${output}.js` },
        require: { types: `./dist/${output}.d.cts`, default: `./dist/${output}.cjs` },
      })
    }
    const typedoc = JSON.parse(readFileSync(join(root, 'typedoc.json'), 'utf8')) as { entryPoints: string[] }
    expect(typedoc.entryPoints).toEqual(entries.map((entry) => entry.source))
  })

  it('loads nothing by import() from CJS, which Jest refuses', () => {
    const dist = join(app, 'node_modules/billfold/dist')
    const files = readdirSync(dist, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.cjs'))
    const loaded = files.flatMap((file) => ts.preProcessFile(readFileSync(join(dist, file), 'utf8'), true, true))
    expect(loaded.flatMap(({ importedFiles }) => importedFiles).length).toBeGreaterThan(files.length)
    expect(files.filter((file) => /\bimport\(/.test(readFileSync(join(dist, file), 'utf8')))).toEqual([])
  })

  it('loads no node built-in from its main entry, so that it runs at the edge', () => {
    const dist = join(app, 'node_modules/billfold/dist')
    const packages = /^(zod|@noble\/hashes)(\/|$)/
    expect(importsOf(join(dist, 'index.js')).filter((name) => !packages.test(name))).toEqual([])
    expect(importsOf(join(dist, 'index.cjs')).filter((name) => !packages.test(name))).toEqual([])
  })
})

describe.each(entries.map((entry) => entry.name))('%s', (name) => {
  it('gives the same names, of the same kind, to import and to require, and runs every function of both', async () => {
    const [imported, required] = await Promise.all([
      inApp(app, 'mjs', `import * as entry from '${name}'\n${callAll}`),
      inApp(app, 'cjs', `const entry = require('${name}')\n${callAll}`),
    ])
    expect(imported).toEqual(required)
    const { kinds, faults } = imported as { kinds: Record<string, string>; faults: readonly string[] }
    expect(Object.keys(kinds)).not.toEqual([])
    expect(Object.values(kinds)).not.toContain('undefined')
    expect(faults).toEqual([])
  })
})

describe('an app', () => {
  it.each(withoutPeers)('loads %s without any optional peer', async (name) => {
    const counted = await Promise.all([
      inApp(bareApp, 'mjs', `import * as entry from '${name}'\n${countNames}`),
      inApp(bareApp, 'cjs', `const entry = require('${name}')\n${countNames}`),
    ])
    for (const count of counted) expect(count).toBeGreaterThan(0)
  })

  it('recognises an error of the ESM copy in CJS and the other way round', async () => {
    const script = `
      import { createRequire } from 'node:module'
      import { BillingError as Imported } from 'billfold'
      const { BillingError: Required } = createRequire(import.meta.url)('billfold')
      const imported = new Imported('not_found', 'x')
      const required = new Required('not_found', 'x')
      console.log(JSON.stringify({
        twoCopies: Imported !== Required,
        recognised: [Imported.is(required), Required.is(imported), Imported.is(imported)],
        others: [Imported.is(new Error('x')), Imported.is(undefined), Imported.is({ name: 'BillingError' })],
        errors: [imported instanceof Error, required instanceof Error],
      }))`
    expect(await inApp(app, 'mjs', script)).toEqual({
      twoCopies: true,
      recognised: [true, true, true],
      others: [false, false, false],
      errors: [true, true],
    })
  })

  it.each(['typescript', 'typescript7'])(
    'compiles against the types by %s, from modules and from CommonJS, declarations checked',
    async (compiler) => {
      const lines = entries.map(({ name }, index) => `import * as entry${index} from '${name}'`)
      const uses = entries.map((_, index) => `entry${index}`).join(', ')
      // An unknown name must be an error: it shows that the types are read and are not `any`.
      const absent = entries.map((_, index) => `// @ts-expect-error\nentry${index}.noSuchExport`)
      const throws = `export const code: string = new entry0.BillingError('not_found', 'x').code`
      lines.push(`import 'billfold/react/styles.css'`)
      const text = [...lines, `export const all = [${uses}]`, throws, ...absent, ''].join('\n')
      writeFiles(app, { 'consumer.mts': text, 'consumer.cts': text })
      const options = ['--noEmit', '--strict', '--module', 'NodeNext', '--target', 'ES2022', '--types', 'node']
      const strictest = ['--skipLibCheck', 'false', '--exactOptionalPropertyTypes', '--noUncheckedIndexedAccess']
      const tsc = toolPath(root, compiler, 'tsc')
      const command = [tsc, ...options, ...strictest, 'consumer.mts', 'consumer.cts']
      expect(await run(process.execPath, command, { cwd: app })).toEqual({ code: 0, output: '' })
    },
  )
})

const countNames = 'console.log(Object.keys(entry).length)'

/**
 * Tells the names and what they are, and calls every function without arguments. Refusing them is right; a name that is not there or a module that cannot be loaded
 * is a fault of the build, which nothing sees before the call.
 */
const callAll = `
  const faults = []
  const isFault = (error) => error instanceof ReferenceError || error instanceof SyntaxError ||
    /MODULE_NOT_FOUND|ERR_REQUIRE|ERR_UNSUPPORTED/.test(error?.code) ||
    /createRequire|import\\.meta|Dynamic require|is not a constructor|file URL/.test(error?.message)
  const isClass = (value) => /^class\\b/.test(Function.prototype.toString.call(value))
  const patience = () => new Promise((resolve) => setTimeout(resolve, 1000).unref())
  async function main() {
    for (const [name, value] of Object.entries(entry)) {
      if (typeof value !== 'function') continue
      try {
        await Promise.race([isClass(value) ? new value() : value(), patience()])
      } catch (error) {
        if (isFault(error)) faults.push(name + ': ' + error.message)
      }
    }
    const kinds = Object.entries(entry).map(([name, value]) => [name, typeof value])
    const named = Object.fromEntries(kinds.filter(([name]) => name !== 'default').sort())
    process.getBuiltinModule('node:fs').writeSync(1, JSON.stringify({ kinds: named, faults }) + '\\n')
    process.exit()
  }
  main()
`

/** Runs a script in an app and reads the last line it prints. */
async function inApp(folder: string, extension: 'mjs' | 'cjs', script: string): Promise<unknown> {
  const file = `run-${Math.random().toString(36).slice(2)}.${extension}`
  writeFiles(folder, { [file]: script })
  // Not every `require` loads ES modules as Node's does; Jest's and those of older bundlers do not.
  const flags = extension === 'cjs' ? ['--no-experimental-require-module'] : []
  const { code, output } = await run(process.execPath, [...flags, file], { cwd: folder })
  if (code !== 0) throw new Error(`exit code ${code}\n${output}`)
  return JSON.parse(output.trim().split('\n').at(-1) ?? '')
}

async function npm(args: readonly string[], cwd: string): Promise<string> {
  const { code, output } = await run('npm', args, { cwd, shell: process.platform === 'win32' })
  if (code !== 0) throw new Error(output)
  return output
}

/** Every package and built-in that a built file loads, through its shared chunks. */
function importsOf(file: string, seen = new Set<string>()): readonly string[] {
  if (seen.has(file)) return []
  seen.add(file)
  const code = readFileSync(file, 'utf8')
  const names = ts.preProcessFile(code, true, true).importedFiles.map(({ fileName }) => fileName)
  return names.flatMap((name) => (name.startsWith('.') ? importsOf(join(dirname(file), name), seen) : [name]))
}
