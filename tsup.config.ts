import { defineConfig } from 'tsup'
import { entries } from './scripts/entries.mjs'

export default defineConfig({
  entry: Object.fromEntries(entries.map((entry) => [entry.output, entry.source])),
  format: ['esm', 'cjs'],
  target: 'node20',
  platform: 'node',
  // Shared chunks in CJS too: every subpath then throws the same BillingError class.
  splitting: true,
  // Without this pass of rollup, split CJS gets source maps of itself that hold this machine's paths, and slow `?.` helpers.
  treeshake: true,
  // `import.meta.url` is a SyntaxError in a .cjs file; the shim puts the file's own URL in its place.
  shims: true,
  // Keep `node:fs` as written: a bundler that meets `fs` looks for a package of that name.
  removeNodeProtocol: false,
  sourcemap: true,
  clean: true,
  // tsup sets `baseUrl`, which TypeScript 6 deprecates. `npm test` and `npm run demo` build with --no-dts.
  dts: { compilerOptions: { ignoreDeprecations: '6.0' } },
})
