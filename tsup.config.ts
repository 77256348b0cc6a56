import { cpSync, rmSync, writeFileSync } from 'node:fs'
import { defineConfig, type Options } from 'tsup'
import { entries } from './scripts/entries.mjs'

// The JavaScript; the declarations are put together by tsup.types.config.ts.
// Each of the builds below would remove what the others have made: they run at the same time.
rmSync('dist', { recursive: true, force: true })

const shared = {
  sourcemap: true,
  clean: false,
} satisfies Options

const isReact = ({ name }: (typeof entries)[number]) => name === 'billfold/react'

// Its first line says that it is for the browser, which a pass of rollup drops and split CJS puts too late: so it is built by itself.
const react = {
  ...shared,
  entry: Object.fromEntries(entries.filter(isReact).map(({ output, source }) => [output, source])),
  target: 'es2022',
  platform: 'browser',
  banner: { js: "'use client'" },
  // Of recharts too only what a chart loads.
  external: ['react', 'react-dom', '@tanstack/react-query', 'recharts'],
} satisfies Options

const node = {
  ...shared,
  entry: Object.fromEntries(entries.filter((entry) => !isReact(entry)).map(({ output, source }) => [output, source])),
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
} satisfies Options

/** What is loaded late is loaded by `require` too: in an app's tests Jest refuses `import()`. */
const requireLate = {
  name: 'require-late',
  renderChunk: (code: string) => ({
    code: code.replace(/\bimport\((['"]\.\/[^'"]+\.cjs['"])\)/g, 'Promise.resolve().then(() => require($1))'),
  }),
}

export default defineConfig([
  { ...node, format: 'esm' },
  // These come as ES modules only, which Node's `require` loads and Jest's does not.
  {
    ...node,
    format: 'cjs',
    noExternal: ['@noble/hashes'],
    plugins: [requireLate],
    // Their licence goes where they go.
    onSuccess: async () => cpSync('node_modules/@noble/hashes/LICENSE', 'dist/noble-hashes.LICENSE.txt'),
  },
  {
    ...react,
    format: 'esm',
    splitting: true,
    minify: true,
    onSuccess: async () => {
      cpSync('src/react/styles.css', 'dist/react/styles.css')
      // TypeScript 6 and later look for the types of what is imported for its effect alone.
      writeFileSync('dist/react/styles.css.d.ts', 'export {}\n')
    },
  },
  { ...react, format: 'cjs', splitting: false },
])
