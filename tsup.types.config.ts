import { defineConfig } from 'tsup'
import { entries } from './scripts/entries.mjs'

// Puts the declarations of each entry together, from those that `tsc -p tsconfig.types.json` wrote: out of the sources themselves this takes
// more memory than there is. The JavaScript is built by tsup.config.ts.
const declared = '.types'

export default defineConfig({
  entry: Object.fromEntries(
    entries.map(({ output, source }) => [output, source.replace('src/', `${declared}/`).replace(/\.tsx?$/, '.d.ts')]),
  ),
  clean: false,
  format: ['esm', 'cjs'],
  // tsup sets `baseUrl`, which TypeScript 6 deprecates.
  dts: { only: true, compilerOptions: { ignoreDeprecations: '6.0' } },
})
