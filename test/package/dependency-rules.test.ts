import { copyFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import configuration from '../../.dependency-cruiser.mjs'
import { run, toolPath } from '../../scripts/tool.mjs'
import { temporaryFolder } from './temporary-folder.js'

const root = process.cwd()
const packages = ['zod', 'stripe', 'hono', 'vitest', '@noble/hashes']

/** A small tree that keeps every rule. */
const lawful = {
  'package.json': JSON.stringify({
    type: 'module',
    dependencies: Object.fromEntries(packages.map((name) => [name, '*'])),
  }),
  'tsconfig.json': JSON.stringify({
    compilerOptions: { module: 'NodeNext', paths: { billfold: ['./src/index.ts'] } },
    include: ['src', 'examples'],
  }),
  ...Object.fromEntries(
    packages.flatMap((name) => [
      [`node_modules/${name}/package.json`, JSON.stringify({ name, version: '1.0.0', exports: './index.js' })],
      [`node_modules/${name}/index.js`, 'module.exports = {}'],
    ]),
  ),
  'src/index.ts': "export * from './core/service.js'",
  'src/core/errors.ts': 'export const errors = 1',
  'src/core/service.ts':
    "import 'zod'\nimport './domain/money.js'\nimport './ports/store.js'\nexport const service = 1",
  'src/core/domain/money.ts': "import '@noble/hashes'\nimport '../errors.js'\nexport interface Money {}",
  'src/core/ports/store.ts':
    "import type { Money } from '../domain/money.js'\nimport '../errors.js'\nexport type Store = Money",
  'src/providers/stripe/index.ts':
    "import 'stripe'\nimport 'zod'\nimport './call.js'\nimport '../door/door.js'\nimport '../../core/ports/store.js'",
  'src/providers/stripe/call.ts': "import '../../core/errors.js'",
  'src/providers/door/door.ts': "import '../../core/errors.js'",
  'src/providers/lago/index.ts': "import '../../core/domain/money.js'",
  'src/adapters/memory.ts': "import '../core/ports/store.js'\nimport 'node:fs'",
  'src/prices/index.ts': "import '../core/errors.js'\nimport '../core/domain/money.js'",
  'src/testing/index.ts': "import 'hono'\nimport 'zod'\nimport 'node:http'\nimport '../core/ports/store.js'",
  'src/http/handler.ts': "import 'hono'\nimport '../index.js'",
  'src/http/body.ts': "import '../index.js'",
  'src/gateway/index.ts': "import 'zod'\nimport '../index.js'\nimport '../prices/index.js'\nimport '../http/body.js'",
  'examples/demo.ts': "import { service } from 'billfold'\nimport './other.js'\nexport const demo = service",
  'examples/other.ts': 'export const other = 1',
  'test/support.ts': 'export const support = 1',
}

/** For each rule the files that break it, and how. */
const unlawful: Record<string, Record<string, string>> = {
  'no-cycles': { 'src/core/domain/a-cycle.ts': "import './a-other-end.js'" },
  'everything-that-is-imported-exists': { 'src/core/b-gone.ts': "import './gone.js'" },
  'domain-imports-only-domain-and-errors': {
    'src/core/domain/c-package.ts': "import 'zod'",
    'src/core/domain/c-built-in.ts': "import 'node:crypto'",
    'src/core/domain/c-type.ts': "import type { Store } from '../ports/store.js'\nexport type Bad = Store",
    'src/core/domain/c-core.ts': "import '../service.js'",
  },
  'ports-import-only-ports-and-domain-and-errors': {
    'src/core/ports/d-package.ts': "import 'zod'",
    'src/core/ports/d-core.ts': "import '../service.js'",
  },
  'core-never-imports-a-shell': {
    'src/core/e-provider.ts': "import '../providers/lago/index.js'",
    'src/core/e-adapter.ts': "import '../adapters/memory.js'",
    'src/core/e-http.ts': "import '../http/handler.js'",
    'src/core/e-testing.ts': "import '../testing/index.js'",
  },
  'core-imports-no-node-built-in': {
    'src/core/f-prefixed.ts': "import 'node:crypto'",
    'src/core/f-bare.ts': "import 'fs'",
    'src/index.ts': "import 'node:fs'\nimport './adapters/memory.js'\nimport './core/service.js'",
  },
  'core-imports-no-package-but-zod-and-noble-hashes': {
    'src/core/g-package.ts': "import 'stripe'",
    'src/core/g-types.ts': "import type {} from 'stripe'",
  },
  'the-main-entry-imports-only-core': {
    'src/index.ts': "import 'node:fs'\nimport './adapters/memory.js'\nimport './core/service.js'",
  },
  'providers-and-adapters-enter-core-only-through-domain-and-ports-and-errors': {
    'src/providers/stripe/h-core.ts': "import '../../core/service.js'",
    'src/adapters/h-main.ts': "import '../index.js'",
  },
  'a-provider-never-imports-another': {
    'src/providers/stripe/i-other.ts': "import '../lago/index.js'",
    'src/providers/door/i-other.ts': "import '../lago/index.js'",
  },
  'a-provider-never-imports-an-adapter': { 'src/providers/stripe/j.ts': "import '../../adapters/memory.js'" },
  'an-adapter-never-imports-a-provider': { 'src/adapters/k.ts': "import '../providers/lago/index.js'" },
  'providers-and-adapters-never-import-another-shell': {
    'src/adapters/l-http.ts': "import '../http/handler.js'",
    'src/providers/stripe/l-testing.ts': "import '../../testing/index.js'",
  },
  'prices-enter-core-only-through-domain-and-errors-and-import-no-other-shell': {
    'src/prices/r-core.ts': "import '../core/service.js'",
    'src/prices/r-ports.ts': "import '../core/ports/store.js'",
    'src/prices/r-adapter.ts': "import '../adapters/memory.js'",
  },
  'prices-import-only-genai-prices': { 'src/prices/s-package.ts': "import 'stripe'" },
  'http-imports-only-the-main-entry-and-no-other-shell': {
    'src/http/t-core.ts': "import '../core/service.js'",
    'src/http/t-adapter.ts': "import '../adapters/memory.js'",
    'src/http/t-testing.ts': "import '../testing/index.js'",
  },
  'http-imports-only-hono-and-zod': { 'src/http/u-package.ts': "import 'stripe'" },
  'the-client-imports-nothing-but-itself': {
    'src/client/z-main.ts': "import '../index.js'",
    'src/client/z-package.ts': "import 'zod'",
  },
  'react-imports-only-itself-and-the-client': { 'src/react/z-http.ts': "import '../http/handler.js'" },
  'react-imports-only-react-and-react-query-and-recharts': { 'src/react/z-package.ts': "import 'zod'" },
  'recharts-is-imported-only-where-it-is-loaded-with-a-chart': { 'src/react/z-recharts.ts': "import 'recharts'" },
  'bars-are-loaded-when-they-are-shown': {
    'src/react/z-bars.ts': "import './charts/bars.js'",
  },
  'gateway-imports-only-the-main-entry-and-http-and-prices': {
    'src/gateway/v-core.ts': "import '../core/service.js'",
    'src/gateway/v-handler.ts': "import '../http/handler.js'",
    'src/gateway/v-testing.ts': "import '../testing/index.js'",
  },
  'gateway-imports-only-zod-and-types-of-the-ai-sdk': { 'src/gateway/w-package.ts': "import 'hono'" },
  'opentelemetry-imports-only-the-main-entry-and-http-and-its-api': {
    'src/opentelemetry/x-core.ts': "import '../core/service.js'",
    'src/opentelemetry/x-handler.ts': "import '../http/handler.js'",
  },
  'opentelemetry-imports-no-package-but-its-api': { 'src/opentelemetry/x-package.ts': "import 'hono'" },
  'webhooks-import-only-the-main-entry': {
    'src/webhooks/y-core.ts': "import '../core/service.js'",
    'src/webhooks/y-testing.ts': "import '../testing/index.js'",
  },
  'webhooks-import-no-package': { 'src/webhooks/y-package.ts': "import 'zod'" },
  'testing-enters-core-only-through-domain-and-ports-and-errors-and-imports-no-other-shell': {
    'src/testing/m-core.ts': "import '../core/service.js'",
    'src/testing/m-adapter.ts': "import '../adapters/memory.js'",
    'src/testing/m-main.ts': "import '../index.js'",
  },
  'testing-imports-only-hono-and-msw-and-zod': { 'src/testing/n-package.ts': "import 'stripe'" },
  'the-package-never-imports-a-test-runner': {
    'src/testing/o-vitest.ts': "import 'vitest'",
    'src/testing/o-node-test.ts': "import 'node:test'",
  },
  'sources-never-import-tests-or-examples': {
    'src/adapters/p-test.ts': "import '../../test/support.js'",
    'src/adapters/p-example.ts': "import '../../examples/other.js'",
  },
  'examples-import-the-package-by-name': {
    'examples/q-main.ts': "import '../src/index.js'",
    'examples/q-inside.ts': "import '../src/core/errors.js'",
  },
}

describe('the import rules', () => {
  let violations: readonly string[]
  beforeAll(async () => {
    const files = {
      'src/core/domain/a-other-end.ts': "import './a-cycle.js'",
      'src/react/charts/bars.tsx': 'export {}',
    }
    violations = await violationsIn(Object.assign(files, ...Object.values(unlawful)))
  })

  it('allow a tree that keeps them', async () => {
    expect(await violationsIn({})).toEqual([])
  })

  it.each(Object.entries(unlawful))('%s', (rule, files) => {
    expect(violations).toEqual(expect.arrayContaining(Object.keys(files).map((file) => `${rule}: ${file}`)))
  })

  it('are all shown to fail', () => {
    expect(Object.keys(unlawful)).toEqual(configuration.forbidden?.map((rule) => rule.name))
  })
})

/** What dependency-cruiser reports for the lawful tree with these files added, as `rule: file`. */
async function violationsIn(files: Record<string, string>): Promise<readonly string[]> {
  const folder = temporaryFolder({ ...lawful, ...files })
  try {
    copyFileSync(join(root, '.dependency-cruiser.mjs'), join(folder, '.dependency-cruiser.mjs'))
    const depcruise = toolPath(root, 'dependency-cruiser', 'depcruise')
    const args = ['--config', '.dependency-cruiser.mjs', '--output-type', 'json', 'src', 'examples']
    const { output } = await run(process.execPath, [depcruise, ...args], { cwd: folder })
    const { summary } = JSON.parse(output) as { summary: { violations: { from: string; rule: { name: string } }[] } }
    return summary.violations.map(({ from, rule }) => `${rule.name}: ${from}`)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
