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
  const [errors, errorsOfMistake] = errorsIn(quickStart, quickStart.replace('accountId', 'account'))
  expect(errors).toEqual([])
  expect(errorsOfMistake).not.toEqual([])
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

/** What TypeScript says of each of these, which import the package by name: one program, most of whose time goes by on the package. */
function errorsIn(...codes: readonly string[]): readonly (readonly string[])[] {
  const files = new Map(codes.map((code, index) => [join(root, `quick-start-${index}-of-the-readme.ts`), code]))
  const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile)
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, root)
  const host = ts.createCompilerHost(options)
  const { fileExists, readFile, getSourceFile } = host
  host.fileExists = (name) => files.has(name) || fileExists(name)
  host.readFile = (name) => files.get(name) ?? readFile(name)
  host.getSourceFile = (name, ...rest) => {
    const code = files.get(name)
    return code === undefined
      ? getSourceFile(name, ...rest)
      : ts.createSourceFile(name, code, ts.ScriptTarget.ES2022, true)
  }
  const program = ts.createProgram([...files.keys()], options, host)
  return [...files.keys()].map((name) =>
    ts
      .getPreEmitDiagnostics(program, program.getSourceFile(name))
      .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n')),
  )
}
