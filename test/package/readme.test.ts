import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import { afterEach, expect, it } from 'vitest'
import { temporaryFolder } from './temporary-folder.js'

const root = process.cwd()
const readme = readFileSync(join(root, 'README.md'), 'utf8')
const snippets = [...readme.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, code = '']) => code)
const [quickStart = ''] = snippets
const folders: string[] = []

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

it('C1 C6 the quick start of the README compiles, in at most twenty lines', () => {
  expect(snippets).toHaveLength(1)
  expect(quickStart.trim().split('\n').length).toBeLessThanOrEqual(20)
  expect(errorsIn(quickStart)).toEqual([])
  expect(errorsIn(quickStart.replace('accountId', 'account'))).not.toEqual([])
})

it('C1 C6 the quick start of the README runs in an app that installed the package, and a second run records nothing', () => {
  const app = temporaryFolder()
  folders.push(app)
  mkdirSync(join(app, 'node_modules'))
  symlinkSync(root, join(app, 'node_modules/billfold'))
  writeFileSync(join(app, 'package.json'), JSON.stringify({ type: 'module' }))
  const options = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 }
  writeFileSync(join(app, 'index.js'), ts.transpileModule(quickStart, { compilerOptions: options }).outputText)
  const run = () => execFileSync(process.execPath, ['index.js'], { cwd: app, encoding: 'utf8' })
  expect(run()).toBe('120 Sparks, 0 tokens left this month\n')
  const again = quickStart.replace('console.log(', "console.log(usage.status === 'duplicate',")
  writeFileSync(join(app, 'index.js'), ts.transpileModule(again, { compilerOptions: options }).outputText)
  expect(run()).toBe('true 120 Sparks, 0 tokens left this month\n')
})

/** What TypeScript says of a program that imports the package by name. */
function errorsIn(code: string): readonly string[] {
  const file = join(root, 'quick-start-of-the-readme.ts')
  const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile)
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, root)
  const host = ts.createCompilerHost(options)
  const { fileExists, readFile, getSourceFile } = host
  host.fileExists = (name) => name === file || fileExists(name)
  host.readFile = (name) => (name === file ? code : readFile(name))
  host.getSourceFile = (name, ...rest) =>
    name === file ? ts.createSourceFile(name, code, ts.ScriptTarget.ES2022, true) : getSourceFile(name, ...rest)
  const program = ts.createProgram([file], options, host)
  return ts
    .getPreEmitDiagnostics(program, program.getSourceFile(file))
    .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))
}
