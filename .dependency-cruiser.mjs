// Which folder may import which. Each rule's name says what it forbids.

// Names of packages, however they resolve: installed (node_modules/zod/…) or not (zod).
const npmPackages = ['npm', 'npm-dev', 'npm-optional', 'npm-peer', 'npm-bundled', 'npm-no-pkg', 'npm-unknown']
const packageNamed = (/** @type {string} */ names) => `(^|node_modules/)(${names})(/|$)`

/**
 * @param {string} name
 * @param {object} from
 * @param {object} to
 */
const forbid = (name, from, to) =>
  /** @type {import('dependency-cruiser').IForbiddenRuleType} */ ({ name, severity: 'error', from, to })

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    forbid('no-cycles', {}, { circular: true }),
    forbid('everything-that-is-imported-exists', {}, { couldNotResolve: true }),

    forbid(
      'domain-imports-only-domain-and-errors',
      { path: '^src/core/domain/' },
      { pathNot: `^src/core/(domain/|errors\\.ts$)|${packageNamed('@noble/hashes')}` },
    ),
    forbid(
      'ports-import-only-ports-and-domain-and-errors',
      { path: '^src/core/ports/' },
      { pathNot: '^src/core/(ports/|domain/|errors\\.ts$)' },
    ),
    forbid('core-never-imports-a-shell', { path: '^src/core/' }, { path: '^src/', pathNot: '^src/core/' }),
    forbid('core-imports-no-node-built-in', { path: '^src/(core/|index\\.ts$)' }, { dependencyTypes: ['core'] }),
    forbid(
      'core-imports-no-package-but-zod-and-noble-hashes',
      { path: '^src/(core/|index\\.ts$)' },
      { dependencyTypes: npmPackages, pathNot: packageNamed('zod|@noble/hashes') },
    ),
    forbid('the-main-entry-imports-only-core', { path: '^src/index\\.ts$' }, { path: '^src/', pathNot: '^src/core/' }),

    forbid(
      'providers-and-adapters-enter-core-only-through-domain-and-ports-and-errors',
      { path: '^src/(providers|adapters)/' },
      { path: '^src/(core/|index\\.ts$)', pathNot: '^src/core/(domain/|ports/|errors\\.ts$)' },
    ),
    // What all providers share lies in `door`, which knows none of them.
    forbid(
      'a-provider-never-imports-another',
      { path: '^src/providers/([^/]+)/' },
      { path: '^src/providers/', pathNot: '^src/providers/($1|door)/' },
    ),
    forbid('a-provider-never-imports-an-adapter', { path: '^src/providers/' }, { path: '^src/adapters/' }),
    forbid('an-adapter-never-imports-a-provider', { path: '^src/adapters/' }, { path: '^src/providers/' }),
    forbid(
      'providers-and-adapters-never-import-another-shell',
      { path: '^src/(providers|adapters)/' },
      { path: '^src/', pathNot: '^src/(core|providers|adapters)/' },
    ),

    forbid(
      'prices-enter-core-only-through-domain-and-errors-and-import-no-other-shell',
      { path: '^src/prices/' },
      { path: '^src/', pathNot: '^src/(prices/|core/(domain/|errors\\.ts$))' },
    ),
    forbid(
      'prices-import-only-genai-prices',
      { path: '^src/prices/' },
      { dependencyTypes: npmPackages, pathNot: packageNamed('@pydantic/genai-prices') },
    ),

    forbid(
      'http-imports-only-the-main-entry-and-no-other-shell',
      { path: '^src/http/' },
      { path: '^src/', pathNot: '^src/(http/|index\\.ts$)' },
    ),
    forbid(
      'http-imports-only-hono-and-zod',
      { path: '^src/http/' },
      { dependencyTypes: npmPackages, pathNot: packageNamed('hono|@hono/node-server|@hono/zod-openapi|zod') },
    ),

    forbid('the-client-imports-nothing-but-itself', { path: '^src/client/' }, { pathNot: '^src/client/' }),
    forbid(
      'react-imports-only-itself-and-the-client',
      { path: '^src/react/' },
      { path: '^src/', pathNot: '^src/(react|client)/' },
    ),
    forbid(
      'react-imports-only-react-and-react-query-and-recharts',
      { path: '^src/react/' },
      { dependencyTypes: npmPackages, pathNot: packageNamed('react|@types/react|@tanstack/react-query|recharts') },
    ),
    forbid(
      'recharts-is-imported-only-where-it-is-loaded-with-a-chart',
      { path: '^src/', pathNot: '^src/react/charts/bars\\.tsx$' },
      { path: packageNamed('recharts') },
    ),
    forbid(
      'bars-are-loaded-when-they-are-shown',
      { path: '^src/' },
      { path: '^src/react/charts/bars\\.tsx$', dynamic: false },
    ),

    // What it shares with the handler of billing is a request's body, its errors, bodies in pieces, and the converters; of prices, how usage is read.
    forbid(
      'gateway-imports-only-the-main-entry-and-http-and-prices',
      { path: '^src/gateway/' },
      { path: '^src/', pathNot: '^src/(gateway/|index\\.ts$|prices/|http/(body|request-error|text-pieces)\\.ts$)' },
    ),
    forbid(
      'gateway-imports-only-zod-and-types-of-the-ai-sdk',
      { path: '^src/gateway/' },
      { dependencyTypes: npmPackages, pathNot: packageNamed('@ai-sdk/provider|zod') },
    ),
    forbid(
      'opentelemetry-imports-only-the-main-entry-and-http-and-its-api',
      { path: '^src/opentelemetry/' },
      { path: '^src/', pathNot: '^src/(opentelemetry/|index\\.ts$|http/index\\.ts$)' },
    ),
    forbid(
      'opentelemetry-imports-no-package-but-its-api',
      { path: '^src/opentelemetry/' },
      { dependencyTypes: npmPackages, pathNot: packageNamed('@opentelemetry/api') },
    ),
    forbid(
      'webhooks-import-only-the-main-entry',
      { path: '^src/webhooks/' },
      { path: '^src/', pathNot: '^src/(webhooks/|index\\.ts$)' },
    ),
    forbid('webhooks-import-no-package', { path: '^src/webhooks/' }, { dependencyTypes: npmPackages }),
    forbid(
      'testing-enters-core-only-through-domain-and-ports-and-errors-and-imports-no-other-shell',
      { path: '^src/testing/' },
      { path: '^src/', pathNot: '^src/(testing/|core/(domain/|ports/|errors\\.ts$))' },
    ),
    forbid(
      'testing-imports-only-hono-and-msw-and-zod',
      { path: '^src/testing/' },
      { dependencyTypes: npmPackages, pathNot: packageNamed('hono|@hono/node-server|msw|zod') },
    ),
    forbid(
      'the-package-never-imports-a-test-runner',
      { path: '^src/' },
      { path: `${packageNamed('vitest|@vitest|jest|@jest|mocha|ava|tap')}|^(node:)?test$` },
    ),

    forbid('sources-never-import-tests-or-examples', { path: '^src/' }, { path: '^(test|examples|scripts)/' }),
    forbid(
      'examples-import-the-package-by-name',
      { path: '^examples/' },
      // By name it resolves to the same sources, but through tsconfig's `paths`.
      { path: '^src/', dependencyTypesNot: ['aliased'] },
    ),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    // An app of its own, with packages of its own.
    exclude: { path: '^examples/next/' },
    tsConfig: { fileName: 'tsconfig.json' },
    // Type imports count: they are dependencies of the reader.
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'types', 'default'] },
  },
}
