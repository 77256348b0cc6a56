import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { LangfuseClient } from '@langfuse/client'
import { Client } from 'lago-javascript-client'
import Stripe from 'stripe'
import ts from 'typescript'
import { beforeAll, describe, expect, it } from 'vitest'
import { memoryStore } from '../../src/adapters/memory.js'
import type { AnyProvider, Capability } from '../../src/core/ports/provider.js'
import { lagoProvider } from '../../src/providers/lago/index.js'
import { langfuseProvider } from '../../src/providers/langfuse/index.js'
import { manualProvider } from '../../src/providers/manual/index.js'
import { stripeProvider } from '../../src/providers/stripe/index.js'

/** Every capability there is; the compiler refuses a list that is not complete. */
const capabilities = Object.keys({
  customers: true,
  catalog: true,
  checkout: true,
  portal: true,
  subscriptions: true,
  invoices: true,
  'invoice-credits': true,
  payments: true,
  'payment-methods': true,
  metering: true,
  tracing: true,
  traces: true,
  'usage-reports': true,
  webhooks: true,
} satisfies Record<Capability, true>) as readonly Capability[]

const providers: Readonly<Record<string, AnyProvider>> = {
  stripe: stripeProvider({ client: new Stripe('sk_test_unused') }),
  lago: lagoProvider({ client: Client('unused', { baseUrl: 'https://lago.example/api/v1' }) }),
  manual: manualProvider({ store: memoryStore(), instructions: 'Transfer it.' }),
  langfuse: langfuseProvider({
    ...{ baseUrl: 'https://langfuse.example', publicKey: 'pk', secretKey: 'sk' },
    client: new LangfuseClient({ baseUrl: 'https://langfuse.example', publicKey: 'pk', secretKey: 'sk' }),
  }),
}

for (const [name, provider] of Object.entries(providers)) {
  describe(`docs/providers/${name}.md`, () => {
    const page = readFileSync(new URL(`../../docs/providers/${name}.md`, import.meta.url), 'utf8')

    it('C4 lists the capabilities that the provider has, and no other', () => {
      const has = capabilities.filter((capability) => provider[capability] !== undefined)
      expect(rowsUnder(page, '## Capabilities').sort()).toEqual([...has].sort())
    })

    // The manual one is nobody else's.
    it.skipIf(name === 'manual')('C4 links every capability to a page of the provider', () => {
      const rows = page.split('\n').filter((line) => /^\| `/.test(line) && line.includes('](https://'))
      expect(rows.length).toBeGreaterThanOrEqual(rowsUnder(page, '## Capabilities').length)
    })
  })
}

describe.each(['stripe.md', 'lago.md', 'manual.md'])('docs/providers/%s', (name) => {
  it('C4 names a test for every capability', () => {
    const folder = join(process.cwd(), 'docs/providers')
    const page = readFileSync(join(folder, name), 'utf8')
    const rows = [...page.matchAll(/^\| `([^`]+)` \|.*\[test\]\(([^)]+)\) \|$/gm)]
    expect(rows.map(([, capability]) => capability).sort()).toEqual(rowsUnder(page, '## Capabilities').sort())
    for (const [, , file = ''] of rows) expect(existsSync(join(folder, file)), file).toBe(true)
  })
})

describe('docs/providers/writing-one.md', () => {
  it('C4 lists every capability there is', () => {
    const page = readFileSync(new URL('../../docs/providers/writing-one.md', import.meta.url), 'utf8')
    expect(rowsUnder(page, '## Capabilities').sort()).toEqual([...capabilities].sort())
  })
})

describe('the snippets of docs/providers', () => {
  const folder = join(process.cwd(), 'docs/providers')
  const snippets = new Map<string, string>()
  for (const page of readdirSync(folder).filter((name) => name.endsWith('.md'))) {
    const text = readFileSync(join(folder, page), 'utf8')
    for (const [index, [, code = '']] of [...text.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].entries())
      snippets.set(join(folder, `${page}.${index}.ts`), code)
  }

  /** One program for all, as most of its time goes by on what they import: the snippets, and the first of them with a mistake. */
  let errors: readonly string[]
  const ofMistake = (error: string) => error.startsWith('mistake.ts: ')
  beforeAll(() => {
    const [first = ''] = snippets.values()
    const mistake = first.replace('createBilling({', 'createBilling({ nonsense: 1,')
    errors = errorsIn(new Map([...snippets, [join(folder, 'mistake.ts'), mistake]]))
  }, 120_000)

  it('C4 compile as strictly as this package, each by itself', () => {
    expect(snippets.size).toBeGreaterThanOrEqual(3)
    expect(errors.filter((error) => !ofMistake(error))).toEqual([])
  })

  it('C4 hand the provider to createBilling and say where customers may return to', () => {
    const all = [...snippets.values()].join('\n')
    for (const part of ['providers: { default: stripe', 'providers: { tracing: langfuse', 'allowedOrigins: ['])
      expect(all).toContain(part)
  })

  it('C4 can be pasted and started: what stands for a key is what a key may be', () => {
    for (const [file, code] of snippets) expect(code, file).not.toMatch(/'[^'\n]*…'/)
  })

  it('C4 would not compile with a mistake in one', () => {
    expect(errors.find(ofMistake)).toContain('nonsense')
  })
})

/** What TypeScript says of these files, which import the package by name and need not be on disk. */
function errorsIn(files: ReadonlyMap<string, string>): readonly string[] {
  const root = process.cwd()
  const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile)
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, root)
  const host = ts.createCompilerHost(options)
  const { fileExists, readFile, getSourceFile } = host
  host.fileExists = (name) => files.has(name) || fileExists(name)
  host.readFile = (name) => files.get(name) ?? readFile(name)
  host.getSourceFile = (name, format, ...rest) => {
    const code = files.get(name)
    return code === undefined ? getSourceFile(name, format, ...rest) : ts.createSourceFile(name, code, format, true)
  }
  const program = ts.createProgram([...files.keys()], options, host)
  return [...files.keys()].flatMap((name) =>
    ts
      .getPreEmitDiagnostics(program, program.getSourceFile(name))
      .map(({ messageText }) => `${basename(name)}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`),
  )
}

/** The names in the first column of the table under a heading. */
function rowsUnder(page: string, heading: string): string[] {
  const section = page.split(`${heading}\n`)[1]?.split('\n## ')[0] ?? ''
  return [...section.matchAll(/^\| `([^`]+)` \|/gm)].map((match) => match[1] ?? '')
}
